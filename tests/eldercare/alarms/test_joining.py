"""What happens when more goes wrong while an alarm is open, and standing down."""

import asyncio
from datetime import timedelta

import pytest

from app.core import clock
from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from eldercare.alarms.models import AlarmKind, AlarmState, Severity
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


async def test_an_sos_joining_calls_who_took_it_and_the_desk_and_starts_over(clock: ManualClock) -> None:
    scene = await alarms.scene()
    first = scene.circle[0]
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    async with unit_of_work() as session:
        await acknowledge(session, alarms.actor_of(first), alarm.id)
    clock.advance(timedelta(seconds=20))

    await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL, countdown=timedelta(seconds=10))

    stored = await alarms.current(alarm)
    assert (stored.state, stored.kind, stored.severity) == (AlarmState.RAISED, "sos", Severity.CRITICAL)
    assert (stored.step, stored.round, stored.next_step_at) == (0, 2, clock.now())
    for account in (first, scene.desk):
        assert (await alarms.notices_of(account))[-1][0] == "eldercare.alarm_again"
    await alarms.climb()
    assert (await alarms.told(alarm))[-1] == (2, 1, first.id)


async def test_a_batch_raises_one_alarm_per_resident() -> None:
    place = await identity.community()
    people = [await identity.resident(place, name=f"R{number}") for number in range(5)]
    open_already = await alarms.raised(people[0])

    async with unit_of_work() as session:
        raised = await raise_alarms(session, [alarms.signal(person) for person in [*people, people[1]]])

    assert len(raised) == 5
    assert raised[people[0].id, False].id == open_already.id
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
