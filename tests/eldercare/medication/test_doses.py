"""From the plan to what came of it: reminded, taken, skipped, missed, excused; and what follows from each."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.due import drain
from app.core.jobs import settle
from app.core.problems import Malformed
from app.core.relay import RELAY_JOBS
from app.identity.models import Community, Resident
from eldercare.check_ins.service import outages
from eldercare.medication import jobs, rules
from eldercare.medication.problems import DoseAlreadyRecorded, DoseNotOpen
from eldercare.medication.service import reminding
from notifications.sending import jobs as sending
from tests.factories import eldercare_alarms, identity
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as made
from tests.factories import notifications as sent

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def run() -> None:
    await settle([*RELAY_JOBS, *jobs.JOBS, *sending.JOBS])


async def alarms() -> list[tuple[str, int, str]]:
    async with reading() as connection:
        rows = await connection.execute(
            sa.text("SELECT kind, severity, state FROM eldercare_alarm ORDER BY raised_at, id")
        )
        return [tuple(row) for row in rows]


async def told(key: str = "") -> list[str]:
    """Return the notices of medication that were written, in order."""
    keys = [row.notice_key.removeprefix("eldercare.") for row in await sent.deliveries()]
    return [each for each in keys if each.startswith(key or ("dose", "refill"))]


async def facts() -> list[str]:
    async with reading() as connection:
        names = await connection.scalars(sa.text("SELECT name FROM core_event ORDER BY sequence"))
        return [name.removeprefix("eldercare.").removesuffix(".v1") for name in names if ".dose" in name]


async def test_reminded_reminded_again_missed(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident)
    assert await made.states(resident) == ["02 08:30 scheduled", "03 08:30 scheduled"]
    await run()
    assert await told() == []

    clock.set(DUE)
    await run()
    assert await made.states(resident) == ["02 08:30 reminded", "03 08:30 scheduled"]
    assert await told() == ["dose_reminder"]

    clock.advance(timedelta(minutes=20))
    await run()
    assert await told() == ["dose_reminder"] * 2
    [message] = await sent.outbox()  # the second took the first one's place on the phone
    assert message.collapse_key.startswith(f"doses-{resident.id}")

    clock.set(DUE + made.WINDOW)
    await run()
    assert (await made.states(resident))[0] == "02 08:30 missed"
    assert await facts() == ["dose_missed"]
    assert await alarms() == []


async def test_a_reminder_says_nothing_of_health_and_expires_with_the_window(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident)
    clock.set(DUE)
    await run()
    [delivery] = [row for row in await sent.deliveries() if row.notice_key == "eldercare.dose_reminder"]
    assert delivery.expires_at == DUE + made.WINDOW
    [message] = await sent.outbox()
    shown = f"{message.title} {message.body}".lower()
    for word in ("metformin", "tablet", "dose", "medic", "pill", "mg"):
        assert word not in shown


async def test_what_is_due_at_one_moment_is_one_reminder(resident: Resident, clock: ManualClock) -> None:
    for name in ("Metformin", "Ramipril", "Bisoprolol"):
        await made.regimen(resident, drug={"name": name})
    clock.set(DUE)
    await run()
    assert await told() == ["dose_reminder"]
    assert [row.state for row in await made.doses(resident)][:3] == ["reminded"] * 3


async def test_who_has_only_a_landline_is_called(place: Community, clock: ManualClock) -> None:
    person = await identity.account(place, name="Rosa")
    await identity.contact_point(person, "landline", "+862155550009", ["voice"])
    resident = await identity.resident(place, person=person)
    await made.regimen(resident)
    clock.set(DUE)
    await run()
    [call] = [row for row in await sent.deliveries() if row.state == "sent"]
    assert (call.notice_key, call.channel) == ("eldercare.dose_reminder", "voice")
    assert (await made.states(resident))[0] == "02 08:30 reminded"
    [message] = await sent.outbox()
    assert "Press 1" in message.body


async def test_who_cannot_be_reached_is_not_taken_for_reminded(place: Community, clock: ManualClock) -> None:
    resident = await identity.resident(place, person=await identity.account(place, name="Rosa"))
    await made.regimen(resident)
    clock.set(DUE)
    await run()
    (dose, _) = await made.doses(resident)
    assert (dose.state, dose.reminders_sent, dose.reminded_at) == ("scheduled", 1, None)
    clock.set(DUE + made.WINDOW)
    await run()
    assert (await made.states(resident))[0] == "02 08:30 missed"


async def due(resident: Resident, clock: ManualClock, **changes: Any) -> sa.Row[Any]:
    """Agree a regimen, let its first dose fall due, and return it."""
    regimen = await made.regimen(resident, **changes)
    first = next(row for row in await made.doses(resident) if row.regimen_id == regimen.id)
    clock.set(first.due_at)
    await run()
    return await made.dose(first.id)


async def test_taken_with_one_tap(resident: Resident, clock: ManualClock) -> None:
    dose = await due(resident, clock)
    clock.advance(timedelta(minutes=5))
    shown = await made.record(resident, dose.id, note="with a glass of milk")
    assert (shown.state, shown.how, shown.late, shown.taken_at) == ("taken", "self", False, clock.now())
    assert (shown.drug_name, shown.drug_strength, shown.note) == ("Metformin", "500 mg", "with a glass of milk")
    clock.advance(timedelta(hours=3))
    await run()
    assert await told() == ["dose_reminder"]
    assert await facts() == ["dose_taken"]


async def test_the_note_is_sealed(resident: Resident, clock: ManualClock) -> None:
    dose = await due(resident, clock)
    await made.record(resident, dose.id, note="with milk")
    assert "milk" not in (await made.dose(dose.id)).note


async def test_a_reminder_is_withdrawn_once_anybody_recorded_the_dose(resident: Resident, clock: ManualClock) -> None:
    daughter = await made.relative(resident)
    dose = await due_unsent(resident, clock)
    await made.record(resident, dose.id, by=daughter)
    [reminder] = [row for row in await sent.deliveries() if row.notice_key == "eldercare.dose_reminder"]
    assert (reminder.state, reminder.error, reminder.send_at) == ("suppressed", "withdrawn", None)
    await run()
    assert await sent.outbox() == []


async def due_unsent(resident: Resident, clock: ManualClock, **changes: Any) -> sa.Row[Any]:
    """Let a regimen's first dose fall due while nothing leaves the house."""
    regimen = await made.regimen(resident, **changes)
    first = next(row for row in await made.doses(resident) if row.regimen_id == regimen.id)
    clock.set(first.due_at)
    await settle(jobs.JOBS)
    return await made.dose(first.id)


async def test_a_reminder_of_several_doses_waits_for_the_last_of_them(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, drug={"name": "Ramipril"})
    dose = await due_unsent(resident, clock)
    [other] = [row for row in await made.doses(resident) if row.due_at == DUE and row.id != dose.id]
    await made.record(resident, dose.id)
    assert [row.state for row in await sent.deliveries()] == ["queued"]
    await made.record(resident, other.id, "skipped", skip_reason="refused")
    assert [row.state for row in await sent.deliveries()] == ["suppressed"]


async def test_a_push_nobody_confirmed_is_not_followed_by_a_message_after_the_dose(
    resident: Resident, clock: ManualClock
) -> None:
    dose = await due(resident, clock)
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE notifications_delivery SET receipt_by = :at"), {"at": clock.now() + timedelta(minutes=2)}
        )
    await made.record(resident, dose.id)
    [pushed] = await sent.deliveries()
    assert (pushed.state, pushed.receipt_by, pushed.expires_at) == ("sent", None, clock.now())


async def test_skipped_with_a_reason(resident: Resident, clock: ManualClock) -> None:
    dose = await due(resident, clock)
    shown = await made.record(resident, dose.id, "skipped", skip_reason="unwell")
    assert (shown.state, shown.skip_reason, shown.taken_at) == ("skipped", "unwell", None)
    assert await facts() == ["dose_skipped"]
    with pytest.raises(DoseAlreadyRecorded):
        await made.record(resident, dose.id)
    persuaded = await made.record(resident, dose.id, confirmed=True)
    assert (persuaded.state, persuaded.skip_reason) == ("taken", None)


async def test_taken_late_and_said_so_later(resident: Resident, clock: ManualClock) -> None:
    dose = await due(resident, clock)
    clock.set(DUE + timedelta(hours=2))
    await run()
    in_time = await made.record(resident, dose.id, taken_at=(DUE + timedelta(minutes=10)).isoformat())
    assert (in_time.state, in_time.late) == ("taken", False)

    clock.set(DUE + timedelta(days=1, hours=2))
    await run()
    tomorrow = next(row for row in await made.doses(resident) if row.due_at == DUE + timedelta(days=1))
    assert tomorrow.state == "missed"
    late = await made.record(resident, tomorrow.id)
    assert (late.state, late.late, late.taken_at) == ("taken", True, clock.now())


async def test_recorded_by_whoever_gave_it(resident: Resident, clock: ManualClock) -> None:
    daughter = await made.relative(resident)
    dose = await due(resident, clock)
    shown = await made.record(resident, dose.id, by=daughter, quantity=2)
    assert (shown.how, shown.recorded_by, shown.quantity) == ("gave", daughter.id, Decimal(2))
    with pytest.raises(Malformed):
        await made.record(resident, (await made.doses(resident))[1].id, how="saw")  # of oneself
    async with reading() as connection:
        actions = list(await connection.scalars(sa.text("SELECT action FROM core_audit_entry ORDER BY id")))
    assert "dose:record" in actions


async def test_a_dose_that_was_recorded_is_a_warning_to_the_next(resident: Resident, clock: ManualClock) -> None:
    daughter = await made.relative(resident)
    dose = await due(resident, clock)
    await made.record(resident, dose.id)
    with pytest.raises(DoseAlreadyRecorded) as warned:
        await made.record(resident, dose.id, by=daughter)
    assert warned.value.extensions == {
        "state": "taken",
        "taken_at": clock.now().isoformat(),
        "recorded_by": str(resident.account_id),
    }
    clock.advance(timedelta(minutes=1))
    extra = await made.record(resident, dose.id, by=daughter, confirmed=True)
    assert (extra.kind, extra.state, extra.confirmed, extra.regimen_id) == ("extra", "taken", True, dose.regimen_id)
    assert extra.id != dose.id
    assert await facts() == ["dose_taken", "dose_taken"]


async def test_the_same_record_sent_twice_is_one(resident: Resident, clock: ManualClock) -> None:
    dose = await due(resident, clock)
    moment = DUE.isoformat()
    first = await made.record(resident, dose.id, taken_at=moment)
    assert await made.record(resident, dose.id, taken_at=moment) == first
    assert await facts() == ["dose_taken"]


async def test_the_same_extra_dose_sent_twice_is_one(resident: Resident, clock: ManualClock) -> None:
    daughter = await made.relative(resident)
    dose = await due(resident, clock)
    await made.record(resident, dose.id)
    clock.advance(timedelta(minutes=10))
    said: dict[str, Any] = {"by": daughter, "confirmed": True, "taken_at": (DUE + timedelta(minutes=5)).isoformat()}
    extra = await made.record(resident, dose.id, **said)
    assert await made.record(resident, dose.id, **said) == extra
    assert await facts() == ["dose_taken"] * 2
    with pytest.raises(DoseAlreadyRecorded):
        await made.record(resident, dose.id, confirmed=True, taken_at=said["taken_at"])


async def test_a_dose_can_be_recorded_some_hours_early_and_not_the_day_before(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident)
    today, tomorrow = await made.doses(resident)
    with pytest.raises(DoseNotOpen) as refused:
        await made.record(resident, tomorrow.id)
    assert refused.value.extensions == {"opens_at": (tomorrow.due_at - rules.EARLY).isoformat()}
    await made.record(resident, today.id)
    clock.set(DUE)
    await run()
    assert await told() == []
    assert await made.states(resident) == ["02 08:30 taken", "03 08:30 scheduled"]


async def test_a_missed_critical_dose_raises_an_alarm(resident: Resident, clock: ManualClock) -> None:
    dose = await due(resident, clock, critical=True)
    clock.set(DUE + made.WINDOW)
    await run()
    assert await alarms() == [("medication", 2, "raised")]
    async with reading() as connection:
        origin = (await connection.execute(sa.text("SELECT origin_kind, origin_id FROM eldercare_alarm_signal"))).one()
    assert tuple(origin) == ("dose", dose.id)


async def test_a_missed_critical_dose_joins_the_open_alarm(resident: Resident, clock: ManualClock) -> None:
    alarm = await eldercare_alarms.raised(resident)
    await due(resident, clock, critical=True)
    clock.set(DUE + made.WINDOW)
    await run()
    assert len(await alarms()) == 1
    assert await eldercare_alarms.kinds(alarm) == ["raised", "joined"]


async def test_the_alarm_and_the_miss_commit_together_or_not_at_all(resident: Resident, clock: ManualClock) -> None:
    dose = await due(resident, clock, critical=True)
    clock.set(DUE + made.WINDOW)

    async def cut_off(session: AsyncSession, ids: Sequence[UUID]) -> None:
        await reminding.close(session, ids)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await drain(jobs.CLOSE, cut_off)
    assert await alarms() == []
    assert (await made.dose(dose.id)).state == "reminded"


async def test_an_alarm_about_doses_ends_when_all_of_them_were_taken(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, critical=True, drug={"name": "Insulin"})
    dose = await due(resident, clock, critical=True)
    [other] = [row for row in await made.doses(resident) if row.due_at == DUE and row.id != dose.id]
    clock.set(DUE + made.WINDOW)
    await run()
    assert await alarms() == [("medication", 2, "raised")]
    await made.record(resident, dose.id)
    assert await alarms() == [("medication", 2, "raised")], "that one was taken says nothing of the other"
    await made.record(resident, other.id)
    assert await alarms() == [("medication", 2, "resolved")]


async def test_an_alarm_ends_when_somebody_who_had_refused_was_persuaded(
    resident: Resident, clock: ManualClock
) -> None:
    dose = await due(resident, clock, critical=True)
    clock.set(DUE + made.WINDOW)
    await run()
    await made.record(resident, dose.id, "skipped", skip_reason="refused")
    assert await alarms() == [("medication", 2, "raised")]
    await made.record(resident, dose.id, confirmed=True)
    assert await alarms() == [("medication", 2, "resolved")]


async def test_an_alarm_about_more_than_doses_goes_on(resident: Resident, clock: ManualClock) -> None:
    await eldercare_alarms.raised(resident)
    dose = await due(resident, clock, critical=True)
    clock.set(DUE + made.WINDOW)
    await run()
    await made.record(resident, dose.id)
    assert [state for _, _, state in await alarms()] == ["raised"]


async def test_other_misses_are_told_to_those_who_may_know_as_one_piece_of_news(
    place: Community, resident: Resident, clock: ManualClock
) -> None:
    daughter = await made.relative(resident)
    await made.relative(resident, name="Neighbour", scopes=["alarms:read"])
    stranger = await identity.account(place, name="Stranger")
    await identity.grant(resident, stranger, ["medication:read"])
    for name in ("Metformin", "Ramipril"):
        await made.regimen(resident, drug={"name": name})
    clock.set(DUE)
    await run()
    clock.set(DUE + made.WINDOW)
    await run()
    news = [row for row in await sent.deliveries() if row.notice_key == "eldercare.doses_missed"]
    assert [row.account_id for row in news] == [daughter.id]
    assert (news[0].variables["doses"], news[0].variables["day"], news[0].urgency) == (2, "2026-03-02", "normal")
    assert await alarms() == []


async def test_only_those_the_regimen_names_are_told(resident: Resident, clock: ManualClock) -> None:
    daughter, son = await made.relative(resident), await made.relative(resident, name="Son")
    await due(resident, clock, told=[str(son.id)])
    clock.set(DUE + made.WINDOW)
    await run()
    news = [row.account_id for row in await sent.deliveries() if row.notice_key == "eldercare.doses_missed"]
    assert news == [son.id]
    assert daughter.id not in news


async def test_news_says_nothing_of_health_on_a_locked_phone(resident: Resident, clock: ManualClock) -> None:
    daughter = await made.relative(resident)
    await sent.phone(daughter)
    await due(resident, clock)
    clock.set(DUE + made.WINDOW)
    await run()
    [message] = [row for row in await sent.outbox() if row.account_id == daughter.id]
    shown = f"{message.title} {message.body}".lower()
    for word in ("metformin", "tablet", "dose", "medic", "pill"):
        assert word not in shown


async def test_whoever_is_in_hospital_is_not_reminded(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, critical=True)
    await check_ins.pause(resident, DUE + timedelta(hours=12), kind="hospital")
    clock.set(DUE)
    await run()
    assert await told() == []
    first = (await made.doses(resident))[0]
    assert (first.state, first.excuse) == ("excused", "hospital")
    clock.set(DUE + timedelta(days=1))
    await run()
    assert await told() == ["dose_reminder"]


async def test_whoever_is_taken_to_hospital_in_the_window_is_excused(resident: Resident, clock: ManualClock) -> None:
    dose = await due(resident, clock, critical=True)
    clock.advance(timedelta(minutes=10))
    await check_ins.pause(resident, DUE + timedelta(days=3), kind="hospital")
    clock.set(DUE + timedelta(minutes=20))
    await run()
    assert await told() == ["dose_reminder"], "the second reminder finds them away"
    clock.set(DUE + made.WINDOW)
    await run()
    stands = await made.dose(dose.id)
    assert (stands.state, stands.excuse) == ("excused", "hospital")
    assert await alarms() == []


async def test_whoever_is_in_hospital_when_the_window_ends_is_excused(resident: Resident, clock: ManualClock) -> None:
    dose = await due(resident, clock, critical=True, reminders=[])
    clock.advance(timedelta(minutes=50))
    await check_ins.pause(resident, DUE + timedelta(days=3), kind="hospital")
    clock.set(DUE + made.WINDOW)
    await run()
    stands = await made.dose(dose.id)
    assert (stands.state, stands.excuse) == ("excused", "hospital")
    assert await alarms() == []


async def test_what_was_due_before_they_were_to_leave_is_missed(resident: Resident, clock: ManualClock) -> None:
    """That somebody planned to leave does not say that they took it first, nor that they left."""
    await made.regimen(resident, critical=True)
    await check_ins.pause(resident, DUE + timedelta(days=3), starts_at=DUE + timedelta(minutes=30))
    for at in (DUE, DUE + timedelta(minutes=20), DUE + made.WINDOW):
        clock.set(at)
        await run()
    assert (await made.doses(resident))[0].state == "missed"
    assert [kind for kind, _, _ in await alarms()] == ["medication"]


async def test_a_late_worker_reminds_nobody_who_has_left(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, critical=True)
    await check_ins.pause(resident, DUE + timedelta(days=3), starts_at=DUE + timedelta(minutes=30))
    clock.set(DUE + timedelta(minutes=40))
    await run()
    assert await told() == []
    assert (await made.doses(resident))[0].state == "excused"


async def test_what_was_taken_although_excused_is_recorded(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident)
    await check_ins.pause(resident, DUE + timedelta(days=3))
    clock.set(DUE)
    await run()
    shown = await made.record(resident, (await made.doses(resident))[0].id)
    assert shown.state == "taken"


async def test_who_needs_no_reminder_gets_none_and_is_missed_all_the_same(
    resident: Resident, clock: ManualClock
) -> None:
    dose = await due(resident, clock, reminds=False, critical=True)
    assert dose.state == "scheduled"
    assert await told() == []
    clock.set(DUE + made.WINDOW)
    await run()
    assert (await made.dose(dose.id)).state == "missed"
    assert await alarms() == [("medication", 2, "raised")]


async def test_a_worker_that_comes_back_too_late_does_not_remind_but_lets_people_know(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident, critical=True)
    clock.set(DUE + timedelta(hours=5))
    await run()
    assert await told() == []
    assert (await made.states(resident))[0] == "02 08:30 missed"
    assert await alarms() == [("medication", 2, "raised")]


async def test_a_worker_that_comes_back_late_in_the_window_leaves_time_to_answer(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident, critical=True)
    clock.set(DUE + timedelta(minutes=58))
    await run()
    assert await told() == ["dose_reminder"]
    clock.set(DUE + timedelta(minutes=62))
    await run()
    assert await alarms() == []
    clock.set(DUE + timedelta(minutes=68))
    await run()
    assert await alarms() == [("medication", 2, "raised")]


async def test_an_outage_in_which_nobody_could_record_is_given_back(resident: Resident, clock: ManualClock) -> None:
    clock.set(DUE)
    await outages.beat(outages.API)
    dose = await due(resident, clock, critical=True, starts_on="2026-03-02", times=["08:30"], dose_window="PT1H")
    clock.set(DUE + timedelta(minutes=50))
    await outages.beat(outages.API)  # back after fifty minutes
    clock.set(DUE + made.WINDOW)
    await run()
    given = await made.dose(dose.id)
    assert (given.state, given.reprieves) == ("reminded", 1)
    assert given.window_ends_at == DUE + made.WINDOW + timedelta(minutes=50)
    assert await alarms() == []
    for minutes in range(50):
        clock.set(DUE + made.WINDOW + timedelta(minutes=minutes))
        await outages.beat(outages.API)
    clock.set(DUE + made.WINDOW + timedelta(minutes=50))
    await run()
    assert (await made.dose(dose.id)).state == "missed"


async def test_an_outage_before_the_first_reminder_is_given_back(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, critical=True)
    clock.set(DUE)
    await outages.beat(outages.API)
    clock.set(DUE + timedelta(minutes=50))
    await outages.beat(outages.API)  # all of us were away; back with ten minutes of the window left
    await run()
    assert await told() == ["dose_reminder"]
    clock.set(DUE + made.WINDOW)
    await run()
    first = (await made.doses(resident))[0]
    assert (first.state, first.window_ends_at) == ("reminded", DUE + made.WINDOW + timedelta(minutes=50))
    assert await alarms() == []


async def test_a_window_that_an_outage_took_whole_is_not_given_back(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, critical=True)
    clock.set(DUE)
    await outages.beat(outages.API)
    clock.set(DUE + timedelta(hours=2))
    await outages.beat(outages.API)
    await run()
    assert await told() == []
    assert await alarms() == [("medication", 2, "raised")]


async def test_a_skipped_critical_dose_is_news_and_no_alarm(resident: Resident, clock: ManualClock) -> None:
    daughter = await made.relative(resident)
    dose = await due(resident, clock, critical=True)
    await made.record(resident, dose.id, "skipped", skip_reason="not_available")
    assert [row.account_id for row in await sent.deliveries() if row.notice_key == "eldercare.doses_missed"] == [
        daughter.id
    ]
    clock.set(DUE + made.WINDOW)
    await run()
    assert await alarms() == []
