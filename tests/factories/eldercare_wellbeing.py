"""Well-being for tests: days that were answered, as they would have been stored, and flags."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Resident
from eldercare.check_ins.models import CheckIn, CheckInPlan
from eldercare.wellbeing.models import WellbeingFlag
from tests.factories import eldercare_check_ins as check_ins

ASKED_AT = time(8, 0)


async def answered(
    plan: CheckInPlan,
    last: date,
    *,
    mood: Sequence[int | None] = (),
    sleep: Sequence[int | None] = (),
    minutes: Sequence[float | None] = (),
    time_zone: str = "UTC",
) -> None:
    """Insert a check-in at eight for each day up to ``last``, the latest last; a day with nothing has none."""
    count = max(len(mood), len(sleep), len(minutes))
    rows = []
    for number in range(count):
        felt, slept = (series[number] if series else None for series in (mood, sleep))
        took = minutes[number] if minutes else None
        if felt is slept is took is None:
            continue
        day = last - timedelta(days=count - 1 - number)
        due_at = datetime.combine(day, ASKED_AT, ZoneInfo(time_zone))
        rows.append(
            CheckIn(
                community_id=plan.community_id,
                resident_id=plan.resident_id,
                account_id=plan.account_id,
                plan_id=plan.id,
                schedule_id=plan.schedule_id,
                due_at=due_at,
                local_date=day,
                channel="app",
                state="answered",
                reply_code="0000",
                asked_at=due_at if took is not None else None,
                answer="ok",
                how="self",
                answered_at=due_at + timedelta(minutes=took or 5),
                mood=felt,
                sleep=slept,
            )
        )
    async with unit_of_work() as session:
        session.add_all(rows)


async def plan(resident: Resident) -> CheckInPlan:
    """Agree a plan with the resident, of which nothing is planned ahead: its days are made by ``answered``."""
    made = await check_ins.plan(resident, starts_on=date(2030, 1, 1))
    async with unit_of_work() as session:
        await session.execute(sa.delete(CheckIn).where(col(CheckIn.plan_id) == made.id))
    return made


async def flag(resident: Resident, **values: Any) -> WellbeingFlag:
    """Insert a flag about the resident's mood, unless told otherwise."""
    defaults: dict[str, Any] = {
        "measure": "mood",
        "opened_at": clock.now(),
        "opened_on": clock.now().date(),
        "usual": 4.0,
        "recent": 2.0,
        "spread": 0.0,
        "usual_days": 28,
        "recent_days": 7,
    }
    row = WellbeingFlag(community_id=resident.community_id, resident_id=resident.id, **(defaults | values))
    async with unit_of_work() as session:
        session.add(row)
    return row


async def flags(resident: Resident | uuid.UUID) -> list[WellbeingFlag]:
    """Return the flags of a resident, the oldest first."""
    resident_id = resident if isinstance(resident, uuid.UUID) else resident.id
    async with unit_of_work() as session:
        statement = sa.select(WellbeingFlag).where(col(WellbeingFlag.resident_id) == resident_id)
        return list(await session.scalars(statement.order_by(col(WellbeingFlag.id))))
