"""A trip and its companion are both there or neither, and what becomes of one is told to who counts on the other."""

import asyncio
from datetime import datetime
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.policies.journeys.companions import rules
from app.policies.journeys.companions.models import COMPANIONS
from app.policies.journeys.escorts.rules import EARLY, LEAVES, READY
from community.housekeeping.models import HomeService
from community.orders import jobs as order_jobs
from community.orders.models import ORDERS
from community.trips import jobs as trip_jobs
from community.trips.models import PARTICIPANTS, VOLUNTEERS
from notifications.inbox.models import INBOX
from tests.community.orders.conftest import Body, By, no_drift
from tests.community.trips.conftest import HOUR, MINUTE, Trips, told
from tests.community.trips.conftest import LEAVES as BUS_LEAVES
from tests.factories import identity, sign_in

ORDER = {"offer_version": 1, "total": 24_500, "payment_method": "provider"}
NEEDS = {"needs": {"companion": True}}


@pytest_asyncio.fixture(loop_scope="session")
async def escorts(trips: Trips) -> Trips:
    async with unit_of_work() as session:
        await session.execute(sa.update(table_of(HomeService)).values(category="escort"))
    return trips


def path(trips: Trips) -> str:
    return f"/v1/residents/{trips.scene.grace.id}/accompanied-trips"


def worker(trips: Trips, **changes: Any) -> Body:
    order = ORDER | {"offer_id": str(trips.scene.offer.id)} | changes
    return trips.wish(companion={"kind": "worker", "order": order}, **NEEDS)


def volunteer(trips: Trips, **more: Any) -> Body:
    return trips.wish(companion={"kind": "volunteer"} | more, **NEEDS)


async def accepted(trips: Trips, name: str = "Vera") -> tuple[str, By]:
    """Have somebody offer to accompany, and the organizer accept; return the volunteer and their session."""
    person = await identity.account(trips.scene.place, name=name)
    session = await sign_in.session_of(person)
    await trips.ask("POST", f"/v1/trips/{trips.trip['id']}/volunteering", {}, by=session)
    shown = await trips.ask("GET", f"/v1/trips/{trips.trip['id']}", by=trips.scene.keeper)
    (found,) = [one["id"] for one in shown["volunteers"] if one["account_id"] == str(person.id)]
    await trips.keep(f"volunteers/{found}/decision", {"is_accepted": True})
    return found, session


async def drain() -> None:
    await settle([*RELAY_JOBS, *order_jobs.JOBS, *trip_jobs.JOBS])


async def rows() -> tuple[int, int, int, int]:
    """Return how many go along or try to, and how many orders, links and pairs there are."""
    async with reading() as connection:
        counted = [
            await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in (PARTICIPANTS, ORDERS, COMPANIONS)
        ]
        pairs = sa.select(sa.func.count()).where(VOLUNTEERS.c.participant_id.is_not(None))
        return (*counted, await connection.scalar(pairs) or 0)  # type: ignore[return-value]


async def told_of_orders() -> list[str]:
    async with reading() as connection:
        statement = sa.select(INBOX.c.notice_key).where(INBOX.c.notice_key.like("policies.companion%"))
        return sorted(await connection.scalars(statement))


def test_who_is_fetched_is_at_the_bus_in_time_and_brought_home() -> None:
    found = rules.outing(BUS_LEAVES, BUS_LEAVES + 3 * HOUR, 20 * MINUTE, 30 * MINUTE)
    assert found.starts_at == BUS_LEAVES - EARLY - READY - 20 * MINUTE
    assert found.ends_at == BUS_LEAVES + 3 * HOUR + LEAVES + 30 * MINUTE


async def test_a_seat_and_who_is_ordered_are_both_there(escorts: Trips) -> None:
    found = await escorts.ask("POST", path(escorts), worker(escorts), expect=201)
    participation, order = found["participation"], found["order"]
    assert (participation["state"], participation["companion"]) == ("going", "worker")
    assert (order["state"], order["category"]) == ("placed", "escort")
    fetched, back = (datetime.fromisoformat(order[name]) for name in ("starts_at", "ends_at"))
    assert fetched < BUS_LEAVES < BUS_LEAVES + 3 * HOUR < back
    shown = await escorts.ask("GET", f"/v1/trips/{escorts.trip['id']}")
    assert shown["seats_left"] == 0  # one for each of them
    assert await rows() == (1, 1, 1, 0)
    await no_drift()


async def test_a_volunteer_goes_along_and_hears_with_whom(trips: Trips) -> None:
    await accepted(trips)
    found = await trips.ask("POST", path(trips), volunteer(trips), expect=201)
    assert (found["order"], found["participation"]["volunteer"]) == (None, "Vera")
    assert await rows() == (1, 0, 0, 1)
    assert await told("trip_accompanying") == {"Vera"}
    assert await told("trip_volunteer_new") == {"Nora"}


async def test_what_refuses_one_refuses_both_and_says_which(escorts: Trips) -> None:
    async def refused(body: Body, expect: int = 409) -> tuple[str, str]:
        problem = await escorts.ask("POST", path(escorts), body, expect=expect)
        return problem["refused"], problem["code"]

    assert await refused(worker(escorts, total=1)) == ("companion", "price_changed")
    assert await refused(volunteer(escorts)) == ("companion", "no_volunteer")
    assert await refused(worker(escorts) | {"total": 7, "payment_method": "provider"}) == ("trip", "trip_price_changed")
    vera, _ = await accepted(escorts)
    assert await refused(volunteer(escorts, volunteer_id=str(escorts.scene.ann.id))) == ("companion", "no_volunteer")
    await escorts.joined("Hu")  # one seat is left, and two are wanted
    assert await refused(worker(escorts)) == ("trip", "trip_full")
    assert await refused(volunteer(escorts, volunteer_id=vera)) == ("trip", "trip_full")
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE community_trip_stop SET latitude = NULL, longitude = NULL"))
    await escorts.keep("capacity", {"seats": 9, "wheelchair_places": 0}, method="PUT")
    assert await refused(worker(escorts)) == ("companion", "meeting_point_unknown")
    assert await rows() == (1, 0, 0, 0)
    await no_drift()


async def test_of_two_who_want_the_last_volunteer_one_has_both_and_the_other_nothing(trips: Trips) -> None:
    await trips.planned(seats=8)
    await accepted(trips)
    other, session = await trips.other()
    asked = {trips.scene.grace.id: trips.scene.resident, other.id: session}
    answers = await asyncio.gather(
        *(
            trips.scene.client.post(
                f"/v1/residents/{one}/accompanied-trips", json=volunteer(trips), headers=sign_in.access_headers(by)
            )
            for one, by in asked.items()
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await rows() == (1, 0, 0, 1)
    await no_drift()


async def test_who_does_not_go_along_needs_nobody(escorts: Trips, clock: ManualClock) -> None:
    early = await escorts.ask("POST", path(escorts), worker(escorts), expect=201)
    await escorts.do(early["participation"], "cancellation", {"reason": "unwell"})
    await drain()
    order = await escorts.scene.seen(early["order"])
    assert (order["state"], order["cancel_reason"], order["fee"]) == ("cancelled", "trip", 0)
    assert await told_of_orders() == ["policies.companion_called_off"]

    late = await escorts.ask("POST", path(escorts), worker(escorts), expect=201)
    clock.set(BUS_LEAVES - HOUR * 13)
    await escorts.keep("calling-off", {"reason": "weather"})
    await drain()
    assert (await escorts.scene.seen(late["order"]))["state"] == "placed"
    assert await told_of_orders() == ["policies.companion_called_off", "policies.companion_to_decide"]
    await no_drift()


async def test_a_companion_who_does_not_come_leaves_the_place_and_is_told_of(escorts: Trips) -> None:
    found = await escorts.ask("POST", path(escorts), worker(escorts), by=escorts.scene.daughter, expect=201)
    await escorts.scene.do(found["order"], "cancellation", {"reason": "no_worker"}, by=escorts.scene.keeper)
    await drain()
    assert (await escorts.seen(found["participation"]))["state"] == "going"
    assert await told("trip_companion_gone") == {"Grace", "Ann", "Nora"}


async def test_a_volunteer_who_withdraws_or_is_not_needed_is_told_and_told_of(trips: Trips) -> None:
    _, vera = await accepted(trips)
    await accepted(trips, "Will")
    found = await trips.ask("POST", path(trips), volunteer(trips), expect=201)
    withdrawal = f"/v1/trips/{trips.trip['id']}/volunteering/withdrawal"
    await trips.ask("POST", withdrawal, {}, by=vera)
    await trips.ask("POST", withdrawal, {}, by=vera)
    assert (await trips.seen(found["participation"]))["volunteer"] is None
    assert await told("trip_companion_gone") == {"Grace", "Nora"}

    await trips.do(found["participation"], "cancellation", {"reason": "unwell"})
    again = await trips.ask("POST", path(trips), volunteer(trips), expect=201)
    assert again["participation"]["volunteer"] == "Will"
    await trips.do(again["participation"], "cancellation", {"reason": "unwell"})
    assert await told("trip_not_accompanying") == {"Will"}
    await trips.ask("POST", path(trips), volunteer(trips), expect=201)
    assert await rows() == (3, 0, 0, 1)
