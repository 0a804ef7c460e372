"""The SQL that keeps calendars: entered once for each subject, and given another shape."""

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import connection_of
from app.core.statements import HotStatement
from app.reservations.models import WHEN, WHICH_LANE, WHOSE
from app.reservations.repository import RESOURCES

_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.bindparam("now", type_=_INSTANT)

_SHAPE_NAMES: Final = ("id", "lanes", "buffer_before", "buffer_after")
_OF_SUBJECT: Final = sa.select(*(RESOURCES.c[name] for name in _SHAPE_NAMES)).where(
    RESOURCES.c.kind == sa.bindparam("given_kind", type_=sa.Text),
    RESOURCES.c.subject_id == sa.bindparam("given_subject_id", type_=sa.Uuid),
)
_BY_SUBJECT = HotStatement(_OF_SUBJECT)
_entered = (
    insert(RESOURCES)
    .values({column.name: sa.bindparam(f"given_{column.name}") for column in RESOURCES.columns})
    .on_conflict_do_nothing(index_elements=["kind", "subject_id"])
    .returning(*(RESOURCES.c[name] for name in _SHAPE_NAMES))
    .cte("entered")
)
_ENTER = HotStatement(sa.union_all(sa.select(_entered), _OF_SUBJECT))
_SHAPE = (
    sa.update(RESOURCES)
    .where(RESOURCES.c.id == sa.bindparam("of_resource", type_=sa.Uuid))
    .values(
        lanes=sa.bindparam("new_lanes", type_=sa.SmallInteger),
        buffer_before=sa.bindparam("new_before", type_=sa.Interval),
        buffer_after=sa.bindparam("new_after", type_=sa.Interval),
        updated_at=_NOW,
        version=RESOURCES.c.version + 1,
    )
)

_BEYOND: Final = f"""
    {WHOSE} && uuidrange(:of_resource, :of_resource, '[]')
    AND {WHICH_LANE} && int4range(:new_lanes, NULL, '()') AND {WHEN} && tstzrange(:now, NULL)
    AND state IN ('held', 'booked') AND (state = 'booked' OR expires_at > :now) AND NOT is_overbooked"""
_BEYOND_BINDS: Final = (
    _NOW,
    sa.bindparam("of_resource", type_=sa.Uuid),
    sa.bindparam("new_lanes", type_=sa.Integer),
)
_HIGHEST_BEYOND = sa.text(
    f"SELECT max(lane) FROM reservations_reservation WHERE {_BEYOND}"  # noqa: S608
).bindparams(*_BEYOND_BINDS)
_OVERBOOK_BEYOND = sa.text(f"""
    UPDATE reservations_reservation SET is_overbooked = true, updated_at = :now, version = version + 1
    WHERE {_BEYOND}""").bindparams(*_BEYOND_BINDS)  # noqa: S608


@dataclass(frozen=True, slots=True)
class Shape:
    """How many may have the same time of a calendar, and what stays free around it."""

    lanes: int
    buffer_before: timedelta
    buffer_after: timedelta


async def enter(
    session: AsyncSession,
    community_id: uuid.UUID,
    kind: str,
    subject_id: uuid.UUID,
    account_id: uuid.UUID | None,
    shape: Shape,
    *,
    is_blockable: bool,
) -> tuple[uuid.UUID, Shape]:
    """Return the id of the subject's resource, made with ``shape`` if there is none, and the shape it has."""
    now = clock.now()
    row = {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "community_id": community_id,
        "kind": kind,
        "subject_id": subject_id,
        "account_id": account_id,
        "is_blockable": is_blockable,
        **asdict(shape),
    }
    binds = {f"given_{name}": value for name, value in row.items()}
    connection = connection_of(session)
    # Of whoever entered it meanwhile, the statement saw nothing.
    ((found, *has),) = await _ENTER.rows(connection, binds) or await _BY_SUBJECT.rows(connection, binds)
    return found, Shape(*has)


async def set_shape(session: AsyncSession, resource_id: uuid.UUID, shape: Shape, now: datetime) -> None:
    """Give a resource these lanes and buffers from now on."""
    new = {"new_lanes": shape.lanes, "new_before": shape.buffer_before, "new_after": shape.buffer_after}
    await session.execute(_SHAPE, {"of_resource": resource_id, "now": now, **new})


async def highest_lane_beyond(session: AsyncSession, resource_id: uuid.UUID, lanes: int, now: datetime) -> int | None:
    """Return the highest lane beyond ``lanes`` in which something is held or booked that is not over, if any is."""
    binds = {"of_resource": resource_id, "new_lanes": lanes, "now": now}
    return cast(int | None, await session.scalar(_HIGHEST_BEYOND, binds))


async def overbook_beyond(session: AsyncSession, resource_id: uuid.UUID, lanes: int, now: datetime) -> None:
    """Let what is held or booked beyond ``lanes`` stay there, on purpose."""
    await session.execute(_OVERBOOK_BEYOND, {"of_resource": resource_id, "new_lanes": lanes, "now": now})
