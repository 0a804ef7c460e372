"""What is left: counted, used up dose by dose, refilled, and told of in time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.identity.models import Resident
from eldercare.medication import jobs
from eldercare.medication.models import Regimen
from eldercare.medication.problems import StockNotKept
from eldercare.medication.schemas.regimens import RegimenStateChange
from eldercare.medication.schemas.stocks import Refill, StockPublic, StockWrite
from eldercare.medication.service import regimens, stocks
from eldercare.medication.views import stocks as views
from tests.factories import eldercare_medication as made
from tests.factories import notifications as sent

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def count(resident: Resident, regimen: Regimen, on_hand: float, remind_days: int = 7) -> None:
    subject, data = await made.subject_of(resident), StockWrite(on_hand=Decimal(str(on_hand)), remind_days=remind_days)
    async with unit_of_work() as session:
        await stocks.count(session, made.self_actor(resident), subject, regimen.id, data, None)


async def refill(resident: Resident, regimen: Regimen, quantity: float) -> None:
    subject = await made.subject_of(resident)
    async with unit_of_work() as session:
        data = Refill(quantity=Decimal(str(quantity)))
        await stocks.refill(session, made.self_actor(resident), subject, regimen.id, data)


async def left(resident: Resident, regimen: Regimen) -> StockPublic:
    async with reading() as connection:
        return await views.stock(connection, resident.id, regimen.id)


async def reminders() -> list[object]:
    return [row.account_id for row in await sent.deliveries() if row.notice_key == "eldercare.refill_due"]


async def take_next(resident: Resident, **more: Any) -> None:
    dose = next(row for row in await made.doses(resident) if row.state in ("scheduled", "reminded"))
    await made.record(resident, dose.id, **more)


async def test_what_is_taken_is_used_up(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, quantity=1.5)
    await count(resident, regimen, 30)
    await take_next(resident)
    assert (await left(resident, regimen)).on_hand == Decimal("28.5")
    clock.set(DUE + timedelta(days=1))
    await take_next(resident, quantity=3)
    assert (await left(resident, regimen)).on_hand == Decimal("25.5")


async def test_what_is_skipped_or_missed_is_still_there(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident)
    await count(resident, regimen, 30)
    first = (await made.doses(resident))[0]
    await made.record(resident, first.id, "skipped", skip_reason="refused")
    clock.set(DUE + timedelta(days=1, hours=2))
    await settle(jobs.JOBS)
    assert (await left(resident, regimen)).on_hand == 30


async def test_a_wrong_count_never_becomes_less_than_nothing(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, quantity=2)
    await count(resident, regimen, 1)
    await take_next(resident)
    assert (await left(resident, regimen)).on_hand == 0


async def test_people_are_told_in_time_once_and_again_after_a_refill(resident: Resident, clock: ManualClock) -> None:
    daughter = await made.relative(resident)
    regimen = await made.regimen(resident)
    await count(resident, regimen, 10, remind_days=3)
    assert (await left(resident, regimen)).runs_out_at == DUE + timedelta(days=10)
    await settle(jobs.JOBS)
    assert await reminders() == []
    for day in range(7):
        clock.set(DUE + timedelta(days=day))
        await settle(jobs.JOBS)
        await take_next(resident)
    assert await reminders() == []
    clock.advance(timedelta(days=1))
    await settle(jobs.JOBS)
    assert sorted(map(str, set(await reminders()))) == sorted(map(str, {resident.account_id, daughter.id}))
    told = len(await reminders())
    clock.advance(timedelta(days=1))
    await settle(jobs.JOBS)
    assert len(await reminders()) == told, "once is enough"
    await refill(resident, regimen, 0.5)
    await settle(jobs.JOBS)
    assert len(await reminders()) == 2 * told, "what was brought does not last long"
    await refill(resident, regimen, 90)
    clock.advance(timedelta(days=2))
    await settle(jobs.JOBS)
    assert len(await reminders()) == 2 * told


async def test_what_lasts_for_months_has_no_end_in_sight(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident)
    await count(resident, regimen, 1000)
    assert (await left(resident, regimen)).runs_out_at is None


async def test_the_day_it_lasts_until_is_one_of_the_resident(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, times=["06:30"], time_zone="Asia/Shanghai")  # 22:30 the day before in UTC
    await count(resident, regimen, 1)
    await settle(jobs.JOBS)
    [told] = [row for row in await sent.deliveries() if row.notice_key == "eldercare.refill_due"]
    ends = (await left(resident, regimen)).runs_out_at
    assert ends is not None
    assert told.variables["day"] == ends.astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()


async def test_what_is_hardly_ever_used_lasts(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, body=made.AS_NEEDED, quantity=0.0001)
    await count(resident, regimen, 99_999)
    await made.take(resident, regimen.id)
    assert (await left(resident, regimen)).runs_out_at is None


async def test_what_is_taken_as_needed_runs_out_as_it_was_used(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    await count(resident, regimen, 12)
    for _ in range(2):
        await made.take(resident, regimen.id)
        clock.advance(timedelta(hours=8))
    shown = await left(resident, regimen)
    assert shown.on_hand == 10
    assert shown.runs_out_at is None  # two in thirty days: it lasts for 150
    for _ in range(8):
        clock.advance(timedelta(hours=8))
        await made.take(resident, regimen.id)
    shown = await left(resident, regimen)
    assert (shown.on_hand, shown.runs_out_at) == (Decimal(2), clock.now() + timedelta(days=6))


async def test_a_stock_must_be_counted_before_it_is_refilled(resident: Resident) -> None:
    regimen = await made.regimen(resident)
    with pytest.raises(StockNotKept):
        await refill(resident, regimen, 30)
    await count(resident, regimen, 0)
    await refill(resident, regimen, 30)
    assert (await left(resident, regimen)).on_hand == 30
    await made.change(resident, regimen.id, unit="mL", quantity=5)
    with pytest.raises(StockNotKept):
        await refill(resident, regimen, 30)


async def test_nobody_is_told_of_what_is_not_taken_any_more(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident)
    await count(resident, regimen, 1)
    subject, data = await made.subject_of(resident), RegimenStateChange(state="stopped")
    async with unit_of_work() as session:
        await regimens.set_state(session, made.self_actor(resident), subject, regimen.id, data, None)
    clock.advance(timedelta(days=2))
    await settle(jobs.JOBS)
    assert await reminders() == []
