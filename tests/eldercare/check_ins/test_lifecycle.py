"""From the plan to the alarm: asked, reached, reminded, missed; and every way out of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.problems import Malformed
from app.core.relay import RELAY_JOBS
from app.identity.models import Community, Resident
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity, raise_alarm
from eldercare.check_ins import jobs, rules
from eldercare.check_ins.problems import AnswerContradicts, CheckInNotOpen
from eldercare.check_ins.schemas import AnswerWrite, CheckInDetail
from eldercare.check_ins.service import answers, outages, pauses
from notifications.sending import jobs as sending
from tests.factories import eldercare_check_ins as made
from tests.factories import identity
from tests.factories import notifications as sent

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def run() -> None:
    await settle([*RELAY_JOBS, *sending.JOBS, *jobs.JOBS])


async def alarms() -> list[tuple[str, int, str]]:
    async with reading() as connection:
        rows = await connection.execute(
            sa.text("SELECT kind, severity, state FROM eldercare_alarm ORDER BY raised_at, id")
        )
        return [tuple(row) for row in rows]


async def told(about: str = "check_in") -> list[str]:
    """Return the notices that were written, in order, without those of other features."""
    keys = [delivery.notice_key.removeprefix("eldercare.") for delivery in await sent.deliveries()]
    return [key for key in keys if key.startswith(about)]


async def answer(resident: Resident, check_in_id: UUID, status: str = "ok", **more: object) -> CheckInDetail:
    actor = made.self_actor(resident)
    subject = await made.subject_of(resident)
    async with unit_of_work() as session:
        return await answers.answer(
            session, actor, subject, check_in_id, AnswerWrite.model_validate({"status": status, **more})
        )


async def test_asked_reminded_missed(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    first, second = await made.check_ins(resident)
    assert (first.due_at, first.state, second.due_at) == (DUE, "scheduled", DUE + timedelta(days=1))
    await run()
    assert await told() == []

    clock.set(DUE)
    await run()
    asked = await made.check_in(first.id)
    assert (asked.state, asked.asked_at, asked.answer_by) == ("prompted", DUE, DUE + timedelta(minutes=30))
    assert await told() == ["check_in_prompt"]

    clock.advance(timedelta(minutes=15))
    await run()
    assert await told() == ["check_in_prompt", "check_in_reminder"]
    [message] = await sent.outbox()
    assert message.collapse_key == f"check_in-{first.id}"

    clock.advance(timedelta(minutes=15))
    await run()
    assert (await made.check_in(first.id)).state == "missed"
    assert await alarms() == [("check_in_missed", 2, "raised")]


async def due(resident: Resident, clock: ManualClock, **changes: object) -> sa.Row[Any]:
    """Agree a plan, let its first check-in fall due, and return it."""
    await made.plan(resident, **changes)
    first = (await made.check_ins(resident))[0]
    clock.set(first.due_at)
    await run()
    return await made.check_in(first.id)


async def test_one_tap_ends_it(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock)
    clock.advance(timedelta(minutes=3))
    shown = await answer(resident, asked.id)
    assert (shown.state, shown.answer, shown.how, shown.version) == ("answered", "ok", "self", asked.version + 1)
    clock.advance(timedelta(hours=2))
    await run()
    answered = await made.check_in(asked.id)
    assert (answered.state, answered.answer, answered.how, answered.late) == ("answered", "ok", "self", False)
    assert answered.answered_at == DUE + timedelta(minutes=3)
    assert await alarms() == []
    assert await told() == ["check_in_prompt"]


async def test_a_call_for_help_raises_an_alarm_at_once(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock)
    first = await answer(resident, asked.id, "needs_help")
    assert await alarms() == [("check_in_help", 3, "raised")]
    assert await answer(resident, asked.id, "needs_help") == first
    with pytest.raises(AnswerContradicts):
        await answer(resident, asked.id, "ok")
    assert await alarms() == [("check_in_help", 3, "raised")]


async def test_a_call_for_help_after_an_all_clear_still_counts(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock)
    await answer(resident, asked.id)
    await answer(resident, asked.id, "needs_help")
    assert (await made.check_in(asked.id)).answer == "needs_help"
    assert await alarms() == [("check_in_help", 3, "raised")]


async def test_a_late_all_clear_stands_down_a_pure_alarm(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock)
    clock.advance(timedelta(minutes=31))
    await run()
    assert await alarms() == [("check_in_missed", 2, "raised")]
    clock.advance(timedelta(minutes=9))
    await answer(resident, asked.id, occurred_at=(DUE + timedelta(minutes=20)).isoformat())
    answered = await made.check_in(asked.id)
    assert (answered.late, answered.answered_at) == (True, DUE + timedelta(minutes=20))
    assert await alarms() == [("check_in_missed", 2, "resolved")]


async def test_an_all_clear_from_before_a_second_silence_does_not_speak_of_it(
    resident: Resident, clock: ManualClock
) -> None:
    morning = await due(resident, clock, times=["08:30", "12:00"])
    clock.set(DUE + timedelta(hours=4, minutes=1))
    for _ in range(2):
        await run()
        clock.advance(timedelta(minutes=31))
    noon = (await made.check_ins(resident))[1]
    assert ((await made.check_in(morning.id)).state, noon.state) == ("missed", "missed")

    await answer(resident, morning.id, occurred_at=(DUE + timedelta(minutes=5)).isoformat())
    assert [state for _, _, state in await alarms()] == ["raised"], "the phone was without a network since the morning"
    await answer(resident, noon.id)
    assert [state for _, _, state in await alarms()] == ["resolved"]


async def test_who_saw_the_person_in_the_morning_says_nothing_of_noon(
    place: Community, resident: Resident, clock: ManualClock
) -> None:
    morning = await due(resident, clock, times=["08:30", "12:00"])
    clock.set(DUE + timedelta(hours=4, minutes=1))
    for _ in range(2):
        await run()
        clock.advance(timedelta(minutes=31))
    neighbour = await identity.account(place)
    actor = Actor(kind="account", id=neighbour.id, community_id=place.id)
    subject = replace(await made.subject_of(resident), relation="granted")
    async with unit_of_work() as session:
        await answers.answer(session, actor, subject, morning.id, AnswerWrite(status="ok", how="saw"))
    assert [state for _, _, state in await alarms()] == ["raised"], "it was written down at one, and seen at eight"


async def test_a_late_all_clear_leaves_any_other_alarm_to_people(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock)
    clock.advance(timedelta(minutes=31))
    await run()
    fall = AlarmSignal(
        kind=AlarmKind.FALL,
        severity=Severity.HIGH,
        community_id=resident.community_id,
        resident_id=resident.id,
        occurred_at=clock.now(),
    )
    async with unit_of_work() as session:
        await raise_alarm(session, made.self_actor(resident), fall)
    await answer(resident, asked.id)
    assert [state for _, _, state in await alarms()] == ["raised"]


async def test_the_named_are_told_of_a_miss_and_of_its_end(
    place: Community, resident: Resident, clock: ManualClock
) -> None:
    daughter = await identity.account(place, name="Ada", phone="+8613800000002")
    await made.in_circle(resident, daughter)
    asked = await due(resident, clock, told=[daughter.id])
    clock.advance(timedelta(minutes=31))
    await run()
    await answer(resident, asked.id)
    mine = [item.notice_key for item in await sent.deliveries() if item.account_id == daughter.id]
    assert mine.count("eldercare.check_in_missed") >= 1
    assert mine.count("eldercare.check_in_answered_late") == 1


async def test_who_left_the_circle_is_no_longer_told(place: Community, resident: Resident, clock: ManualClock) -> None:
    friend = await identity.account(place, name="Ada", phone="+8613800000002")
    await made.in_circle(resident, friend)
    await due(resident, clock, told=[friend.id])
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE eldercare_circle_member SET state = 'removed'"))
    clock.advance(timedelta(minutes=31))
    await run()
    assert "check_in_missed" not in await told()


async def test_only_the_circle_can_be_named(place: Community, resident: Resident) -> None:
    stranger = await identity.account(place, name="Ada")
    with pytest.raises(Malformed) as refused:
        await made.plan(resident, told=[stranger.id])
    assert [error.pointer for error in refused.value.errors] == ["/body/told/0"]
    assert await made.check_ins(resident) == []


async def test_nobody_reached_is_a_lower_alarm_of_its_own(place: Community, clock: ManualClock) -> None:
    resident = await identity.resident(place)
    asked = await due(resident, clock)
    clock.advance(rules.SETTLING)
    await run()
    unasked = await made.check_in(asked.id)
    assert (unasked.state, unasked.asked_at) == ("unasked", None)
    assert await alarms() == [("check_in_unreachable", 1, "raised")]
    await answer(resident, asked.id)
    assert [state for _, _, state in await alarms()] == ["resolved"]


async def test_silence_of_the_sender_is_not_taken_for_the_residents(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    first = (await made.check_ins(resident))[0]
    clock.set(DUE)
    await settle(jobs.JOBS)  # nothing is sent, nothing settles
    clock.advance(rules.SETTLING)
    await settle(jobs.JOBS)
    assert (await made.check_in(first.id)).state == "unasked"


async def test_who_was_not_asked_because_of_an_outage_is_asked_again(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    first = (await made.check_ins(resident))[0]
    clock.set(DUE)
    await settle(jobs.JOBS)  # written, and not sent any more
    await away(clock, outages.WORKER, timedelta(hours=3))
    await settle(jobs.JOBS)
    again = await made.check_in(first.id)
    assert (again.state, again.settle_by) == ("prompted", clock.now() + rules.SETTLING)
    await run()
    assert (await made.check_in(first.id)).answer_by == clock.now() + timedelta(minutes=30), "nothing of it was lost"


async def away(clock: ManualClock, part: str, length: timedelta) -> None:
    """Let a part of ours give no sign of life for so long."""
    await outages.beat(part)
    clock.advance(length)
    await outages.beat(part)


async def test_a_window_gets_back_what_an_outage_took_and_no_more(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock, answer_window=timedelta(hours=4), reminders=[timedelta(hours=3, minutes=50)])
    clock.advance(timedelta(hours=3, minutes=45))
    await away(clock, outages.WORKER, timedelta(minutes=40))
    await run()
    again = await made.check_in(asked.id)
    assert (again.state, again.round, again.asked_at) == ("prompted", 2, DUE)
    assert again.answer_by == clock.now() + timedelta(minutes=15), "all it lost lay in its last quarter of an hour"
    assert again.next_reminder_at == clock.now() + timedelta(minutes=5)
    assert await alarms() == []
    assert (await told()).count("check_in_prompt") == 2
    clock.advance(timedelta(minutes=5))
    await run()
    assert (await told())[-1] == "check_in_reminder"
    clock.advance(timedelta(minutes=10))
    await run()
    assert (await made.check_in(asked.id)).state == "missed"


async def test_time_that_two_parts_lost_at_once_is_given_back_once(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock, answer_window=timedelta(hours=4))
    await outages.beat(outages.API)
    await away(clock, outages.WORKER, timedelta(minutes=20))
    clock.advance(timedelta(minutes=10))
    await outages.beat(outages.API)
    clock.set(DUE + timedelta(hours=4))
    await run()
    assert (await made.check_in(asked.id)).answer_by == clock.now() + timedelta(minutes=30)
    clock.advance(timedelta(minutes=30))
    await run()
    assert (await made.check_in(asked.id)).state == "missed", "what was given back is not given back again"


@pytest.mark.parametrize(("window", "room"), [(30, rules.ROOM_TO_ANSWER), (8, timedelta(minutes=8))])
async def test_who_could_not_answer_has_room_to_do_so_afterwards(
    resident: Resident, clock: ManualClock, window: int, room: timedelta
) -> None:
    asked = await due(resident, clock, answer_window=timedelta(minutes=window), reminders=[])
    clock.advance(timedelta(minutes=window - 3))
    await away(clock, outages.WORKER, timedelta(hours=2))
    await run()
    again = await made.check_in(asked.id)
    assert (again.state, again.answer_by) == ("prompted", clock.now() + room)


async def test_a_visit_keeps_its_time_too(resident: Resident, clock: ManualClock) -> None:
    expected = await due(resident, clock, channel="visit")
    await away(clock, outages.API, timedelta(minutes=20))
    clock.advance(timedelta(minutes=10))
    await run()
    again = await made.check_in(expected.id)
    assert (again.answer_by, again.next_reminder_at) == (clock.now() + timedelta(minutes=20), None)
    assert await told() == []


async def test_a_window_in_which_nobody_could_answer_lasts_longer(resident: Resident, clock: ManualClock) -> None:
    """The API alone was down, the worker went on: what would close meanwhile stays open, and not for ever."""
    await outages.beat(outages.API)
    asked = await due(resident, clock)
    for reprieve in range(1, rules.REPRIEVES + 1):
        clock.advance(timedelta(minutes=31))
        await outages.watch(outages.API)
        await run()
        assert (await made.check_in(asked.id)).round == reprieve + 1
    assert await alarms() == []
    clock.advance(timedelta(minutes=31))
    await outages.watch(outages.API)
    await run()
    assert (await made.check_in(asked.id)).state == "missed"


async def test_a_short_gap_is_no_excuse(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock)
    await outages.beat()
    clock.advance(timedelta(minutes=2))
    await outages.beat()
    clock.advance(timedelta(minutes=28))
    await run()
    assert (await made.check_in(asked.id)).state == "missed"


async def test_outages_do_not_postpone_for_ever(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock)
    for _ in range(rules.REPRIEVES + 1):
        await outages.beat()
        clock.advance(timedelta(minutes=31))
        await outages.beat()
        await run()
    assert (await made.check_in(asked.id)).state == "missed"


async def test_a_late_prompt_opens_a_whole_window_and_says_how_late(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    first = (await made.check_ins(resident))[0]
    clock.set(DUE + timedelta(hours=1))
    await run()
    asked = await made.check_in(first.id)
    assert asked.answer_by == clock.now() + timedelta(minutes=30)
    [delivery] = await sent.deliveries()
    assert delivery.data["late_by_seconds"] == "3600"
    assert delivery.data["check_in_id"] == str(first.id)


async def test_a_visit_is_not_prompted_but_waited_for(resident: Resident, clock: ManualClock) -> None:
    expected = await due(resident, clock, channel="visit")
    assert (expected.state, expected.asked_at) == ("prompted", DUE)
    assert await told() == []
    clock.advance(timedelta(minutes=30))
    await run()
    assert (await made.check_in(expected.id)).state == "missed"


async def test_who_calls_in_is_reminded_to(resident: Resident, clock: ManualClock) -> None:
    await due(resident, clock, channel="call_in")
    clock.advance(timedelta(minutes=15))
    await run()
    assert await told() == ["check_in_call_reminder"]


async def test_text_messages_carry_the_code_of_the_prompt(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock, channel="sms")
    [message] = await sent.outbox()
    assert message.channel == "sms"
    assert await told() == ["check_in_prompt_sms"]
    [delivery] = await sent.deliveries()
    assert delivery.variables["code"] == asked.reply_code


async def test_nobody_is_asked_in_a_pause(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    await made.pause(resident, DUE + timedelta(hours=1), kind="hospital")
    clock.set(DUE)
    await run()
    excused, later = await made.check_ins(resident)
    assert (excused.state, excused.excuse, later.state) == ("excused", "hospital", "scheduled")
    assert (await told(), await alarms()) == ([], [])
    clock.set(DUE + timedelta(days=1))
    await run()
    assert (await made.check_in(later.id)).state == "prompted"


async def test_a_pause_excuses_what_was_just_asked_and_is_announced(
    place: Community, resident: Resident, clock: ManualClock
) -> None:
    daughter = await identity.account(place, name="Ada")
    await made.in_circle(resident, daughter)
    asked = await due(resident, clock)
    await made.pause(resident, DUE + timedelta(days=3), starts_at=DUE - timedelta(hours=1))
    assert (await made.check_in(asked.id)).state == "excused"
    [announced] = [item for item in await sent.deliveries() if item.notice_key == "eldercare.pause_announced"]
    assert announced.account_id == daughter.id
    assert "away" not in str(announced.variables)
    clock.advance(timedelta(hours=1))
    await run()
    assert await alarms() == []


async def test_who_left_before_we_came_to_ask_is_not_asked(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    await made.pause(resident, DUE + timedelta(days=3), starts_at=DUE + timedelta(minutes=10))
    clock.set(DUE + timedelta(minutes=15))
    await run()
    assert (await made.check_ins(resident))[0].state == "excused"
    assert await told() == []


async def test_who_was_asked_before_they_were_to_leave_is_missed(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    await made.pause(resident, DUE + timedelta(days=3), starts_at=DUE + timedelta(minutes=10))
    clock.set(DUE)
    await run()
    clock.advance(timedelta(hours=2))
    await run()
    assert (await made.check_ins(resident))[0].state == "missed"
    assert len(await alarms()) == 1


async def test_a_pause_that_was_ended_no_longer_excuses(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    pause = await made.pause(resident, DUE + timedelta(days=3))
    subject = await made.subject_of(resident)
    clock.advance(timedelta(minutes=5))
    async with unit_of_work() as session:
        await pauses.end_pause(session, made.self_actor(resident), subject, pause.id)
    clock.set(DUE)
    await run()
    assert (await made.check_ins(resident))[0].state == "prompted"


async def test_questions_are_answered_sealed(resident: Resident, clock: ManualClock) -> None:
    asked = await due(resident, clock, questions=[{"key": "pain", "kind": "pain"}])
    with pytest.raises(Malformed):
        await answer(resident, asked.id, answers={"pain": 11})
    with pytest.raises(Malformed):
        await answer(resident, asked.id, answers={"mood": 3})
    await answer(resident, asked.id, answers={"pain": 7})
    stored = (await made.check_in(asked.id)).answers
    assert stored.startswith("v1.")


@pytest.mark.parametrize("away", [timedelta(minutes=3), -timedelta(hours=73)])
async def test_an_unbelievable_time_is_refused(resident: Resident, clock: ManualClock, away: timedelta) -> None:
    asked = await due(resident, clock)
    with pytest.raises(Malformed):
        await answer(resident, asked.id, occurred_at=(clock.now() + away).isoformat())
    assert (await made.check_in(asked.id)).state == "prompted"


async def test_an_answer_can_come_shortly_before_the_question(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    first, second = await made.check_ins(resident)
    await answer(resident, first.id)
    with pytest.raises(CheckInNotOpen):
        await answer(resident, second.id)
    clock.set(DUE)
    await run()
    assert await told() == []
