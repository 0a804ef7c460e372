"""A trip that costs something: held until it is paid, given back by rule, and all of it where the trip is off."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.api import charges_for
from app.billing.authorizations import jobs as billing_jobs
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.due import drain
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from community.trips import jobs
from community.trips.rules import HOLD, REFERENCE
from community.trips.service import cancelling
from tests.community.orders.conftest import Body, By, account_of
from tests.community.orders.test_paying import card_of
from tests.community.trips.conftest import DAY, LEAVES, Trips, facts, no_drift, told, work

PRICE = 9_900


async def settled() -> None:
    """Run what the worker does for trips and their money until nothing is left to do."""
    await settle([*RELAY_JOBS, *billing_jobs.JOBS, *jobs.JOBS])


async def priced(trips: Trips, **changes: Any) -> None:
    await trips.planned(price=PRICE, tax_rate=600, notice_period="P2D", late_percent=30, **changes)


async def paid(trips: Trips, last4: str = "4242", **changes: Any) -> Body:
    """Have Grace sign up with her card."""
    card = await card_of((await account_of(trips.scene.grace)).id, trips.scene.place.id, last4)
    return await trips.join(total=PRICE, payment_method="card", payment_method_id=card, **changes)


async def money(participation: Body) -> tuple[int, int, int]:
    """Return what is owed in all, what of it was waived, and what is paid."""
    async with reading() as connection:
        charge = (await charges_for(connection, REFERENCE, [UUID(participation["id"])]))[UUID(participation["id"])]
    return charge.amount, charge.credited_amount, charge.paid_amount


async def test_a_card_holds_the_place_until_the_bank_has_answered_and_pays_it(trips: Trips) -> None:
    await priced(trips)
    found = await paid(trips)
    assert (found["state"], found["total"]) == ("held", PRICE)
    assert (await trips.ask("GET", f"/v1/trips/{trips.trip['id']}"))["seats_left"] == 1
    await settled()
    assert (await trips.seen(found))["state"] == "going"
    assert await money(found) == (PRICE, 0, PRICE)
    assert await told("trip_confirmed") == {"Grace"}
    await no_drift()


async def test_a_declined_card_is_told_and_the_place_goes_to_the_next(trips: Trips, clock: ManualClock) -> None:
    await priced(trips, seats=1)
    found = await paid(trips, "9995")
    row, session = await trips.other()
    waits = await trips.join(row, by=session, total=PRICE, payment_method="provider", waits=True)
    await settled()
    assert ((await trips.seen(found))["state"], await told("trip_payment_failed")) == ("held", {"Grace"})
    clock.advance(HOLD)
    assert (await trips.seen(found))["state"] == "expired"
    await settled()
    assert await told("trip_expired") == {"Grace"}
    assert (await trips.seen(waits))["state"] == "offered"
    assert (await trips.do(waits, "acceptance", by=session))["state"] == "going"
    assert await money(waits) == (PRICE, 0, 0)
    await no_drift()


async def test_money_that_comes_after_the_hold_is_let_go_again(trips: Trips, clock: ManualClock) -> None:
    await priced(trips)
    found = await paid(trips)
    clock.advance(HOLD + DAY / 24)
    await work()
    await settled()
    assert (await trips.seen(found))["state"] == "expired"
    assert await told("trip_confirmed") == set()
    await no_drift()


@pytest.mark.parametrize(("late", "fee"), [(False, 0), (True, PRICE * 30 // 100)])
async def test_calling_off_in_time_costs_nothing_and_later_what_was_agreed(
    trips: Trips, clock: ManualClock, late: bool, fee: int
) -> None:
    await priced(trips)
    found = await paid(trips)
    await settled()
    clock.set(LEAVES - 2 * DAY)
    clock.advance(DAY / 24 if late else DAY * 0)
    ended = await trips.do(found, "cancellation", {"reason": "unwell"})
    await settled()
    assert (ended["state"], ended["fee"]) == ("cancelled", fee)
    assert await money(found) == (PRICE, PRICE - fee, fee)
    assert await told("trip_cancelled") == {"Nora"}


async def test_the_organizers_own_calling_off_costs_nobody_anything(trips: Trips, clock: ManualClock) -> None:
    await priced(trips)
    found = await paid(trips)
    await settled()
    clock.set(LEAVES - DAY)
    ended = await trips.do(found, "cancellation", {"reason": "not_suitable"}, by=trips.scene.keeper)
    await settled()
    assert ended["fee"] == 0
    assert await money(found) == (PRICE, PRICE, 0)


async def joined(trips: Trips, count: int) -> list[tuple[Body, By]]:
    """Have others sign up who pay the organizer."""
    return [
        await trips.joined(f"R{number}", total=PRICE, payment_method="provider", waits=True) for number in range(count)
    ]


async def test_a_trip_that_is_off_tells_and_pays_back_everybody_once_however_often_the_job_stops(
    trips: Trips, clock: ManualClock
) -> None:
    await priced(trips, seats=4)
    people = [await paid(trips), *(one for one, _ in await joined(trips, 4))]
    await settled()
    assert [(await trips.seen(one))["state"] for one in people] == ["going"] * 4 + ["waiting"]
    clock.set(LEAVES - DAY)
    shown = await trips.keep("calling-off", {"reason": "weather"})
    assert (shown["state"], shown["call_off_reason"]) == ("called_off", "weather")
    await trips.keep("calling-off", {"reason": "other"})
    refused = await trips.do(people[0], "cancellation", {"reason": "unwell"}, expect=409)
    assert refused["code"] == "trip_not_open"
    batches = 0

    async def stops(session: AsyncSession, ids: Sequence[UUID]) -> None:
        nonlocal batches
        batches += 1
        await cancelling.call_off(session, ids)
        if batches == 2:
            raise ConnectionError("the database went away")

    with pytest.raises(ConnectionError):
        await drain(jobs.CALL_OFF, stops, batch=2)
    states = [(await trips.seen(one))["state"] for one in people]
    assert sorted(states) == ["called_off", "called_off", "going", "going", "waiting"]
    await settled()
    assert [(await trips.seen(one))["state"] for one in people] == ["called_off"] * 5
    assert [await money(one) for one in people[:4]] == [(PRICE, PRICE, 0)] * 4
    assert await told("trip_called_off") == {"Grace", "R0", "R1", "R2", "R3"}
    assert await told("trip_off") == {"Li Mei"}
    assert (await facts(people[0])).count("trip_participation_ended") == 1
    assert await told("trip_offered") == set()
    await trips.join(expect=409)
    await no_drift()


async def test_a_card_that_is_authorized_after_the_trip_was_called_off_is_let_go(trips: Trips) -> None:
    await priced(trips)
    found = await paid(trips)
    await trips.keep("calling-off", {"reason": "no_bus"})
    await settled()
    assert (await trips.seen(found))["state"] == "called_off"
    async with reading() as connection:
        assert await charges_for(connection, REFERENCE, [UUID(found["id"])]) == {}
    await no_drift()
