"""The SQL that reads who is still looked for because a door stayed closed, and who said that all is well."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.tables import table_of
from eldercare.alarms.models import OPEN, Alarm, AlarmKind, StoredSignal
from eldercare.check_ins.models import CheckIn

_alarms, _signals, _check_ins = (table_of(model) for model in (Alarm, StoredSignal, CheckIn))
_WITH_CLOSED_DOOR: Final = sa.select(_alarms.c.resident_id, _alarms.c.community_id).where(
    _alarms.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
    OPEN,
    sa.exists().where(
        _signals.c.alarm_id == _alarms.c.id,
        _signals.c.kind == sa.literal(str(AlarmKind.NO_ANSWER_AT_DOOR), sa.Text),
    ),
)
# Whoever answers for the resident may have seen them at the check-in's time, whenever they say so.
_all_clear = sa.select(
    _check_ins.c.resident_id,
    _check_ins.c.id,
    sa.case(
        (_check_ins.c.how == sa.literal("self", sa.Text), _check_ins.c.answered_at),
        else_=sa.func.least(_check_ins.c.answered_at, _check_ins.c.due_at),
    ).label("given_at"),
).where(_check_ins.c.answer == sa.literal("ok", sa.Text))
_ALL_CLEARS: Final = _all_clear.where(
    _check_ins.c.id == sa.any_(sa.bindparam("check_in_ids", type_=ARRAY(sa.Uuid)))
).order_by("given_at")
_CLEARS_SINCE: Final = _all_clear.where(
    _check_ins.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
    _check_ins.c.state == sa.literal_column("'answered'"),
    _check_ins.c.answered_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
).order_by("given_at")


async def with_closed_door(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return those of the residents of whom an alarm is open because nobody answered the door, with the community."""
    found = await connection.execute(_WITH_CLOSED_DOOR, {"resident_ids": list(resident_ids)})
    return {row.resident_id: row.community_id for row in found}


async def all_clears(
    connection: AsyncConnection, check_in_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[uuid.UUID, datetime]]:
    """Return, by resident, the latest of these check-ins that says all is well, and when it was said."""
    found = await connection.execute(_ALL_CLEARS, {"check_in_ids": list(check_in_ids)})
    return {row.resident_id: (row.id, row.given_at) for row in found}


async def heard_since(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID], since: datetime
) -> dict[uuid.UUID, datetime]:
    """Return those of the residents who said since that all is well, and when they did so last."""
    found = await connection.execute(_CLEARS_SINCE, {"resident_ids": list(resident_ids), "since": since})
    return {row.resident_id: row.given_at for row in found}
