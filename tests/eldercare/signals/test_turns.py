"""Small things at the same time as others, or as alarms: none is lost, and nobody waits in a circle."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Resident
from eldercare.alarms.models import AlarmKind
from eldercare.alarms.service import raise_alarms
from eldercare.medication.jobs import JOBS as MEDICATION_JOBS
from eldercare.medication.service.reminding import close
from eldercare.signals.service import hint
from tests.conftest import START
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_medication as medication
from tests.factories.eldercare_signals import hinted, signals, small
from tests.waiting import waits_or_ends

pytestmark = pytest.mark.usefixtures("database", "subscribed")

DUE = START + timedelta(minutes=30)


async def test_two_at_the_same_instant_are_one_alarm(clock: ManualClock) -> None:
    scenes = [await alarms.scene() for _ in range(3)]
    kinds = (AlarmKind.LOW_ACTIVITY, AlarmKind.MEDICATION, AlarmKind.DEVICE_SILENT)

    await asyncio.gather(*(hinted(*(small(scene.resident, kind) for scene in scenes)) for kind in kinds))

    per_alarm = "SELECT count(*) FROM eldercare_alarm_signal GROUP BY alarm_id"
    async with reading() as connection:
        counts = [row[0] for row in await connection.execute(sa.text(per_alarm))]
    assert counts == [3, 3, 3]


async def test_neither_of_two_that_do_not_see_each_other_yet_is_lost(clock: ManualClock) -> None:
    scene = await alarms.scene()
    async with unit_of_work() as session:
        await hint(session, [small(scene.resident)])
        other = asyncio.create_task(hinted(small(scene.resident, AlarmKind.MEDICATION)))
        await waits_or_ends(other)
    await other
    assert await signals() == [("low_activity", 1, True), ("medication", 1, True)]


async def test_a_hint_that_an_alarm_does_not_see_yet_joins_it(clock: ManualClock) -> None:
    scene = await alarms.scene()
    async with unit_of_work() as session:
        await hint(session, [small(scene.resident)])
        await alarms.raised(scene.resident)
        relay = asyncio.create_task(settle(RELAY_JOBS))
        await waits_or_ends(relay)
    await relay
    assert await signals() == [("check_in_missed", 1, False), ("low_activity", 1, True)]


async def test_a_hint_and_an_alarm_at_the_same_instant_are_one_alarm(clock: ManualClock) -> None:
    scenes = [await alarms.scene() for _ in range(4)]
    both = [hinted(small(scene.resident)) for scene in scenes] + [_raised(scene.resident) for scene in scenes]

    await asyncio.gather(*both)
    await settle(RELAY_JOBS)

    assert sorted(await signals()) == sorted(
        (kind, alarm, kind == "low_activity") for alarm in range(1, 5) for kind in ("check_in_missed", "low_activity")
    )


async def test_an_sos_by_the_residents_own_id_waits_for_no_hints(clock: ManualClock) -> None:
    scene = await alarms.scene()
    async with unit_of_work() as session:
        await hint(session, [small(scene.resident)])
        sos = asyncio.create_task(_raised(scene.resident, kind=AlarmKind.SOS, client_key=scene.resident.id))
        await waits_or_ends(sos)
        waited = not sos.done()
    await sos
    assert not waited


async def test_hints_that_join_and_hints_that_raise_wait_for_a_batch_in_its_order(clock: ManualClock) -> None:
    first, second = sorted([(await alarms.scene()).resident for _ in range(2)], key=lambda resident: resident.id)
    await alarms.raised(second)
    hints = [small(second), small(first), small(first, AlarmKind.MEDICATION)]
    await _beside_a_batch(first, second, hinted(*hints))
    assert sorted(kind for kind, _, _ in await signals()) == [
        *["check_in_missed"] * 3,
        *["low_activity"] * 2,
        "medication",
    ]


async def test_missed_doses_wait_for_a_batch_in_its_order(clock: ManualClock) -> None:
    first, second = sorted([(await alarms.scene()).resident for _ in range(2)], key=lambda resident: resident.id)
    await medication.regimen(first, dose_window="PT1H", critical=True)
    await medication.regimen(second, dose_window="PT1H")
    clock.set(DUE + timedelta(minutes=1))
    await settle(MEDICATION_JOBS)
    await alarms.raised(second)
    clock.set(DUE + timedelta(minutes=61))
    due = [dose.id for dose in await medication.doses() if dose.close_at is not None]

    async def close_doses() -> None:
        async with unit_of_work() as session:
            await close(session, due)

    await _beside_a_batch(first, second, close_doses())
    kinds = sorted((kind, is_hint) for kind, _, is_hint in await signals())
    assert kinds == [*[("check_in_missed", False)] * 3, ("medication", False), ("medication", True)]


async def _beside_a_batch(first: Resident, second: Resident, work: Coroutine[Any, Any, None]) -> None:
    """Do it while a batch of alarms about both has come as far as the first of them."""
    async with unit_of_work() as session:
        await raise_alarms(session, [alarms.signal(first)])
        task = asyncio.create_task(work)
        await waits_or_ends(task)
        await raise_alarms(session, [alarms.signal(second)])
    await task


async def _raised(resident: Resident, **values: Any) -> None:
    await alarms.raised(resident, **values)
