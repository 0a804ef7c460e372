"""Days of residents for overviews, written as they stand: what led there is tested where it happens."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Organization, Resident
from eldercare.absences.models import Absence
from eldercare.alarms.models import Alarm
from eldercare.check_ins.models import CHECK_INS
from eldercare.medication.models import DOSES
from eldercare.visits.models import VISITS
from tests.factories import eldercare_check_ins, eldercare_medication, eldercare_visits

ASKED: dict[str, Any] = {"next_prompt_at": None, "passive_from": None, "passive_until": None}


async def check_in(resident: Resident, state: str, due_at: datetime, **values: Any) -> None:
    """Let the resident have one check-in, due at ``due_at``, in ``state``; further columns as given."""
    await eldercare_check_ins.plan(resident)
    first = (await eldercare_check_ins.check_ins(resident))[0]
    given = {"state": state, "due_at": due_at, "local_date": due_at.date()} | values
    if state != "scheduled":
        given = ASKED | given
    async with unit_of_work() as session:
        others = sa.delete(CHECK_INS).where(CHECK_INS.c.resident_id == resident.id, CHECK_INS.c.id != first.id)
        await session.execute(others)
        await session.execute(sa.update(CHECK_INS).where(CHECK_INS.c.id == first.id).values(given))


async def answered(resident: Resident, at: datetime, *, how: str = "self", answer: str = "ok") -> None:
    """Let the resident's check-in be answered at ``at``."""
    by = None if how == "home" else resident.account_id
    said = {"answer": answer, "answered_at": at, "recorded_at": at, "how": how, "answered_by": by}
    await check_in(resident, "answered", at, prompted_at=at, asked_at=at, **said)


async def asked(resident: Resident, at: datetime, *, window: timedelta = timedelta(minutes=30)) -> None:
    """Let the resident be asked at ``at``, and not have answered yet."""
    await check_in(resident, "prompted", at, prompted_at=at, asked_at=at, answer_by=at + window)


async def missed(resident: Resident, at: datetime, *, state: str = "missed") -> None:
    """Let the resident's check-in be given up at ``at``."""
    due_at = at - timedelta(minutes=30)
    await check_in(resident, state, due_at, prompted_at=due_at, asked_at=due_at, closed_at=at)


async def alarm(resident: Resident, at: datetime, **values: Any) -> Alarm:
    """Let an alarm be open about the resident."""
    given: dict[str, Any] = {"kind": "fall", "severity": 3, "state": "raised", "next_step_at": at + timedelta(days=1)}
    row = Alarm(community_id=resident.community_id, resident_id=resident.id, raised_at=at, **(given | values))
    async with unit_of_work() as session:
        session.add(row)
    return row


async def away(resident: Resident, kind: str = "away", *, days: int = 3, **values: Any) -> None:
    """Let the resident be away since yesterday."""
    now = clock.now()
    row = Absence(
        community_id=resident.community_id,
        resident_id=resident.id,
        kind=kind,
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=days),
        created_by=resident.account_id,
        **values,
    )
    async with unit_of_work() as session:
        session.add(row)


async def visit(resident: Resident, agency: Organization, state: str, starts_at: datetime, **values: Any) -> None:
    """Let the resident have a visit in ``state``; further columns as given."""
    plan = await eldercare_visits.care_plan(resident, agency)
    row = await eldercare_visits.single(plan, starts_at, account_id=resident.account_id)
    given: dict[str, Any] = {"state": state}
    if state in ("in_progress", "completed", "missed"):
        given |= {"miss_at": None, "late_at": None, "staff_by": None}
    if state == "in_progress":
        given |= {"overdue_at": starts_at + timedelta(hours=2), "started_at": starts_at}
    async with unit_of_work() as session:
        await session.execute(sa.update(VISITS).where(VISITS.c.id == row.id).values(given | values))


async def dose_missed(resident: Resident, at: datetime) -> None:
    """Let the resident have missed a dose, given up at ``at``."""
    await eldercare_medication.regimen(resident)
    first = (await eldercare_medication.doses(resident))[0]
    doses = DOSES
    gone = {"state": "missed", "closed_at": at, "remind_at": None, "close_at": None}
    async with unit_of_work() as session:
        others = sa.delete(doses).where(doses.c.resident_id == resident.id, doses.c.id != first.id)
        await session.execute(others)
        await session.execute(sa.update(doses).where(doses.c.id == first.id).values(gone))
