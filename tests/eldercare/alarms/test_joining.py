"""What happens when more goes wrong while an alarm is open, and standing down."""

import asyncio
from datetime import timedelta

import pytest

from app.core import clock
from app.core import clock as clock_ids
from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from eldercare.alarms.models import AlarmKind, AlarmState, Severity
from eldercare.alarms.repository import lock_alarms
from eldercare.alarms.service import Word, raise_alarms, stand_down
from eldercare.response.service import acknowledge
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database")


async def test_a_signal_joins_the_open_alarm_and_postpones_nothing(clock: ManualClock) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    clock.advance(timedelta(seconds=30))

    joined = await alarms.raised(scene.resident, kind=AlarmKind.DEVICE_SILENT, severity=Severity.LOW)

    assert joined.id == alarm.id
    stored = await alarms.current(alarm)
    assert stored.next_step_at == alarms.later(30)
    assert (stored.kind, stored.severity) == ("check_in_missed", Severity.MEDIUM)
    assert await alarms.kinds(alarm) == ["raised", "told", "joined"]


async def test_what_is_worse_calls_everybody_again_and_the_ladder_goes_on(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=3)
    first, second, third = scene.circle
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    clock.advance(timedelta(seconds=60))
    await alarms.climb()
    async with unit_of_work() as session:
        await acknowledge(session, alarms.actor_of(second), alarm.id)
    clock.advance(timedelta(seconds=20))

    await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)

    stored = await alarms.current(alarm)
    assert (stored.state, stored.kind, stored.severity) == (AlarmState.RAISED, "fall", Severity.HIGH)
    assert (stored.step, stored.round, stored.next_step_at) == (2, 2, clock.now())
    for account in (first, second, scene.desk):
        assert (await alarms.notices_of(account))[-1][0] == "eldercare.alarm_again"
    await alarms.climb()
    assert set((await alarms.told(alarm))[-3:]) == {(2, 3, person.id) for person in (first, second, third)}


@pytest.mark.parametrize("sos_first", [True, False])
async def test_an_sos_is_an_alarm_of_its_own(clock: ManualClock, *, sos_first: bool) -> None:
    scene = await alarms.scene()
    sos = {"kind": AlarmKind.SOS, "severity": Severity.CRITICAL, "countdown": timedelta(seconds=10)}
    missed: dict[str, object] = {}
    first, second = [
        await alarms.raised(scene.resident, **one) for one in ((sos, missed) if sos_first else (missed, sos))
    ]

    assert first.id != second.id
    alarm, other = (first, second) if sos_first else (second, first)
    stored = await alarms.current(alarm)
    assert (stored.kind, stored.next_step_at) == ("sos", alarms.later(10))
    assert (await alarms.current(other)).next_step_at == clock.now()
    assert await alarms.kinds(alarm) == await alarms.kinds(other) == ["raised"]
    clock.advance(timedelta(seconds=11))
    await alarms.climb()
    again = await alarms.raised(scene.resident, **sos)
    assert again.id == alarm.id
    assert ("eldercare.alarm_again", f"alarm:{alarm.id}:2:again") in await alarms.notices_of(scene.circle[0])


async def test_an_sos_waits_for_nobody_who_holds_another_alarm_of_the_resident(clock: ManualClock) -> None:
    scene = await alarms.scene()
    missed = await alarms.raised(scene.resident)
    async with unit_of_work() as session:
        await lock_alarms(session, [missed.id])
        sos = await asyncio.wait_for(
            alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL), timeout=20
        )
    assert sos.id != missed.id


async def test_a_word_that_all_is_well_says_nothing_of_an_sos(clock: ManualClock) -> None:
    scene = await alarms.scene()
    sos = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    missed = await alarms.raised(scene.resident)
    async with unit_of_work() as session:
        word = Word(frozenset(AlarmKind), answers=clock_ids.new_id(), given_at=clock.now())
        await stand_down(
            session, system_actor(scene.community.id), scene.resident.id, word=word, reason="answered_late"
        )
    assert (await alarms.current(missed)).state == AlarmState.RESOLVED
    assert (await alarms.current(sos)).state == AlarmState.RAISED


async def test_a_batch_raises_one_alarm_per_resident() -> None:
    place = await identity.community()
    people = [await identity.resident(place, name=f"R{number}") for number in range(5)]
    open_already = await alarms.raised(people[0])

    async with unit_of_work() as session:
        raised = await raise_alarms(session, [alarms.signal(person) for person in [*people, people[1]]])

    assert len(raised) == 5
    assert raised[alarms.signal(people[0]).slot].id == open_already.id
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm") == 5
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm_signal") == 7
    facts = "SELECT count(*) FROM core_event WHERE name = 'eldercare.alarm_raised.v1'"
    assert await alarms.scalar(facts) == 5


async def test_two_who_raise_at_once_get_one_alarm() -> None:
    scene = await alarms.scene()

    raised = await asyncio.gather(*(alarms.raised(scene.resident) for _ in range(6)))

    assert len({alarm.id for alarm in raised}) == 1
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm_signal") == 6


async def test_a_late_answer_stands_down_a_pure_alarm_and_tells_who_was_told() -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()

    async with unit_of_work() as session:
        closed = await stand_down(
            session,
            system_actor(scene.community.id),
            scene.resident.id,
            word=Word(frozenset({AlarmKind.CHECK_IN_MISSED}), answers=clock.new_id(), given_at=clock.now()),
            reason="answered_late",
        )

    assert closed is not None
    assert (closed.state, closed.outcome, closed.next_step_at) == (AlarmState.RESOLVED, "answered_late", None)
    assert [key for key, _ in await alarms.notices_of(scene.circle[0])] == [
        "eldercare.alarm_step",
        "eldercare.alarm_closed",
    ]
    assert await alarms.notices_of(scene.circle[1]) == []
    assert await alarms.climb() == 0
    assert await alarms.kinds(alarm) == ["raised", "told", "resolved"]


async def test_an_alarm_with_more_to_it_is_not_stood_down() -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)

    async with unit_of_work() as session:
        closed = await stand_down(
            session,
            system_actor(scene.community.id),
            scene.resident.id,
            word=Word(frozenset({AlarmKind.CHECK_IN_MISSED}), answers=clock.new_id(), given_at=clock.now()),
            reason="answered_late",
        )

    assert closed is None
    assert (await alarms.current(alarm)).state == AlarmState.RAISED
