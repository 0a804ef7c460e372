"""Things that by themselves call nobody, as features give them, and a look at what became of them."""

import uuid
from typing import Any

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Resident
from eldercare.alarms.models import AlarmKind, Severity
from eldercare.alarms.rules import AlarmSignal
from eldercare.signals.service import hint
from tests.factories import eldercare_alarms as alarms


def small(
    resident: Resident, kind: AlarmKind = AlarmKind.LOW_ACTIVITY, origin: uuid.UUID | None = None, **values: Any
) -> AlarmSignal:
    """Return something that by itself calls nobody."""
    origin_id = origin or clocks.new_id()
    return alarms.signal(resident, kind=kind, severity=Severity.LOW, origin=("test", origin_id), is_hint=True, **values)


async def hinted(*hints: AlarmSignal) -> None:
    """Give hints, and let what follows from alarms happen."""
    async with unit_of_work() as session:
        await hint(session, hints)
    await settle(RELAY_JOBS)


async def signals() -> list[tuple[str, int, bool]]:
    """Return kind, number of the alarm and whether they are hints, of all signals as they came."""
    statement = sa.text(
        "SELECT kind, dense_rank() OVER (ORDER BY alarm_id), is_hint FROM eldercare_alarm_signal ORDER BY id"
    )
    async with reading() as connection:
        return [(row[0], row[1], row[2]) for row in await connection.execute(statement)]


async def alarm_ids() -> list[uuid.UUID]:
    """Return all alarms, the oldest first."""
    async with reading() as connection:
        return list(await connection.scalars(sa.text("SELECT id FROM eldercare_alarm ORDER BY id")))
