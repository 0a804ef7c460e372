"""Small things that happen to the same person within some hours are one alarm, with one sentence that names them."""

import uuid
from datetime import timedelta

import httpx
import pytest

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.settings import Settings, SignalSettings, install_settings
from app.identity.models import Account
from eldercare.alarms.models import AlarmKind, AlarmState, Severity
from eldercare.check_ins.jobs import JOBS as CHECK_IN_JOBS
from eldercare.check_ins.schemas import AnswerWrite
from eldercare.check_ins.service.answers import answer
from eldercare.medication.jobs import JOBS as MEDICATION_JOBS
from eldercare.response.service import resolve
from eldercare.signals.service import withdraw
from tests.conftest import START
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as medication
from tests.factories.eldercare_signals import alarm_ids, hinted, signals, small
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("database", "subscribed")

DUE = START + timedelta(minutes=30)


async def test_one_small_thing_calls_nobody_and_two_different_ones_do(clock: ManualClock) -> None:
    scene = await alarms.scene()
    await hinted(small(scene.resident, AlarmKind.MEDICATION))
    await hinted(small(scene.resident, AlarmKind.MEDICATION))
    assert await signals() == [], "the same thing twice is one thing"

    await hinted(small(scene.resident))

    assert await signals() == [("medication", 1, True), ("medication", 1, True), ("low_activity", 1, True)]
    (alarm_id,) = await alarm_ids()
    assert (await alarms.current(alarm_id)).severity == Severity.LOW
    assert await alarms.climb() == 1


async def test_what_is_told_twice_is_one_thing(clock: ManualClock) -> None:
    scene = await alarms.scene()
    origin = clocks.new_id()
    await hinted(small(scene.resident, origin=origin))
    await hinted(small(scene.resident, AlarmKind.MEDICATION, origin))
    assert await signals() == []


@pytest.mark.parametrize(("hours", "expected"), [(12, 1), (3, 0)])
async def test_only_what_lies_close_together_belongs_together(
    clock: ManualClock, test_settings: Settings, hours: int, expected: int
) -> None:
    install_settings(test_settings.model_copy(update={"signals": SignalSettings(within_hours=hours)}))
    scene = await alarms.scene()
    await hinted(small(scene.resident))
    clock.advance(timedelta(hours=4))
    await hinted(small(scene.resident, AlarmKind.MEDICATION))
    install_settings(test_settings)
    assert len(await alarm_ids()) == expected


async def test_of_two_people_nothing_belongs_together(clock: ManualClock) -> None:
    first, second = [(await alarms.scene()).resident for _ in range(2)]
    await hinted(small(first), small(second, AlarmKind.MEDICATION))
    assert await alarm_ids() == []


async def test_what_waited_joins_an_alarm_and_changes_nothing_about_whom_it_calls(clock: ManualClock) -> None:
    scene = await alarms.scene()
    await hinted(small(scene.resident))
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    clock.advance(timedelta(seconds=20))
    before = await alarms.current(alarm)

    await settle(RELAY_JOBS)

    after = await alarms.current(alarm)
    assert await alarms.kinds(alarm) == ["raised", "told", "joined"]
    assert [getattr(after, name) for name in ("kind", "severity", "step", "round", "next_step_at", "state")] == [
        getattr(before, name) for name in ("kind", "severity", "step", "round", "next_step_at", "state")
    ]


async def test_an_sos_and_an_exercise_are_told_of_nothing(clock: ManualClock) -> None:
    scene = await alarms.scene()
    await hinted(small(scene.resident))
    await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await alarms.raised(scene.resident, is_test=True)
    await settle(RELAY_JOBS)
    assert [kind for kind, _, _ in await signals()] == ["sos", "check_in_missed"]
    await hinted(small(scene.resident, AlarmKind.MEDICATION))
    assert len(await alarm_ids()) == 3, "the small things are an alarm beside the SOS"


async def test_what_turned_out_to_be_nothing_belongs_to_nothing(clock: ManualClock) -> None:
    scene = await alarms.scene()
    origin = clocks.new_id()
    await hinted(small(scene.resident, origin=origin))
    async with unit_of_work() as session:
        await withdraw(session, scene.resident.id, "test", [origin])
    await hinted(small(scene.resident, AlarmKind.MEDICATION))
    assert await alarm_ids() == []
    await hinted(small(scene.resident, origin=origin))
    assert len(await alarm_ids()) == 1, "it happened again"


async def test_missed_dose_missed_check_in_and_low_activity_are_one_alarm(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    await check_ins.plan(scene.resident, times=["09:00"], channel="call_in", reminders=[])
    await medication.regimen(scene.resident, dose_window="PT1H")
    await hinted(small(scene.resident))
    for minutes in (1, 61, 75, 95):
        clock.set(DUE + timedelta(minutes=minutes))
        await settle((*MEDICATION_JOBS, *CHECK_IN_JOBS, *RELAY_JOBS))

    (alarm_id,) = await alarm_ids()
    headers = await sign_in(scene.circle[0])
    detail = (await client.get(f"/v1/alarms/{alarm_id}", headers=headers)).json()
    assert detail["explanation"] == {
        "en": "3 signals: less active than usual; a dose was not recorded (medication plan); "
        "a check-in was not answered (check-in plan).",
        "zh-CN": "3 个信号：活动比平时少；有一次用药未记录（依据：用药方案）；未回应平安签到（依据：签到计划）。",
    }
    assert (detail["kind"], detail["severity"]) == ("check_in_missed", "medium")
    timeline = (await client.get(f"/v1/residents/{scene.resident.id}/timeline", headers=headers)).json()
    assert timeline["items"][0]["text"] == (
        "Alarm: a check-in was not answered; less active than usual; a dose was not recorded."
    )
    desk = await sign_in(scene.desk)
    queue = (await client.get("/v1/duty-desk/queue", headers=desk)).json()["items"]
    assert [item["explanation"]["en"] for item in queue] == [detail["explanation"]["en"]]
    params = {"from": START.isoformat(), "to": (clock.now() + timedelta(hours=1)).isoformat()}
    await client.post(f"/v1/alarms/{alarm_id}/acknowledgement", headers=headers)
    await client.post(f"/v1/alarms/{alarm_id}/resolution", headers=headers, json={"outcome": "false_alarm"})
    report = (await client.get("/v1/reports/false-alarms", headers=desk, params=params)).json()["items"]
    assert {(row["kind"], row["alarms"], row["false_alarms"]) for row in report} == {
        (kind, 1, 1) for kind in ("check_in_missed", "low_activity", "medication")
    }, "each rule answers for its own signal"


async def test_small_things_keep_their_rules_and_their_evidence_and_each_rule_answers_for_the_alarm_once(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    watch, regimen, other = (uuid.UUID(int=number) for number in (1, 2, 3))
    await hinted(small(scene.resident, rule=("wellbeing_watch", watch), evidence={"flag_id": "7"}))
    await hinted(small(scene.resident, AlarmKind.MEDICATION, rule=("regimen", regimen), evidence={"due_at": "8"}))
    # Two more doses: one of the same regimen, one of another. By now the alarm is open, and they join it.
    for rule in (regimen, other):
        await hinted(small(scene.resident, AlarmKind.MEDICATION, rule=("regimen", rule)))
    (alarm_id,) = await alarm_ids()

    headers = await sign_in(scene.circle[0])
    detail = (await client.get(f"/v1/alarms/{alarm_id}", headers=headers)).json()

    assert {(one["rule"]["id"], str(one["evidence"])) for one in detail["signals"]} == {
        (str(watch), "{'flag_id': '7'}"),
        (str(regimen), "{'due_at': '8'}"),
        (str(regimen), "None"),
        (str(other), "None"),
    }
    by_rule = {("wellbeing_watch", watch), ("regimen", regimen), ("regimen", other)}
    assert {(rule["kind"], uuid.UUID(rule["id"])) for rule in detail["rules"]} == by_rule
    assert len(detail["rules"]) == len(by_rule)
    assert detail["explanation"]["en"] == (
        "4 signals: less active than usual (daily look at well-being); "
        "a dose was not recorded (3 times; 2 medication plans)."
    )
    desk = await sign_in(scene.desk)
    queue = (await client.get("/v1/duty-desk/queue", headers=desk)).json()["items"]
    assert [item["explanation"] for item in queue] == [detail["explanation"]]
    await _resolved(alarm_id, scene.desk)
    params = {"from": START.isoformat(), "to": (clock.now() + timedelta(hours=1)).isoformat()}
    report = (await client.get("/v1/reports/false-alarms", headers=desk, params=params)).json()["items"]
    assert {(row["resident_name"], row["rule"]["kind"], uuid.UUID(row["rule"]["id"])) for row in report} == {
        ("Grace", *rule) for rule in by_rule
    }
    assert [(row["alarms"], row["false_alarms"]) for row in report] == [(1, 1)] * len(by_rule)
    for per in ("community", "resident"):
        totals = await client.get("/v1/reports/false-alarm-totals", headers=desk, params={**params, "per": per})
        assert [(row["alarms"], row["false_alarms"], row["rate"]) for row in totals.json()["items"]] == [(1, 1, 1.0)]
    times = (await client.get("/v1/reports/response-times", headers=desk, params=params)).json()
    assert times["alarms"] == 1


async def test_what_is_taken_back_and_happens_again_comes_by_its_newest_rule(clock: ManualClock) -> None:
    scene = await alarms.scene()
    origin, before, after = clocks.new_id(), uuid.UUID(int=1), uuid.UUID(int=2)
    await hinted(small(scene.resident, origin=origin, rule=("regimen", before)))
    async with unit_of_work() as session:
        await withdraw(session, scene.resident.id, "test", [origin])
    await hinted(small(scene.resident, origin=origin, rule=("regimen", after)))
    await hinted(small(scene.resident, AlarmKind.MEDICATION))
    found = "SELECT string_agg(rule_id::text, ' ') FROM eldercare_alarm_signal"
    assert await alarms.scalar(found) == str(after)


async def test_a_dose_taken_after_all_ends_an_alarm_that_would_not_be_one_without_it(clock: ManualClock) -> None:
    scene = await alarms.scene()
    await medication.regimen(scene.resident, dose_window="PT1H")
    await hinted(small(scene.resident))
    for minutes in (1, 61):
        clock.set(DUE + timedelta(minutes=minutes))
        await settle(MEDICATION_JOBS)
    (alarm_id,) = await alarm_ids()
    (dose, *_) = await medication.doses(scene.resident)

    await medication.record(scene.resident, dose.id)

    closed = await alarms.current(alarm_id)
    assert (closed.state, closed.outcome) == (AlarmState.RESOLVED, "dose_taken")


async def test_a_dose_recorded_late_is_no_hint_any_more(clock: ManualClock) -> None:
    scene = await alarms.scene()
    await medication.regimen(scene.resident, dose_window="PT1H")
    for minutes in (1, 61):
        clock.set(DUE + timedelta(minutes=minutes))
        await settle(MEDICATION_JOBS)
    (dose, *_) = await medication.doses(scene.resident)
    await medication.record(scene.resident, dose.id, status="skipped", skip_reason="unwell")
    await hinted(small(scene.resident))
    assert await alarm_ids() == []


async def test_a_late_all_clear_ends_an_alarm_whatever_small_thing_joined_it(clock: ManualClock) -> None:
    scene = await alarms.scene()
    await check_ins.plan(scene.resident, channel="call_in", reminders=[])
    await hinted(small(scene.resident))
    for minutes in (1, 31):
        clock.set(DUE + timedelta(minutes=minutes))
        await settle((*CHECK_IN_JOBS, *RELAY_JOBS))
    assert [kind for kind, _, _ in await signals()] == ["check_in_missed", "low_activity"]
    (asked, *_) = await check_ins.check_ins(scene.resident)
    subject = await check_ins.subject_of(scene.resident)

    async with unit_of_work() as session:
        await answer(session, check_ins.self_actor(scene.resident), subject, asked.id, AnswerWrite(status="ok"))

    (alarm_id,) = await alarm_ids()
    assert (await alarms.current(alarm_id)).outcome == "answered_late"


@pytest.mark.parametrize(("hours", "expected"), [(2, 2), (13, 1)])
async def test_what_an_all_clear_says_nothing_of_waits_again_within_its_hours(
    clock: ManualClock, hours: int, expected: int
) -> None:
    scene = await alarms.scene()
    await check_ins.plan(scene.resident, channel="call_in", reminders=[])
    for minutes in (1, 31):
        clock.set(DUE + timedelta(minutes=minutes))
        await settle((*CHECK_IN_JOBS, *RELAY_JOBS))
    await hinted(small(scene.resident, AlarmKind.MEDICATION))
    (asked, *_) = await check_ins.check_ins(scene.resident)
    subject = await check_ins.subject_of(scene.resident)
    async with unit_of_work() as session:
        await answer(session, check_ins.self_actor(scene.resident), subject, asked.id, AnswerWrite(status="ok"))
    (first,) = await alarm_ids()
    assert (await alarms.current(first)).outcome == "answered_late"

    clock.advance(timedelta(hours=hours))
    await hinted(small(scene.resident))

    assert len(await alarm_ids()) == expected
    again = [("medication", 2, True), ("low_activity", 2, True)]
    assert await signals() == [("check_in_missed", 1, False), ("medication", 1, True), *again[: 2 * (expected - 1)]]


async def test_what_somebody_looked_at_does_not_wait_again(clock: ManualClock) -> None:
    scene = await alarms.scene()
    await alarms.raised(scene.resident)
    await hinted(small(scene.resident, AlarmKind.MEDICATION))
    (first,) = await alarm_ids()
    await _resolved(first, scene.desk)
    await hinted(small(scene.resident))
    assert await alarm_ids() == [first]


async def test_a_dose_missed_again_after_its_alarm_counts_again(clock: ManualClock) -> None:
    scene = await alarms.scene()
    await medication.regimen(scene.resident, dose_window="PT1H")
    await hinted(small(scene.resident))
    for minutes in (1, 61):
        clock.set(DUE + timedelta(minutes=minutes))
        await settle(MEDICATION_JOBS)
    (first,) = await alarm_ids()
    await _resolved(first, scene.desk)
    (dose, *_) = await medication.doses(scene.resident)
    await medication.record(scene.resident, dose.id)

    await medication.withdraw(scene.resident, dose.id)
    await settle(MEDICATION_JOBS)
    await hinted(small(scene.resident))

    assert [kind for kind, alarm, _ in await signals() if alarm == 2] == ["medication", "low_activity"]


async def _resolved(alarm_id: uuid.UUID, person: Account) -> None:
    async with unit_of_work() as session:
        await resolve(session, alarms.actor_of(person), alarm_id, outcome="false_alarm", note=None)
