"""Who may arrange visits, who may make one, and who may see it: guards that find it among what the actor may see."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.identity.api import ResidentSubject, actor_binds, is_visible, resident_guard
from eldercare.visits.models import CARERS, VISITS
from eldercare.visits.problems import NotYourVisit

READ: Final = "visits:read"
MANAGE: Final = "visits:manage"

_visit_id = sa.bindparam("visit_id", type_=sa.Uuid)
_VISIT = sa.select(
    VISITS.c.id,
    VISITS.c.resident_id,
    VISITS.c.community_id,
    VISITS.c.organization_id,
    is_visible(VISITS.c.resident_id, READ).label("is_visible"),
).where(VISITS.c.id == _visit_id)
# Somebody may have been removed and asked again: what counts is where they stand now.
_OWN = (
    sa.select(CARERS.c.id, CARERS.c.state, CARERS.c.arrived_at, CARERS.c.departed_at)
    .where(CARERS.c.visit_id == _visit_id, CARERS.c.account_id == sa.bindparam("own_account", type_=sa.Uuid))
    .order_by(CARERS.c.state.in_(["removed", "absent"]), CARERS.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class VisitSubject:
    """The visit a request is about."""

    id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class OwnVisit:
    """A visit that the actor makes, and the row that says so."""

    visit: VisitSubject
    carer_id: uuid.UUID


def may_arrange(actor: Actor, organization_id: uuid.UUID) -> bool:
    """Say whether the actor arranges an agency's visits: as its coordinator, or for the operator who oversees it."""
    return any(
        held.role in ("coordinator", "operator")
        and (held.organization_id == organization_id or held.organization_kind == "operator")
        for held in actor.memberships
    )


def require_arranger(actor: Actor, organization_id: uuid.UUID) -> None:
    """Raise ``Forbidden`` unless the actor arranges the visits of that agency."""
    if not may_arrange(actor, organization_id):
        raise Forbidden("visits are arranged by the agency that makes them")


def _arranger_guard() -> Callable[[Request], Awaitable[ResidentSubject]]:
    of_resident = resident_guard(MANAGE)

    async def guard(request: Request) -> ResidentSubject:
        subject = await of_resident(request)
        actor = await authenticate(request)
        if not actor.holds("coordinator", "operator"):
            raise Forbidden("visits are arranged by the agency that makes them")
        return subject

    guard.scope = MANAGE  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


arranger_guard: Final = _arranger_guard()
"""The dependency that hands over the resident to staff who arrange visits: 403 for the resident and their family."""


async def require_visit(connection: AsyncConnection, actor: Actor, visit_id: uuid.UUID) -> VisitSubject:
    """Return the visit if the actor may see it; raises ``NotFound``."""
    row = await _find(connection, actor, visit_id)
    if not row.is_visible:
        raise NotFound
    return _subject(row)


def _visit_guard() -> Callable[[Request], Awaitable[VisitSubject]]:
    async def guard(request: Request) -> VisitSubject:
        actor = await _signed_in(request)
        return await require_visit(await connection_of(request), actor, _path_id(request))

    guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


def _own_visit_guard(*, leaving: bool) -> Callable[[Request], Awaitable[OwnVisit]]:
    async def guard(request: Request) -> OwnVisit:
        actor = await _signed_in(request)
        return await require_own_visit(await connection_of(request), actor, _path_id(request), leaving=leaving)

    guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


visit_guard: Final = _visit_guard()
own_visit_guard: Final = _own_visit_guard(leaving=False)
leaving_guard: Final = _own_visit_guard(leaving=True)
"""As ``own_visit_guard``, and for whoever was removed, or lost their role, while they were there: they still leave."""


async def require_own_visit(
    connection: AsyncConnection, actor: Actor, visit_id: uuid.UUID, *, leaving: bool = False
) -> OwnVisit:
    """Return the visit if the actor makes it.

    Raises ``NotFound`` if they may not know of it, ``NotYourVisit`` if they do but do not make it, or no longer.
    """
    row = await _find(connection, actor, visit_id)
    own = None
    if actor.kind == "account":
        own = (await connection.execute(_OWN, {"visit_id": visit_id, "own_account": actor.id})).one_or_none()
    if own is None and not row.is_visible:
        raise NotFound
    if own is None:
        raise NotYourVisit
    is_removed = own.state in ("removed", "absent")
    is_inside = own.arrived_at is not None and own.departed_at is None
    if not (leaving and is_inside) and (is_removed or not row.is_visible):
        raise NotYourVisit
    return OwnVisit(_subject(row), own.id)


async def _find(connection: AsyncConnection, actor: Actor, visit_id: uuid.UUID) -> sa.Row[Any]:
    row = (await connection.execute(_VISIT, {"visit_id": visit_id} | actor_binds(actor, READ))).one_or_none()
    if row is None:
        raise NotFound
    return row


def _subject(row: sa.Row[Any]) -> VisitSubject:
    return VisitSubject(row.id, row.resident_id, row.community_id, row.organization_id)


async def _signed_in(request: Request) -> Actor:
    actor = await authenticate(request)
    if actor.kind == "anonymous":
        raise Unauthenticated
    return actor


def _path_id(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(str(request.path_params["visit_id"]))
    except ValueError:
        raise Malformed(errors=[FieldError("/path/visit_id", "not a UUID", "uuid_parsing")]) from None
