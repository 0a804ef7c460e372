"""The SQL that reads trips: those ahead, an organization's, those one leads, and one with what its sides may see."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.identity.api import account_name, organizations_named
from app.reservations.api import PoolState, pools
from community.trips import rules
from community.trips.access import TripSubject
from community.trips.models import LEADERS, STOPS, TRIPS, VOLUNTEERS
from community.trips.schemas import LeaderPublic, RollStanding, StopPublic, TripDetail, TripPublic, VolunteerPublic

_AHEAD_KIND: Final = "community.trips"
_OWN_KIND: Final = "community.trips_of_organization"
_t = TRIPS.c
_limit = sa.bindparam("limit", type_=sa.Integer)
_trip_id = sa.bindparam("trip_id", type_=sa.Uuid)
_position: Final = ((_t.starts_at, _t.id), ("after_starts_at", "after_id"))
_AHEAD: Final = (
    sa.select(TRIPS)
    .where(
        _t.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _t.state == sa.literal_column("'open'"),
        _t.starts_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        after(*_position),
    )
    .order_by(_t.starts_at, _t.id)
    .limit(_limit)
)
_OF_ORGANIZATION: Final = (
    sa.select(TRIPS)
    .where(
        _t.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        after(*_position, descending=True),
    )
    .order_by(_t.starts_at.desc(), _t.id.desc())
    .limit(_limit)
)
_LED: Final = (
    sa.select(TRIPS)
    .join(LEADERS, LEADERS.c.trip_id == _t.id)
    .where(
        LEADERS.c.account_id == sa.bindparam("own_account", type_=sa.Uuid),
        _t.organization_id == sa.any_(sa.bindparam("organization_ids", type_=ARRAY(sa.Uuid))),
        _t.state == sa.literal_column("'open'"),
    )
    .order_by(_t.starts_at, _t.id)
    .limit(100)
)
_ONE: Final = sa.select(TRIPS).where(_t.id == _trip_id)
_STOPS: Final = (
    sa.select(STOPS)
    .where(STOPS.c.trip_id == sa.any_(sa.bindparam("trip_ids", type_=ARRAY(sa.Uuid))))
    .order_by(STOPS.c.trip_id, STOPS.c.position)
)
_LEADERS: Final = (
    sa.select(LEADERS.c.account_id, account_name(LEADERS.c.account_id).label("name"))
    .where(LEADERS.c.trip_id == _trip_id)
    .order_by(LEADERS.c.id)
)
_VOLUNTEERS: Final = (
    sa.select(VOLUNTEERS, account_name(VOLUNTEERS.c.account_id).label("name"))
    .where(VOLUNTEERS.c.trip_id == _trip_id)
    .order_by(VOLUNTEERS.c.id)
)
_COURSE: Final = (
    sa.select(_t.starts_at, _t.ends_at, STOPS.c.latitude, STOPS.c.longitude)
    .join(STOPS, STOPS.c.trip_id == _t.id)
    .where(_t.id == _trip_id)
    .order_by(STOPS.c.position)
)
_STOP_FIELDS: Final = tuple(StopPublic.model_fields)
_AS_THEY_ARE: Final = tuple(TripPublic.model_fields.keys() & _t.keys())


async def ahead(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[TripPublic]:
    """Return a page of the trips one can still go along on in one's community, the next first."""
    binds = {"community_id": actor.community_id, "now": clock.now(), **_paging(_AHEAD_KIND, page)}
    return await _page(connection, _AHEAD_KIND, list(await connection.execute(_AHEAD, binds)), page)


async def of_organization(
    connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest
) -> Page[TripPublic]:
    """Return a page of an organization's trips, the latest first, drafts among them."""
    binds = {"organization_id": organization_id, **_paging(_OWN_KIND, page)}
    return await _page(connection, _OWN_KIND, list(await connection.execute(_OF_ORGANIZATION, binds)), page)


async def led(connection: AsyncConnection, actor: Actor) -> list[TripPublic]:
    """Return the trips the actor leads that are not over."""
    organizations = list({held.organization_id for held in actor.memberships})
    rows = await connection.execute(_LED, {"own_account": actor.id, "organization_ids": organizations})
    return await publics(connection, list(rows))


async def detail(connection: AsyncConnection, subject: TripSubject) -> TripDetail:
    """Return a trip whose reader's rights were checked, with what their sides may see of it."""
    row = (await connection.execute(_ONE, {"trip_id": subject.id})).one()
    (public,) = await publics(connection, [row])
    leaders, volunteers, stops = [], [], []
    if subject.sides:
        rows = await connection.execute(_LEADERS, _of(subject))
        leaders = [LeaderPublic(account_id=one.account_id, name=one.name or "—") for one in rows]
        volunteers = [
            VolunteerPublic(
                id=one.id,
                account_id=one.account_id,
                name=one.name or "—",
                state=one.state,
                participation_id=one.participant_id,
            )
            for one in await connection.execute(_VOLUNTEERS, _of(subject))
        ]
        stops = [
            RollStanding(stop_id=one.id, position=one.position, state=one.roll_state, done_at=one.done_at)
            for one in await connection.execute(_STOPS, {"trip_ids": [subject.id]})
        ]
    return TripDetail(
        **public.model_dump(),
        sides=sorted(subject.sides),
        leaders=leaders,
        volunteers=volunteers,
        roll_calls=stops,
    )


@dataclass(frozen=True, slots=True)
class Course:
    """When and where a trip's bus leaves and returns, in degrees (WGS 84) as far as that is known."""

    starts_at: datetime
    ends_at: datetime
    leaves_from: tuple[float, float] | None
    returns_to: tuple[float, float] | None


async def course(connection: AsyncConnection, trip_id: uuid.UUID) -> Course:
    """Return when and where a trip's bus leaves and returns; raises ``NotFound``."""
    rows = (await connection.execute(_COURSE, {"trip_id": trip_id})).all()
    if not rows:
        raise NotFound
    first, last = (None if row.latitude is None else (row.latitude, row.longitude) for row in (rows[0], rows[-1]))
    return Course(rows[0].starts_at, rows[0].ends_at, first, last)


async def publics(connection: AsyncConnection, rows: Sequence[Any]) -> list[TripPublic]:
    """Return trips of one community as everybody sees them: a fixed number of statements, however many they are."""
    if not rows:
        return []
    named = await organizations_named(connection, rows[0].community_id, {row.organization_id for row in rows})
    left = await pools(connection, [pool for row in rows for pool in (row.seat_pool_id, row.wheelchair_pool_id)])
    stops: dict[uuid.UUID, list[StopPublic]] = {row.id: [] for row in rows}
    for stop in await connection.execute(_STOPS, {"trip_ids": list(stops)}):
        stops[stop.trip_id].append(StopPublic(**{name: getattr(stop, name) for name in _STOP_FIELDS}))
    return [_public(row, named[row.organization_id].name, left, stops[row.id]) for row in rows]


def _public(row: Any, organizer: str, left: dict[uuid.UUID, PoolState], stops: list[StopPublic]) -> TripPublic:
    seats, wheelchairs = left[row.seat_pool_id], left[row.wheelchair_pool_id]
    given = {name: getattr(row, name) for name in _AS_THEY_ARE} | {
        "organizer": organizer,
        "seats": seats.capacity,
        "seats_left": seats.left,
        "wheelchair_places": wheelchairs.capacity,
        "wheelchair_places_left": wheelchairs.left,
        "price": row.price_amount,
        "free_until": rules.free_until(row.starts_at, row.notice_period),
        "stops": stops,
    }
    return TripPublic(**given)


async def _page(
    connection: AsyncConnection, kind: str, rows: Sequence[sa.Row[Any]], page: PageRequest
) -> Page[TripPublic]:
    items = await publics(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ["starts_at", "id"]))


def _of(subject: TripSubject) -> dict[str, Any]:
    return {"trip_id": subject.id}


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    starts_at, last_id = decode_cursor(kind, page.cursor) if page.cursor else (None, None)
    return {
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
