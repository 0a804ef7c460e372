"""What happens at the same time: two people, two workers, a tap and the worker, a batch that is cut off."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.due import drain
from app.core.jobs import settle
from app.core.problems import Problem
from app.identity.models import Community, Resident
from eldercare.medication import jobs
from eldercare.medication.problems import DoseTooSoon
from eldercare.medication.service import planning, reminding
from tests.factories import eldercare_medication as made
from tests.factories import identity
from tests.factories import notifications as sent

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def count(sql: str) -> int:
    async with reading() as connection:
        return int(await connection.scalar(sa.text(sql)))


async def test_two_people_who_record_the_same_dose_record_it_once(resident: Resident, clock: ManualClock) -> None:
    people = [await made.relative(resident, name=f"Relative {number}") for number in range(4)]
    await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    clock.set(DUE)
    await settle(jobs.JOBS)
    outcomes = await asyncio.gather(
        *(made.record(resident, dose.id, by=person) for person in people), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert [problem.code for problem in refused] == ["dose_already_recorded"] * 3
    assert await count("SELECT count(*) FROM core_event WHERE name = 'eldercare.dose_taken.v1'") == 1
    assert await count("SELECT count(*) FROM eldercare_dose WHERE state = 'taken'") == 1


async def test_two_people_who_record_two_doses_of_a_moment_withdraw_its_reminder(
    resident: Resident, clock: ManualClock
) -> None:
    for name in ("Metformin", "Ramipril"):
        await made.regimen(resident, drug={"name": name})
    clock.set(DUE)
    await settle(jobs.JOBS)
    both = [row.id for row in await made.doses(resident) if row.due_at == DUE]
    await asyncio.gather(*(made.record(resident, dose_id) for dose_id in both))
    assert [row.state for row in await sent.deliveries()] == ["suppressed"]


async def test_two_workers_materialise_each_dose_once(place: Community, clock: ManualClock) -> None:
    people = [await identity.resident(place, name=f"Resident {number}") for number in range(20)]
    for person in people:
        await made.regimen(person)
    clock.advance(timedelta(hours=24))
    planned = await asyncio.gather(*(drain(jobs.PLAN, planning.plan_ahead, batch=3) for _ in range(3)))
    assert sum(planned) == len(people)
    assert len(await made.doses()) == 3 * len(people)
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE eldercare_regimen SET plan_at = :now, planned_until = :since"),
            {"now": clock.now(), "since": clock.now() - timedelta(hours=20)},
        )
    await jobs.plan()  # all of it again, as if a worker had died before it said so
    assert len(await made.doses()) == 3 * len(people)


async def test_a_batch_that_is_cut_off_leaves_nothing_half_done(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident)
    clock.advance(timedelta(hours=24))

    async def cut_off(session: Any, ids: Any) -> None:
        await planning.plan_ahead(session, ids)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await drain(jobs.PLAN, cut_off)
    assert len(await made.doses()) == 2
    assert await jobs.plan() == 1
    assert len(await made.doses()) == 3


async def test_two_workers_remind_everyone_once(place: Community, clock: ManualClock) -> None:
    people = [await identity.resident(place, phone=f"+86138{number:08}") for number in range(20)]
    for person in people:
        await made.regimen(person)
        await made.regimen(person, drug={"name": "Ramipril"})
    clock.set(DUE)
    reminded = await asyncio.gather(*(drain(jobs.REMIND, reminding.remind, batch=3) for _ in range(3)))
    assert sum(reminded) == 2 * len(people)
    reminders = [row for row in await sent.deliveries() if row.notice_key == "eldercare.dose_reminder"]
    assert len(reminders) == len({row.account_id for row in reminders}) == len(people)


@pytest.mark.parametrize("head_start", range(6))
async def test_a_tap_and_the_closing_window_agree(resident: Resident, clock: ManualClock, head_start: int) -> None:
    await made.regimen(resident, critical=True)
    dose = (await made.doses(resident))[0]
    clock.set(DUE)
    await settle(jobs.JOBS)
    clock.set(DUE + made.WINDOW)

    async def close() -> None:
        for _ in range(head_start):
            await asyncio.sleep(0)
        await jobs.close()

    await asyncio.gather(made.record(resident, dose.id), close())
    assert (await made.dose(dose.id)).state == "taken"
    assert await count("SELECT count(*) FROM eldercare_alarm WHERE state <> 'resolved'") == 0


async def test_two_doses_as_needed_at_the_same_time_are_one_and_a_warning(
    resident: Resident, clock: ManualClock
) -> None:
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    outcomes = await asyncio.gather(*(made.take(resident, regimen.id) for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(outcome, DoseTooSoon) for outcome in outcomes) == 2
    assert await count("SELECT count(*) FROM eldercare_dose WHERE state = 'taken'") == 1


async def test_the_same_drug_agreed_twice_at_once_is_agreed_once(resident: Resident) -> None:
    outcomes = await asyncio.gather(*(made.regimen(resident) for _ in range(3)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert [problem.code for problem in refused] == ["regimen_overlaps"] * 2
    assert await count("SELECT count(*) FROM eldercare_regimen") == 1
