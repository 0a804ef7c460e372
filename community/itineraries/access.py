"""Who may see and change days out: whose they are and whom they let; whoever comes along sees where they lead."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.core.statements import HotStatement
from app.identity.api import ResidentSubject, actor_binds, granted_accounts, is_visible, require_resident
from community.itineraries.models import COMPANIONS, ITINERARIES
from community.ticket_orders.access import ORDER, READ

Side = Literal["resident", "companion"]

_granted = granted_accounts(ORDER).subquery("granted")
IS_STILL_LET: Final = sa.or_(
    COMPANIONS.c.added_by == ITINERARIES.c.account_id,
    sa.exists().where(
        _granted.c.resident_id == COMPANIONS.c.resident_id, _granted.c.account_id == COMPANIONS.c.added_by
    ),
)
"""Who comes along does so by the word of the resident, or of somebody who may plan for them to this day.

For statements over both tables; they need the bind ``granted_at``.
"""

_account = sa.bindparam("own_account", type_=sa.Uuid)
_ITINERARY: Final = HotStatement(
    sa.select(
        ITINERARIES.c.id,
        ITINERARIES.c.resident_id,
        ITINERARIES.c.community_id,
        is_visible(ITINERARIES.c.resident_id, READ).label("is_visible"),
        is_visible(ITINERARIES.c.resident_id, ORDER).label("is_theirs"),
        sa.and_(
            ITINERARIES.c.state == sa.literal("open", sa.Text),
            sa.exists(
                sa.select(COMPANIONS.c.id)
                .where(COMPANIONS.c.itinerary_id == ITINERARIES.c.id, COMPANIONS.c.account_id == _account, IS_STILL_LET)
                .correlate(ITINERARIES)
            ),
        ).label("comes_along"),
    ).where(ITINERARIES.c.id == sa.bindparam("itinerary_id", type_=sa.Uuid))
)


@dataclass(frozen=True, slots=True)
class Subject:
    """The itinerary a request is about, on which sides the actor stands, and whether they may plan for the resident."""

    id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID
    sides: frozenset[Side]
    may_plan: bool

    @property
    def is_shown_whole(self) -> bool:
        """Say whether the actor sees what was asked and needed; whoever only comes along does not."""
        return "resident" in self.sides


async def require_itinerary(connection: AsyncConnection, actor: Actor, itinerary_id: uuid.UUID) -> Subject:
    """Return the itinerary if the actor may see it; raises ``NotFound``."""
    binds = {
        "itinerary_id": itinerary_id,
        "own_account": actor.id if actor.kind == "account" else None,
        "granted_at": clock.now(),
        **actor_binds(actor, READ, ORDER),
    }
    row = await _ITINERARY.row(connection, binds)
    if row is None:
        raise NotFound
    sides: set[Side] = set()
    if row["is_visible"]:
        sides.add("resident")
    if row["comes_along"] and actor.community_id == row["community_id"]:
        sides.add("companion")
    if not sides:
        raise NotFound
    return Subject(row["id"], row["resident_id"], row["community_id"], frozenset(sides), bool(row["is_theirs"]))


async def subject_of(connection: AsyncConnection, actor: Actor, itinerary: Subject) -> ResidentSubject:
    """Return the resident whose itinerary it is, for whoever may read of them; raises ``NotFound``, ``Forbidden``."""
    return await require_resident(connection, actor, itinerary.resident_id, READ)


def itinerary_guard(*, plans: bool = False, goes: bool = False) -> Callable[[Request], Awaitable[Subject]]:
    """Return the dependency that hands over the itinerary of the path; with ``plans`` to whoever may change it.

    With ``goes`` it is for whoever is on the way: who may change it, or comes along.

    401 for nobody, 404 for whoever may not know of it, 403 for who may only see it.
    """

    async def guard(request: Request) -> Subject:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        try:
            itinerary_id = uuid.UUID(str(request.path_params["itinerary_id"]))
        except ValueError:
            raise Malformed(errors=[FieldError("/path/itinerary_id", "not a UUID", "uuid_parsing")]) from None
        if hasattr(request.state, "session") or hasattr(request.state, "reading"):
            subject = await require_itinerary(await connection_of(request), actor, itinerary_id)
        else:
            async with reading() as connection:  # the route opens its own units of work
                subject = await require_itinerary(connection, actor, itinerary_id)
        if plans and not subject.may_plan:
            raise Forbidden(f"this needs {ORDER}")
        if goes and not subject.may_plan and "companion" not in subject.sides:
            raise Forbidden("this is for whoever is on the way")
        return subject

    guard.scope = ORDER if plans else READ  # type: ignore[attr-defined]  # read by the access matrix test
    return guard
