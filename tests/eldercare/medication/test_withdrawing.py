"""A record that was made by mistake: withdrawn, the dose is what it was before, and nobody is forgotten for a tap."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.problems import Forbidden, NotFound
from app.core.relay import RELAY_JOBS
from app.identity.models import Community, Resident
from eldercare.medication import jobs
from eldercare.medication.problems import NothingToWithdraw
from eldercare.medication.schemas.regimens import RegimenStateChange
from eldercare.medication.schemas.stocks import StockWrite
from eldercare.medication.service import regimens, stocks
from eldercare.medication.views import stocks as stock_views
from notifications.sending import jobs as sending
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as made
from tests.factories import identity
from tests.factories import notifications as sent
from tests.factories.sign_in import sign_in_resident

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def alarms() -> int:
    async with reading() as connection:
        return int(await connection.scalar(sa.text("SELECT count(*) FROM eldercare_alarm")) or 0)


async def test_a_tap_by_mistake_does_not_keep_an_alarm_from_being_raised(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident, critical=True)
    dose = (await made.doses(resident))[0]
    clock.set(DUE)
    await settle([*RELAY_JOBS, *jobs.JOBS, *sending.JOBS])
    await made.record(resident, dose.id, note="oh")
    await made.withdraw(resident, dose.id)
    stands = await made.dose(dose.id)
    assert (stands.state, stands.taken_at, stands.recorded_by, stands.note) == ("reminded", None, None, None)
    clock.set(DUE + made.WINDOW)
    await settle(jobs.JOBS)
    assert ((await made.dose(dose.id)).state, await alarms()) == ("missed", 1)


async def test_what_is_withdrawn_after_its_window_is_missed_at_once(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, critical=True)
    dose = (await made.doses(resident))[0]
    clock.set(DUE)
    await settle(jobs.JOBS)
    await made.record(resident, dose.id, "skipped", skip_reason="other")
    clock.set(DUE + timedelta(hours=5))
    await made.withdraw(resident, dose.id)
    await settle(jobs.JOBS)
    assert ((await made.dose(dose.id)).state, await alarms()) == ("missed", 1)


async def test_what_was_recorded_early_is_reminded_of_after_all(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    await made.record(resident, dose.id)
    await made.withdraw(resident, dose.id)
    assert (await made.dose(dose.id)).state == "scheduled"
    clock.set(DUE)
    await settle(jobs.JOBS)
    assert [row.notice_key for row in await sent.deliveries()] == ["eldercare.dose_reminder"]


async def test_an_early_record_withdrawn_after_a_change_leaves_what_the_plan_says_now(
    resident: Resident, clock: ManualClock
) -> None:
    regimen = await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    await made.record(resident, dose.id)
    await made.change(resident, regimen.id, times=["09:00"])
    await made.withdraw(resident, dose.id)
    await settle(jobs.JOBS)
    assert await made.states(resident) == ["02 09:00 scheduled", "03 09:00 scheduled"]


async def test_an_early_record_withdrawn_after_a_change_of_the_amount_is_of_the_new_one(
    resident: Resident, clock: ManualClock
) -> None:
    regimen = await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    await made.record(resident, dose.id)
    await made.change(resident, regimen.id, quantity=2)
    await made.withdraw(resident, dose.id)
    await settle(jobs.JOBS)
    assert [(row.state, row.quantity) for row in await made.doses(resident)] == [("scheduled", Decimal(2))] * 2


async def test_an_early_record_withdrawn_in_a_pause_does_not_stand_in_the_way_when_it_ends(
    resident: Resident, clock: ManualClock
) -> None:
    regimen = await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    await made.record(resident, dose.id)
    await set_state(resident, regimen.id, "paused")
    await made.withdraw(resident, dose.id)
    assert await made.states(resident) == []
    await set_state(resident, regimen.id, "active")
    assert await made.states(resident) == ["02 08:30 scheduled", "03 08:30 scheduled"]


async def set_state(resident: Resident, regimen_id: UUID, state: Literal["active", "paused"]) -> None:
    subject, data = await made.subject_of(resident), RegimenStateChange(state=state)
    async with unit_of_work() as session:
        await regimens.set_state(session, made.self_actor(resident), subject, regimen_id, data, None)


async def test_what_was_excused_is_excused_again(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident)
    await check_ins.pause(resident, DUE + timedelta(days=1))
    clock.set(DUE)
    await settle(jobs.JOBS)
    dose = (await made.doses(resident))[0]
    await made.record(resident, dose.id)
    await made.withdraw(resident, dose.id)
    assert ((await made.dose(dose.id)).state, (await made.dose(dose.id)).excuse) == ("excused", "away")


async def test_what_was_taken_as_needed_never_was_and_is_there_again(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    subject = await made.subject_of(resident)
    async with unit_of_work() as session:
        data = StockWrite(on_hand=Decimal(10))
        await stocks.count(session, made.self_actor(resident), subject, regimen.id, data, None)
    taken = await made.take(resident, regimen.id)
    await made.withdraw(resident, taken.id)
    assert await made.doses(resident) == []
    async with reading() as connection:
        assert (await stock_views.stock(connection, resident.id, regimen.id)).on_hand == 10
    await made.take(resident, regimen.id)


async def test_only_who_recorded_it_and_the_resident_withdraw(resident: Resident, clock: ManualClock) -> None:
    daughter, son = await made.relative(resident), await made.relative(resident, name="Son")
    await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    with pytest.raises(NothingToWithdraw):
        await made.withdraw(resident, dose.id)
    await made.record(resident, dose.id, by=daughter)
    with pytest.raises(Forbidden):
        await made.withdraw(resident, dose.id, by=son)
    await made.withdraw(resident, dose.id, by=daughter)
    await made.record(resident, dose.id, by=daughter)
    await made.withdraw(resident, dose.id)
    await made.record(resident, dose.id)
    clock.advance(timedelta(hours=25))
    with pytest.raises(NothingToWithdraw):
        await made.withdraw(resident, dose.id)


async def test_withdrawing_over_http(
    client: httpx.AsyncClient, place: Community, resident: Resident, clock: ManualClock
) -> None:
    headers = await sign_in_resident(resident)
    await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    url = f"/v1/me/doses/{dose.id}/record"
    nothing = await client.delete(url, headers=headers)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_withdraw")
    await client.post(url, json={"status": "taken"}, headers=headers)
    assert (await client.delete(url, headers=headers)).status_code == 204
    neighbour = await identity.resident(place, name="Walter", phone="+8613800000009")
    with pytest.raises(NotFound):
        await made.withdraw(neighbour, dose.id)
