"""How a day went in a resident's home: summed up by rooms and quarters of an hour, beside what is usual."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.identity.api import ResidentSubject, actor_binds, trace_read
from community.home_care.access import ACTIVITY, agreed_by_all
from community.home_care.models import CARES, DAYS
from community.home_care.rules import days
from community.home_care.rules.mornings import DAYS as USUAL_DAYS
from community.home_care.rules.mornings import FEWEST
from community.home_care.rules.settings import Settings
from community.home_care.schemas import HomeActivities, HomeActivityPublic, RoomActivity
from community.home_care.views import movements
from community.homes.models import HOMES, RESIDENTS, ROOMS

_HOMES: Final = (
    sa.select(
        HOMES.c.id,
        HOMES.c.time_zone,
        CARES.c.settings,
        agreed_by_all(HOMES.c.id, ACTIVITY).label("is_agreed"),
    )
    .select_from(HOMES.join(RESIDENTS, RESIDENTS.c.home_id == HOMES.c.id).join(CARES, CARES.c.home_id == HOMES.c.id))
    .where(RESIDENTS.c.resident_id == sa.bindparam("of_resident", type_=sa.Uuid), HOMES.c.state == "active")
    .order_by(HOMES.c.id)
)
_DAYS: Final = (
    sa.select(*(DAYS.c[name] for name in ("day", "rooms", "first_at", "last_at", "night_visits", "is_left_out")))
    .where(
        DAYS.c.home_id == sa.bindparam("of_home", type_=sa.Uuid),
        DAYS.c.day.between(sa.bindparam("first", type_=sa.Date), sa.bindparam("last", type_=sa.Date)),
    )
    .order_by(DAYS.c.day)
)
_ROOMS: Final = sa.select(ROOMS.c.id, ROOMS.c.kind).where(ROOMS.c.home_id == sa.bindparam("of_home", type_=sa.Uuid))


async def activity(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, day: date | None
) -> HomeActivities:
    """Return how a day (without one: today) went in the homes a resident lives in.

    A home is left out unless the actor may see the day of everybody who lives there, or lives there themself.
    """
    binds = actor_binds(actor, ACTIVITY) | {"of_resident": subject.resident_id}
    rows = (await connection.execute(_HOMES, binds)).all()
    await trace_read(connection, actor, subject, "home_activity:read")
    shown = [row for row in rows if row.is_agreed or subject.relation == "self"]
    return HomeActivities(items=[await _of_home(connection, row, day) for row in shown])


async def _of_home(connection: AsyncConnection, home: Any, asked: date | None) -> HomeActivityPublic:
    zone = ZoneInfo(home.time_zone)
    now = clock.now()
    day = asked or now.astimezone(zone).date()
    binds = {"of_home": home.id, "first": day - timedelta(days=USUAL_DAYS), "last": day}
    known = (await connection.execute(_DAYS, binds)).all()
    before = [row for row in known if row.day < day and not row.is_left_out]
    picture = next((_kept(row) for row in known if row.day == day), None)
    if picture is None:
        picture = await _live(connection, home, day, zone)
    kinds = {str(row.id): row.kind for row in await connection.execute(_ROOMS, {"of_home": home.id})}
    return HomeActivityPublic(
        home_id=home.id,
        day=day,
        time_zone=home.time_zone,
        is_over=now >= days.bounds(day, zone)[1],
        rooms=_rooms(picture["rooms"], [row.rooms for row in before], kinds),
        first_movement=_wall(picture["first_at"], zone),
        last_movement=_wall(picture["last_at"], zone),
        night_bathroom_visits=picture["night_visits"],
        usual_night_bathroom_visits=float(median(row.night_visits for row in before))
        if len(before) >= FEWEST
        else None,
    )


def _kept(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("rooms", "first_at", "last_at", "night_visits")}


async def _live(connection: AsyncConnection, home: Any, day: date, zone: ZoneInfo) -> dict[str, Any]:
    since, until = days.bounds(day, zone)
    moved = await movements.of_homes(connection, {home.id: (since - timedelta(hours=12), until)})
    return asdict(days.summed_up(moved.get(home.id, []), day, zone, Settings.of(home.settings)))


def _wall(at: datetime | None, zone: ZoneInfo) -> str | None:
    return at.astimezone(zone).strftime("%H:%M") if at else None


def _rooms(
    today: Mapping[str, Sequence[int]], before: Sequence[Mapping[str, Sequence[int]]], kinds: Mapping[str, str]
) -> list[RoomActivity]:
    usual = days.usual_quarters(before) if len(before) >= FEWEST else {}
    nothing = [0] * days.QUARTERS
    return [
        RoomActivity(
            room_id=None if room == days.ELSEWHERE else room,  # type: ignore[arg-type]  # Pydantic reads it
            kind=kinds.get(room),
            quarters=[days.level(count) for count in today.get(room, nothing)],
            usual=[days.level(count) for count in usual.get(room, nothing)] if usual else None,
        )
        for room in sorted({*today, *usual})
    ]
