"""Where somebody moved in a home, and when: what pictures of days are made of, and nothing else is."""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.statements import HotStatement
from community.home_devices.models import DEVICES, ENTITIES
from community.home_states.models import READINGS
from community.homes.models import ROOMS

_SEEN: Final = ("motion", "presence")
_USED: Final = ("door", "window", "stove")


class Moved(NamedTuple):
    """That somebody moved."""

    at: datetime
    room_id: uuid.UUID | None
    is_bathroom: bool


def _is_one_of(column: sa.ColumnElement[str], *values: str) -> sa.ColumnElement[bool]:
    return sa.or_(*(column == value for value in values))


_span = (
    sa.func.unnest(
        sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("floors", type_=ARRAY(sa.Uuid)),
        sa.bindparam("ceilings", type_=ARRAY(sa.Uuid)),
    )
    .table_valued("home_id", "floor", "ceiling")
    .render_derived("span")
)
_before = sa.func.lag(READINGS.c.state).over(partition_by=READINGS.c.entity_id, order_by=READINGS.c.id)
_read = (
    sa.select(
        ENTITIES.c.home_id,
        ENTITIES.c.role,
        DEVICES.c.room_id,
        READINGS.c.at,
        READINGS.c.id,
        READINGS.c.state,
        _before.label("before"),
    )
    .select_from(
        _span.join(
            ENTITIES, sa.and_(ENTITIES.c.home_id == _span.c.home_id, _is_one_of(ENTITIES.c.role, *_SEEN, *_USED, "bed"))
        )
        .join(DEVICES, DEVICES.c.id == ENTITIES.c.device_id)
        .join(
            READINGS,
            sa.and_(
                READINGS.c.resident_id == ENTITIES.c.resident_id,
                READINGS.c.entity_id == ENTITIES.c.id,
                READINGS.c.id >= _span.c.floor,
                READINGS.c.id < _span.c.ceiling,
            ),
        )
    )
    .subquery("read")
)
# A reading that only says that a window is still open is nobody's doing.
_is_movement = sa.or_(
    sa.and_(_is_one_of(_read.c.role, *_SEEN), _read.c.state == "on", _read.c.before.is_distinct_from("on")),
    sa.and_(_is_one_of(_read.c.role, *_USED), _read.c.state == "on", _read.c.before == "off"),
    sa.and_(_read.c.role == "bed", _read.c.state == "off", _read.c.before == "on"),
)
_MOVED: Final = HotStatement(
    sa.select(
        _read.c.home_id,
        _read.c.at,
        _read.c.room_id,
        sa.func.coalesce(ROOMS.c.kind == "bathroom", sa.false()).label("is_bathroom"),
    )
    .select_from(_read.outerjoin(ROOMS, ROOMS.c.id == _read.c.room_id))
    .where(_is_movement)
    .order_by(_read.c.home_id, _read.c.id)
)


async def of_homes(
    connection: AsyncConnection, spans: Mapping[uuid.UUID, tuple[datetime, datetime]]
) -> dict[uuid.UUID, list[Moved]]:
    """Return, in order of time, where somebody moved in each home between two instants."""
    binds = {
        "ids": list(spans),
        "floors": [clock.id_floor(since) for since, _ in spans.values()],
        "ceilings": [clock.id_floor(until) for _, until in spans.values()],
    }
    found: dict[uuid.UUID, list[Moved]] = defaultdict(list)
    for row in await _MOVED.rows(connection, binds):
        found[row.home_id].append(Moved(row.at, row.room_id, row.is_bathroom))
    return found
