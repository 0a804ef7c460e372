"""On the day: checking off stops, being late, crowded and closed places, slots off or moved, tickets won and lost."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.events import emit
from community.attractions.models import AttractionClosing
from community.attractions.service.crowd import note_crowd
from community.events import (
    AttractionClosed,
    SlotCancelled,
    SlotMoved,
    TicketAdmitted,
    TicketOrderCancelled,
    TicketOrderConfirmed,
)
from community.itineraries.models import STOPS
from community.itineraries.rules.standing import Leg, StopState, looks, outlook, tag
from community.ticket_orders.models import TICKETS
from community.ticketing.models import TicketSlot
from tests.community.itineraries.conftest import Body, Scene, at, told, work
from tests.community.itineraries.outings import MINUTE
from tests.factories import identity, sign_in

pytestmark = pytest.mark.asyncio(loop_scope="session")


def place_of(plan: Body, name: str) -> int:
    return next(number for number, one in enumerate(plan["stops"]) if one["name"]["en"] == name)


def leg(number: int, hour: float, state: StopState = "ahead", checked: float | None = None) -> Leg:
    """Return an hour's visit that is a quarter of an hour away, with half an hour to go in."""
    begins = at(hour)
    return Leg(
        uuid.UUID(int=number),
        state,
        begins - 15 * MINUTE,
        15 * MINUTE,
        begins,
        begins + 30 * MINUTE,
        begins + 60 * MINUTE,
        10 * MINUTE,
        None if checked is None else at(checked),
    )


async def test_who_is_held_up_is_expected_later_and_rests_all_the_same() -> None:
    legs = [leg(1, 10, "arrived", 10.5), leg(2, 11.5), leg(3, 14)]
    late, then = outlook(legs, at(10.75))
    # There until half past eleven, ten minutes to sit down, a quarter of an hour on the way.
    assert (late.leaves_for_at, late.arrives_at, late.is_reachable) == (
        at(11.5) + 10 * MINUTE,
        at(11.5) + 25 * MINUTE,
        True,
    )
    assert then.enters_at == at(14)
    held = [leg(1, 10, "arrived", 11), leg(2, 11.5), leg(3, 14)]
    missed, then = outlook(held, at(11))
    assert (missed.is_reachable, then.is_reachable) == (False, True)
    gone = [leg(1, 10, "left", 11.1), leg(2, 11.5)]
    assert outlook(gone, at(11.9))[0].is_reachable


async def test_somebody_looks_before_each_stop_and_when_it_is_too_late_for_it() -> None:
    legs = [leg(1, 10), leg(2, 12, "skipped"), leg(3, 14)]
    first, *_ = looks(legs, [])
    assert first == (at(10) - 45 * MINUTE, "crowd", uuid.UUID(int=1))
    hinted = [tag(what, stop_id) for _, what, stop_id in looks(legs, [])]
    assert len(hinted) == 4
    assert looks(legs, hinted) == []


async def test_who_cannot_be_in_time_is_told_what_can_be_done(scene: Scene, clock: ManualClock) -> None:
    plan = await scene.booked(await scene.planned(by=scene.daughter), by=scene.daughter)
    museum = plan["stops"][place_of(plan, "Silk Museum")]
    clock.set(at(8.5))
    await work()
    assert await told("itinerary_late_later") == []
    # Nobody says anything, and the time to set out for the museum passes: one goes in until eleven.
    assert museum["enter_until"] == at(11).isoformat().replace("+00:00", "Z")
    clock.set(at(10.95))
    path = f"/v1/itineraries/{plan['id']}/outlook"
    stood = await scene.ask("GET", path)
    late = next(one for one in stood["stops"] if one["stop_id"] == museum["id"])
    assert (stood["is_late"], late["is_reachable"]) == (True, False)
    assert late["can"] == ["go_later", "leave_out", "plan_anew"]
    assert late["later"][0]["slot_id"] == str(scene.slots[1].id)
    await work()
    await work()
    # Of the temple, which has no later slot, and of the museum: each of them once, to whoever goes and whoever planned.
    assert await told("itinerary_late_later") == ["Ann", "Grace"]
    assert await told("itinerary_late") == ["Ann", "Grace"]


async def test_whoever_checks_off_a_stop_hears_how_the_day_stands(scene: Scene, clock: ManualClock) -> None:
    plan = await scene.planned()
    clock.set(at(10))
    stood = await scene.check(plan, 0, "arrived")
    assert plan["stops"][0]["id"] not in [one["stop_id"] for one in stood["stops"]]
    stood = await scene.check(plan, 1, "arrived")
    states = [one["state"] for one in (await scene.seen(plan))["stops"]]
    assert states == ["left", "arrived", "ahead"]
    again = f"/v1/itineraries/{plan['id']}/stops/{plan['stops'][0]['id']}/check"
    assert (await scene.ask("POST", again, {"state": "skipped"}, expect=409))["code"] == "stop_not_ahead"
    await scene.check(plan, 2, "skipped")
    clock.set(at(17.5))
    await work()
    assert (await scene.seen(plan))["state"] == "over"


async def test_a_companion_is_told_too_and_checks_off(scene: Scene, clock: ManualClock) -> None:
    plan = await scene.planned()
    mei = await identity.account(scene.place, name="Mei", phone="+8613800000009")
    along = await sign_in.session_of(mei)
    await scene.ask("POST", f"/v1/itineraries/{plan['id']}/companions", {"account_id": str(mei.id)}, expect=204)
    async with unit_of_work() as session:
        await note_crowd(session, scene.museum.id, 25, at(8))
    museum = place_of(plan, "Silk Museum")
    clock.set(at(0) + _since_midnight(plan["stops"][museum]["leaves_for_at"]) - timedelta(minutes=20))
    await work()
    assert "Mei" in await told("itinerary_crowded")
    assert len(await told("itinerary_crowded")) == 2
    await scene.check(plan, 0, "arrived", by=along)


def _since_midnight(instant: str) -> timedelta:
    return datetime.fromisoformat(instant) - at(0)


async def test_who_goes_to_a_closed_place_is_told_once(scene: Scene) -> None:
    await scene.planned()
    async with unit_of_work() as session:
        closing = AttractionClosing(
            community_id=scene.place.id, attraction_id=scene.museum.id, starts_at=at(8), ends_at=at(18)
        )
        session.add(closing)
        for _ in range(2):
            await emit(
                session,
                AttractionClosed(
                    aggregate_id=scene.museum.id,
                    community_id=scene.place.id,
                    organization_id=scene.keeper.id,
                    closing_id=closing.id,
                    starts_at=closing.starts_at,
                    ends_at=closing.ends_at,
                ),
            )
    await work()
    assert len(await told("itinerary_closed")) == 1
    assert (await scene.planned())["left_out"][0]["why"] == "closed"


async def test_a_slot_that_is_moved_or_off_is_followed(scene: Scene) -> None:
    plan = await scene.booked(await scene.planned())
    museum = plan["stops"][place_of(plan, "Silk Museum")]
    slot = next(one for one in scene.slots if str(one.id) == museum["slot_id"])
    about: dict[str, Any] = {"community_id": scene.place.id, "organization_id": scene.keeper.id}
    async with unit_of_work() as session:
        kept = await session.get_one(TicketSlot, slot.id)
        kept.starts_at, kept.ends_at = kept.starts_at + timedelta(hours=1), kept.ends_at + timedelta(hours=1)
        kept.entry_until = kept.entry_until + timedelta(hours=1)
        moved: dict[str, Any] = {"was_starts_at": slot.starts_at, "was_ends_at": slot.ends_at}
        await emit(session, SlotMoved(aggregate_id=slot.id, attraction_id=scene.museum.id, **about, **moved))
        off = SlotCancelled(aggregate_id=scene.morning[0].id, attraction_id=scene.temple.id, reason="weather", **about)
        await emit(session, off)
    await work()
    seen = await scene.seen(plan)
    after = seen["stops"][place_of(seen, "Silk Museum")]
    assert after["enters_at"] > museum["enters_at"]
    assert seen["stops"][place_of(seen, "Cloud Temple")]["state"] == "off"
    assert (len(await told("itinerary_slot_moved")), len(await told("itinerary_slot_off"))) == (1, 1)


async def test_tickets_that_are_lost_or_used_are_followed(scene: Scene, clock: ManualClock) -> None:
    plan = await scene.booked(await scene.planned())
    museum = plan["stops"][place_of(plan, "Silk Museum")]
    temple = plan["stops"][place_of(plan, "Cloud Temple")]
    about: dict[str, Any] = {"community_id": scene.place.id, "resident_id": scene.grace.id}
    order = uuid.UUID(museum["order_id"])
    clock.set(at(10))
    async with unit_of_work() as session:
        await emit(
            session,
            TicketAdmitted(
                aggregate_id=uuid.UUID(int=7), order_id=order, slot_id=uuid.UUID(temple["slot_id"]), **about
            ),
        )
    await work()
    seen = await scene.seen(plan)
    assert seen["stops"][place_of(seen, "Cloud Temple")]["state"] == "arrived"
    # As if a bank had taken its time: what is confirmed later is booked then.
    async with unit_of_work() as session:
        await session.execute(sa.update(STOPS).where(STOPS.c.order_id == order).values(booking="held"))
        await emit(
            session,
            TicketOrderConfirmed(
                aggregate_id=order, organization_id=scene.keeper.id, cart_id=uuid.UUID(int=9), **about
            ),
        )
    await work()
    assert {one["booking"] for one in (await scene.seen(plan))["stops"] if one["slot_id"]} == {"booked"}
    async with unit_of_work() as session:
        given_back = sa.update(TICKETS).where(TICKETS.c.slot_id == uuid.UUID(museum["slot_id"]))
        await session.execute(given_back.values(state="refunded", closed_at=at(10)))
        await emit(
            session,
            TicketOrderCancelled(
                aggregate_id=order,
                organization_id=scene.keeper.id,
                cart_id=uuid.UUID(int=9),
                reason="payment_lapsed",
                **about,
            ),
        )
    await work()
    seen = await scene.seen(plan)
    assert seen["stops"][place_of(seen, "Silk Museum")]["booking"] == "lost"
    assert seen["stops"][place_of(seen, "Cloud Temple")]["booking"] == "booked", "its tickets are good"
    assert len(await told("itinerary_tickets_lost")) == 1
