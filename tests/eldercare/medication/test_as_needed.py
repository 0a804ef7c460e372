"""What is taken as needed: recorded as it happens, with warnings by the regimen's own interval and maximum."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import ManualClock
from app.core.problems import Malformed, NotFound
from app.identity.models import Community, Resident
from eldercare.medication import jobs, rules
from eldercare.medication.problems import DailyMaximumReached, DoseTooSoon, NotAsNeeded
from tests.factories import eldercare_medication as made
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database", "subscribed")


async def test_nothing_is_planned_and_each_dose_is_recorded(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    assert await jobs.plan() == 0
    assert await made.doses(resident) == []
    shown = await made.take(resident, regimen.id, note="headache")
    assert (shown.kind, shown.state, shown.due_at, shown.quantity) == ("as_needed", "taken", clock.now(), Decimal(1))
    assert (shown.critical, shown.late, shown.confirmed) == (False, False, False)


async def test_too_soon_is_a_warning_that_says_until_when(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    first = await made.take(resident, regimen.id)
    clock.advance(timedelta(hours=3, minutes=59))
    with pytest.raises(DoseTooSoon) as warned:
        await made.take(resident, regimen.id)
    assert first.taken_at is not None
    assert warned.value.extensions == {"not_before": (first.taken_at + timedelta(hours=4)).isoformat()}
    assert len(await made.doses(resident)) == 1
    taken_all_the_same = await made.take(resident, regimen.id, confirmed=True)
    assert taken_all_the_same.confirmed
    clock.advance(timedelta(hours=4))
    await made.take(resident, regimen.id)


async def test_the_same_dose_sent_twice_is_one(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    moment = clock.now().isoformat()
    first = await made.take(resident, regimen.id, taken_at=moment, confirmed=True)
    clock.advance(timedelta(minutes=1))
    assert await made.take(resident, regimen.id, taken_at=moment, confirmed=True) == first
    assert await made.take(resident, regimen.id, taken_at=moment) == first


async def test_the_maximum_holds_for_any_24_hours(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    for _ in range(3):
        await made.take(resident, regimen.id)
        clock.advance(timedelta(hours=7))
    with pytest.raises(DailyMaximumReached) as warned:
        await made.take(resident, regimen.id)
    assert warned.value.extensions == {"daily_maximum": 3.0, "unit": "{tablet}"}
    clock.advance(timedelta(hours=3))
    await made.take(resident, regimen.id)
    with pytest.raises((DailyMaximumReached, DoseTooSoon)):
        await made.take(resident, regimen.id, quantity=3, confirmed=False)


async def test_planned_doses_of_the_same_drug_count(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, drug={"name": "paracetamol"})
    regimen = await made.regimen(resident, body=made.AS_NEEDED, allow_overlap=True)
    await made.record(resident, (await made.doses(resident))[0].id)
    with pytest.raises(DoseTooSoon):
        await made.take(resident, regimen.id)


async def test_a_planned_dose_right_after_one_that_was_needed_is_a_warning(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident, drug={"name": "paracetamol"})
    other = await made.regimen(resident, drug={"name": "ramipril"})
    regimen = await made.regimen(resident, body=made.AS_NEEDED, allow_overlap=True)
    planned = {dose.regimen_id: dose.id for dose in reversed(await made.doses(resident))}
    needed = await made.take(resident, regimen.id)
    assert needed.taken_at is not None
    clock.advance(timedelta(minutes=10))
    (dose_id,) = [one for of, one in planned.items() if of not in (other.id, regimen.id)]
    with pytest.raises(DoseTooSoon) as warned:
        await made.record(resident, dose_id)
    assert warned.value.extensions == {"not_before": (needed.taken_at + timedelta(hours=4)).isoformat()}
    assert (await made.dose(dose_id)).state == "scheduled"
    await made.record(resident, planned[other.id])  # another drug
    assert (await made.record(resident, dose_id, confirmed=True)).confirmed


async def test_a_planned_dose_counts_towards_the_maximum_of_what_is_needed(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident, drug={"name": "paracetamol"})
    (dose, _) = await made.doses(resident)
    regimen = await made.regimen(resident, body=made.AS_NEEDED, allow_overlap=True)
    await made.take(resident, regimen.id, quantity=3)
    clock.advance(timedelta(hours=4))
    with pytest.raises(DailyMaximumReached):
        await made.record(resident, dose.id)
    await made.record(resident, dose.id, status="skipped", skip_reason="refused")


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 4)), max_size=6),
    st.integers(0, 3000),
    st.integers(1, 1440),
    st.integers(1, 12),
)
def test_whatever_is_warned_of_one_way_is_warned_of_the_other(
    taken: list[tuple[int, int]], at: int, interval: int, most: int
) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    min_interval, maximum = timedelta(minutes=interval), Decimal(most)
    needed = [
        rules.Needed(start + timedelta(minutes=minute), Decimal(count), min_interval, maximum)
        for minute, count in taken
    ]
    dose = rules.Taken(start + timedelta(minutes=at), Decimal(1))
    near = any(abs(one.at - dose.at) < rules.A_DAY for one in needed)
    verdict = rules.as_needed(needed, dose, min_interval, maximum)
    assert rules.beside_needed(needed, dose) == (verdict if near else "fine")


async def test_only_what_is_agreed_as_needed_is_taken_so(resident: Resident, clock: ManualClock) -> None:
    planned = await made.regimen(resident)
    with pytest.raises(NotAsNeeded):
        await made.take(resident, planned.id)
    draft = await made.regimen(resident, body=made.AS_NEEDED, state="draft")
    with pytest.raises(NotAsNeeded):
        await made.take(resident, draft.id)
    over = await made.regimen(resident, body=made.AS_NEEDED, drug={"name": "Ibuprofen"}, ends_on="2026-03-01")
    with pytest.raises(NotAsNeeded):
        await made.take(resident, over.id)


async def test_nobody_takes_by_somebody_elses_regimen(place: Community, resident: Resident, clock: ManualClock) -> None:
    neighbour = await identity.resident(place, name="Walter")
    regimen = await made.regimen(neighbour, body=made.AS_NEEDED)
    with pytest.raises(NotFound):
        await made.take(resident, regimen.id)


@pytest.mark.parametrize("hours", [-1, 24 * 7 + 1])
async def test_a_time_that_cannot_be_is_refused(resident: Resident, clock: ManualClock, hours: int) -> None:
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    with pytest.raises(Malformed):
        await made.take(resident, regimen.id, taken_at=(clock.now() - timedelta(hours=hours)).isoformat())
