"""Who may do what with trips: their organizer, the operator, who leads them, who goes along, and everybody else."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.identity.api import (
    Member,
    ResidenceEnded,
    ResidentSubject,
    actor_binds,
    is_visible,
    member_guard,
    require_resident,
)
from community.trips.models import LEADERS, PARTICIPANTS, TRIPS
from community.trips.problems import NotALeader
from community.trips.rules import Side

READ: Final = "trips:read"
JOIN: Final = "trips:join"
Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
"""Whoever arranges trips of the organization of the path, or oversees it."""

_leads: Final = sa.exists().where(
    LEADERS.c.trip_id == TRIPS.c.id, LEADERS.c.account_id == sa.bindparam("own_account", type_=sa.Uuid)
)
_TRIP: Final = sa.select(
    TRIPS.c.id, TRIPS.c.community_id, TRIPS.c.organization_id, TRIPS.c.state, _leads.label("leads")
).where(TRIPS.c.id == sa.bindparam("trip_id", type_=sa.Uuid))
_PARTICIPATION: Final = (
    sa.select(
        *(PARTICIPANTS.c[name] for name in ("id", "trip_id", "resident_id", "community_id", "organization_id")),
        is_visible(PARTICIPANTS.c.resident_id, READ).label("is_visible"),
        is_visible(PARTICIPANTS.c.resident_id, JOIN).label("is_theirs"),
        _leads.label("leads"),
    )
    .join(TRIPS, TRIPS.c.id == PARTICIPANTS.c.trip_id)
    .where(PARTICIPANTS.c.id == sa.bindparam("participation_id", type_=sa.Uuid))
)


@dataclass(frozen=True, slots=True)
class TripSubject:
    """The trip a request is about, and on which sides of it the actor stands; on none, they may know of it."""

    id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID
    sides: frozenset[Side]

    def side(self, *sides: Side) -> Side:
        """Return the first of ``sides`` the actor stands on; raises ``Forbidden``."""
        return _first(self.sides, sides)


@dataclass(frozen=True, slots=True)
class Participation:
    """That a resident goes along, on which sides of it the actor stands, and whether they may sign the resident up."""

    id: uuid.UUID
    trip_id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID
    sides: frozenset[Side]
    may_join: bool

    def side(self, *sides: Side) -> Side:
        """Return the first of ``sides`` the actor stands on; raises ``Forbidden``."""
        return _first(self.sides, sides)


def _first(held: frozenset[Side], sides: tuple[Side, ...]) -> Side:
    found = next((side for side in sides if side in held), None)
    if found is None:
        raise NotALeader if "leader" in sides else Forbidden("this is for others who have to do with the trip")
    return found


def _sides(actor: Actor, row: Any) -> set[Side]:
    """Return where somebody of the community stands; who led a trip and is of the organization no more leads none."""
    sides: set[Side] = set()
    if actor.kind != "account" or actor.community_id != row["community_id"]:
        return sides
    here = [held for held in actor.memberships if held.organization_id == row["organization_id"]]
    if row["leads"] and here:
        sides.add("leader")
    if any(held.role == "coordinator" for held in here):
        sides.add("organizer")
    if actor.holds("operator", organization_kind="operator"):
        sides.add("operator")
    return sides


async def require_trip(connection: AsyncConnection, actor: Actor, trip_id: uuid.UUID) -> TripSubject:
    """Return a trip of the actor's community; raises ``NotFound``, also for a draft of another organization's."""
    row = (await connection.execute(_TRIP, {"trip_id": trip_id, "own_account": actor.id})).mappings().one_or_none()
    if row is None or actor.kind != "account" or row["community_id"] != actor.community_id:
        raise NotFound
    sides = _sides(actor, row)
    if row["state"] == "draft" and not sides:
        raise NotFound
    return TripSubject(row["id"], row["community_id"], row["organization_id"], frozenset(sides))


async def require_participation(
    connection: AsyncConnection, actor: Actor, participation_id: uuid.UUID
) -> Participation:
    """Return how a resident goes along if the actor may know of it; raises ``NotFound``."""
    binds = {"participation_id": participation_id, "own_account": actor.id, **actor_binds(actor, READ, JOIN)}
    row = (await connection.execute(_PARTICIPATION, binds)).mappings().one_or_none()
    if row is None:
        raise NotFound
    sides = _sides(actor, row)
    if row["is_visible"]:
        sides.add("resident")
    if not sides:
        raise NotFound
    return Participation(
        id=row["id"],
        trip_id=row["trip_id"],
        resident_id=row["resident_id"],
        community_id=row["community_id"],
        organization_id=row["organization_id"],
        sides=frozenset(sides),
        may_join=bool(row["is_theirs"]),
    )


async def require_joiner(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> ResidentSubject:
    """Return whom the actor signs up.

    Raises ``NotFound``, ``Forbidden`` without ``trips:join``, ``ResidenceEnded`` for who lives here no more.
    """
    subject = await require_resident(connection, actor, resident_id, JOIN)
    if subject.state != "active":
        raise ResidenceEnded
    return subject


@asynccontextmanager
async def _connection(request: Request) -> AsyncIterator[AsyncConnection]:
    """Hand out the request's connection, or one for the moment on routes that open their own units of work."""
    if hasattr(request.state, "session") or hasattr(request.state, "reading"):
        yield await connection_of(request)
    else:
        async with reading() as connection:
            yield connection


def _id(request: Request, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(str(request.path_params[name]))
    except ValueError:
        raise Malformed(errors=[FieldError(f"/path/{name}", "not a UUID", "uuid_parsing")]) from None


async def _signed_in(request: Request) -> Actor:
    actor = await authenticate(request)
    if actor.kind == "anonymous":
        raise Unauthenticated
    return actor


def trip_guard(*sides: Side) -> Callable[[Request], Awaitable[TripSubject]]:
    """Return the dependency that hands over the trip of the path to whoever stands on one of ``sides``.

    401 for nobody, 404 for whoever may not know of it, 403 for who does not stand there. Without sides it is for
    everybody of the community.
    """

    async def guard(request: Request) -> TripSubject:
        actor = await _signed_in(request)
        trip_id = _id(request, "trip_id")
        async with _connection(request) as connection:
            subject = await require_trip(connection, actor, trip_id)
        if sides:
            subject.side(*sides)
        return subject

    guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


def participation_guard(*sides: Side) -> Callable[[Request], Awaitable[Participation]]:
    """Return the dependency that hands over how somebody goes along, as ``trip_guard`` does the trip."""

    async def guard(request: Request) -> Participation:
        actor = await _signed_in(request)
        participation_id = _id(request, "participation_id")
        async with _connection(request) as connection:
            subject = await require_participation(connection, actor, participation_id)
        if sides:
            subject.side(*sides)
        return subject

    guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
    return guard
