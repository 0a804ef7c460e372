"""The SQL that reads who is in remote care, and whom an alarm looks for because they are missing on a trip."""

import uuid
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.tables import table_of
from eldercare.alarms.models import OPEN, Alarm, AlarmKind, StoredSignal
from eldercare.care_circle.models import CircleMember
from eldercare.check_ins.models import CheckInPlan
from eldercare.escalation.models import EscalationPlan

_alarms, _signals = table_of(Alarm), table_of(StoredSignal)
_plans, _circle, _ladders = table_of(CheckInPlan), table_of(CircleMember), table_of(EscalationPlan)
_IDS: Final = sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)))
# Somebody asks how they are, somebody agreed to be called for them, or it was written down who is.
_IN_CARE: Final = sa.union(
    sa.select(_plans.c.resident_id).where(
        _plans.c.resident_id == _IDS, _plans.c.state == sa.literal("active", sa.Text)
    ),
    sa.select(_circle.c.resident_id).where(
        _circle.c.resident_id == _IDS, _circle.c.state == sa.literal("accepted", sa.Text)
    ),
    sa.select(_ladders.c.resident_id).where(
        _ladders.c.resident_id == _IDS, _ladders.c.state == sa.literal("active", sa.Text)
    ),
)
_LOOKED_FOR: Final = sa.select(_alarms.c.resident_id, _alarms.c.community_id).where(
    _alarms.c.resident_id == _IDS,
    OPEN,
    sa.exists().where(
        _signals.c.alarm_id == _alarms.c.id,
        _signals.c.kind == sa.literal(str(AlarmKind.MISSING_ON_TRIP), sa.Text),
    ),
)


async def in_remote_care(connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the residents for whom somebody is there to be called: who have check-ins, a circle, a ladder."""
    return set(await connection.scalars(_IN_CARE, {"resident_ids": list(resident_ids)}))


async def looked_for(connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return those of the residents of whom an alarm is open because they are missing, with the community."""
    found = await connection.execute(_LOOKED_FOR, {"resident_ids": list(resident_ids)})
    return {row.resident_id: row.community_id for row in found}
