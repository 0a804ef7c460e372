"""The SQL that reads what a home may show of residents: is an alarm open, when is the next dose, the next visit."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.tables import table_of
from eldercare.alarms.models import OPEN, Alarm
from eldercare.check_ins.models import CHECK_INS
from eldercare.check_ins.rules import EARLY
from eldercare.medication.models import DOSES
from eldercare.visits.models import VISITS
from eldercare.visits.rules import AGREED

_alarms: Final = table_of(Alarm)
_IDS: Final = sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)))
_now: Final = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_OPEN: Final = sa.select(_alarms.c.resident_id).where(_alarms.c.resident_id == _IDS, OPEN, sa.not_(_alarms.c.is_test))
_DOSES: Final = (
    sa.select(DOSES.c.resident_id, sa.func.min(DOSES.c.due_at).label("at"))
    .where(DOSES.c.resident_id == _IDS, DOSES.c.due_at > _now, DOSES.c.state == sa.literal("scheduled", sa.Text))
    .group_by(DOSES.c.resident_id)
)
_VISITS: Final = (
    sa.select(VISITS.c.resident_id, sa.func.min(VISITS.c.starts_at).label("at"))
    .where(
        VISITS.c.resident_id == _IDS,
        VISITS.c.starts_at > _now,
        VISITS.c.state.in_([sa.literal(state, sa.Text) for state in sorted(AGREED)]),
    )
    .group_by(VISITS.c.resident_id)
)
_ASKED: Final = (
    sa.select(CHECK_INS.c.id)
    .where(
        CHECK_INS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        CHECK_INS.c.due_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
        CHECK_INS.c.due_at <= sa.bindparam("until", type_=sa.DateTime(timezone=True)),
        CHECK_INS.c.state.in_([sa.literal(state, sa.Text) for state in ("scheduled", "prompted", "missed", "unasked")]),
    )
    .order_by(CHECK_INS.c.due_at)
)
_ANSWERS_WITHIN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class CareAhead:
    """What a home may show of a resident: whether an alarm is open, and when the next dose and the next visit are."""

    alarm: bool
    dose: datetime | None
    visit: datetime | None


async def care_ahead(connection: AsyncConnection, resident_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, CareAhead]:
    """Return what their homes may show of residents; exercises are no alarms. Set-based: three statements."""
    binds = {"resident_ids": list(resident_ids)}
    alarmed = set(await connection.scalars(_OPEN, binds))
    binds |= {"now": clock.now()}  # type: ignore[dict-item]  # an instant beside the ids
    doses = {row.resident_id: row.at for row in await connection.execute(_DOSES, binds)}
    visits = {row.resident_id: row.at for row in await connection.execute(_VISITS, binds)}
    return {one: CareAhead(one in alarmed, doses.get(one), visits.get(one)) for one in resident_ids}


async def asked(connection: AsyncConnection, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the check-ins of the last day, and the one shortly ahead, that wait for a word, the oldest first."""
    now = clock.now()
    binds = {"resident_id": resident_id, "since": now - _ANSWERS_WITHIN, "until": now + EARLY}
    return list(await connection.scalars(_ASKED, binds))
