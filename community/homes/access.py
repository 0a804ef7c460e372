"""Who may do what with a connected home: its holder, who lives there with them, and whom the holder lets."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.core.statements import HotStatement
from app.identity.api import ResidentSubject, require_resident, resident_accounts, resident_guard
from community.homes.models import HOMES, RESIDENTS
from community.homes.problems import NotByRole

Record = Mapping[str, Any]

ACTIVITY: Final = "home:activity"
READ: Final = "home:read"
CONTROL: Final = "home:control"
MANAGE: Final = "home:manage"
ANY_OF_HOME: Final = (READ, CONTROL, MANAGE, ACTIVITY)
"""Whoever has one of them may know that the home is connected."""

_TOGETHER: Final = frozenset({ACTIVITY, READ, CONTROL})
"""What everybody may who lives there; what is watched and connected is the holder's to say, or who they let."""

_HOME: Final = HotStatement(
    sa.select(
        HOMES.c.id,
        HOMES.c.community_id,
        HOMES.c.resident_id,
        HOMES.c.time_zone,
        HOMES.c.state,
        sa.exists()
        .where(
            RESIDENTS.c.home_id == HOMES.c.id, RESIDENTS.c.resident_id == sa.bindparam("own_resident", type_=sa.Uuid)
        )
        .label("lives_there"),
        sa.exists()
        .where(
            RESIDENTS.c.home_id == HOMES.c.id,
            RESIDENTS.c.resident_id == sa.bindparam("own_resident", type_=sa.Uuid),
            RESIDENTS.c.agreed_at.is_not(None),
        )
        .label("agrees"),
    ).where(HOMES.c.id == sa.bindparam("home_id", type_=sa.Uuid))
)


@dataclass(frozen=True, slots=True)
class HomeSubject:
    """The home a request is about; ``subject`` is its holder, and how the actor is related to them."""

    id: uuid.UUID
    community_id: uuid.UUID
    time_zone: str
    state: str
    subject: ResidentSubject

    @property
    def resident_id(self) -> uuid.UUID:
        """Whose home it is."""
        return self.subject.resident_id


def require_let(subject: ResidentSubject) -> None:
    """Raise ``NotByRole`` for whoever may manage a home only because they serve its resident.

    What a home notices is agreed to by who lives there or whom they let; and with its hub's credentials all of it can
    be heard, which no role brings.
    """
    if subject.relation == "staff":
        raise NotByRole


async def require_home(connection: AsyncConnection, actor: Actor, home_id: uuid.UUID, *scopes: str) -> HomeSubject:
    """Return a home if the actor has one of ``scopes`` on its holder, or lives there, agreed, and everybody may.

    Raises ``NotFound`` if the actor may not know the holder, ``Forbidden`` if they lack the scopes.
    """
    row = await _HOME.row(connection, {"home_id": home_id, "own_resident": actor.resident_id})
    if row is None:
        raise NotFound
    subject = await _holder(connection, actor, row, scopes)
    return HomeSubject(row["id"], row["community_id"], row["time_zone"], row["state"], subject)


async def _holder(connection: AsyncConnection, actor: Actor, row: Record, scopes: tuple[str, ...]) -> ResidentSubject:
    lives_there = row["lives_there"] and row["state"] != "closed" and actor.scopes is None
    # Who is only asked has to know what for, and nothing more: the past they did not share is the holder's.
    is_shared = _TOGETHER & set(scopes) if row["agrees"] else set(ANY_OF_HOME) <= set(scopes)
    if lives_there and row["resident_id"] != actor.resident_id and is_shared:
        return await _shared(connection, row)
    refusal: Forbidden | None = None
    for scope in scopes:
        try:
            return await require_resident(connection, actor, row["resident_id"], scope)
        except Forbidden as problem:
            refusal = refusal or problem
        except NotFound:
            if lives_there:
                raise Forbidden(f"this needs {scope}") from None
            raise
    raise refusal or Forbidden


async def _shared(connection: AsyncConnection, row: Record) -> ResidentSubject:
    """Return the holder to whom they share the home with: what they see of it is on the holder's record."""
    accounts = await resident_accounts(connection, [row["resident_id"]])
    return ResidentSubject(
        row["resident_id"],
        row["community_id"],
        accounts[row["resident_id"]],
        row["time_zone"],
        "active",
        relation="granted",
    )


@asynccontextmanager
async def _connection(request: Request) -> AsyncIterator[AsyncConnection]:
    """Hand out the request's connection, or one for the moment on routes that open their own units of work."""
    if hasattr(request.state, "session") or hasattr(request.state, "reading"):
        yield await connection_of(request)
    else:
        async with reading() as connection:
            yield connection


def home_guard(*scopes: str) -> Callable[[Request], Awaitable[HomeSubject]]:
    """Return the dependency that hands over the home of the path (``home_id``) to who has one of ``scopes``.

    401 for nobody, 404 where the actor may not know the holder, 403 without any of the scopes.
    """

    async def guard(request: Request) -> HomeSubject:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        try:
            home_id = uuid.UUID(str(request.path_params["home_id"]))
        except ValueError:
            raise Malformed(errors=[FieldError("/path/home_id", "not a UUID", "uuid_parsing")]) from None
        async with _connection(request) as connection:
            return await require_home(connection, actor, home_id, *scopes)

    guard.scope = scopes[0]  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


def holder_guard(*scopes: str) -> Callable[[Request], Awaitable[ResidentSubject]]:
    """Return the dependency that hands over the resident of the path to who has one of ``scopes`` on them."""
    guards = [resident_guard(scope) for scope in scopes]

    async def guard(request: Request) -> ResidentSubject:
        refusal: Forbidden | None = None
        for one in guards:
            try:
                return await one(request)
            except Forbidden as problem:
                refusal = refusal or problem
        raise refusal or Forbidden

    guard.scope = scopes[0]  # type: ignore[attr-defined]  # read by the access matrix test
    return guard
