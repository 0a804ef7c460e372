"""Waiting lists: what comes free is held for who waited longest and fits, for a while, and then for the next."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from app.identity.events import ResidentClosed
from app.identity.models import Account, Grant, Resident
from app.reservations.api import resize
from community.ticket_waitlist.models import WAITS
from community.ticket_waitlist.subscribers import follow_closures
from tests.community.ticket_orders.conftest import PRICE, THURSDAY, By, Scene, no_drift, told, work
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.factories import identity, sign_in


async def _waiter(scene: Scene, name: str, quantity: int = 1) -> tuple[Resident, By, str]:
    person = await identity.resident(scene.place, name=name)
    async with unit_of_work() as session:
        by = await sign_in.session_of(await session.get_one(Account, person.account_id))
    slot, product = scene.offered.slots[0], scene.offered.products["adult"]
    body = {"slot_id": str(slot.id), "product_id": str(product.id), "quantity": quantity}
    entry = await scene.ask("POST", f"/v1/residents/{person.id}/ticket-waits", body, by=by, expect=201)
    return person, by, entry["id"]


async def _state(scene: Scene, waiter: tuple[Resident, By, str]) -> str:
    found = await scene.ask("GET", f"/v1/residents/{waiter[0].id}/ticket-waits", by=waiter[1])
    return str(found["items"][0]["state"])


async def test_places_go_to_who_waited_longest_and_fits_and_then_to_the_next(scene: Scene, clock: ManualClock) -> None:
    early = await scene.ask(
        "POST", f"{scene.of}/ticket-waits", {k: v for k, v in scene.item().items() if k != "quantity"}, expect=409
    )
    order = (await scene.bought(scene.item(quantity=5), total=5 * PRICE))["orders"][0]
    many, first, second = await _waiter(scene, "Many", 3), await _waiter(scene, "First"), await _waiter(scene, "Next")
    twice = {"slot_id": str(scene.offered.slots[0].id), "product_id": str(scene.offered.products["adult"].id)}
    again = await scene.ask("POST", f"/v1/residents/{first[0].id}/ticket-waits", twice, by=first[1], expect=409)
    await scene.given_back(order, order["tickets"][0], amount=PRICE)
    nobody_else = await scene.bought(is_another=True, expect=409)
    await work()

    assert (early["code"], again["code"], nobody_else["code"]) == ("places_left", "already_waiting", "pool_exhausted")
    assert [await _state(scene, one) for one in (many, first, second)] == ["waiting", "offered", "waiting"]
    assert await told("ticket_wait_offered") == {"First"}
    clock.advance(timedelta(minutes=30))
    await work()
    assert [await _state(scene, one) for one in (many, first, second)] == ["waiting", "lapsed", "offered"]
    assert await told("ticket_wait_lapsed") == {"First"}

    wish = scene.wish(scene.item(), wait_id=second[2])
    path = f"/v1/residents/{second[0].id}/ticket-carts"
    other = await scene.ask("POST", path, scene.wish(scene.item(slot=1), wait_id=second[2]), by=second[1], expect=409)
    cart = await scene.ask("POST", path, wish, by=second[1], expect=201)
    assert (other["code"], cart["state"], await _state(scene, second)) == ("offer_over", "confirmed", "taken")
    await scene.given_back(order, *order["tickets"][1:4], amount=3 * PRICE)
    assert (await _state(scene, many), await scene.left()) == ("offered", 0)
    await no_drift()


async def test_what_is_given_up_goes_to_the_next_and_more_places_to_all(scene: Scene) -> None:
    await scene.bought(scene.item(quantity=5), total=5 * PRICE)
    waiters = [await _waiter(scene, f"R{number}") for number in range(3)]
    async with unit_of_work() as session:
        await resize(session, scene.offered.slots[0].pool_id, 6)
    await work()
    assert [await _state(scene, one) for one in waiters] == ["offered", "waiting", "waiting"]
    path = f"/v1/ticket-waits/{waiters[0][2]}/withdrawal"
    await scene.ask("POST", path, {}, expect=404)
    await scene.ask("POST", path, {}, by=waiters[0][1])
    assert (await scene.ask("POST", path, {}, by=waiters[0][1]))["state"] == "withdrawn"
    assert [await _state(scene, one) for one in waiters] == ["withdrawn", "offered", "waiting"]


async def test_nobody_waits_for_a_slot_that_is_over_or_called_off(scene: Scene, clock: ManualClock) -> None:
    await scene.bought(scene.item(quantity=5), total=5 * PRICE)
    waiter = await _waiter(scene, "Wait")
    second = await tickets.wait(scene.grace, scene.offered.slots[1], scene.offered.products["adult"])
    path = f"/v1/organizations/{scene.museum.id}/ticket-slots/{scene.offered.slots[0].id}/cancellation"
    await scene.ask("POST", path, {"reason": "weather"}, by=scene.keeper)
    await work()
    clock.set(second.starts_at + timedelta(hours=1))
    await work()

    assert await _state(scene, waiter) == "over"
    mine = await scene.ask("GET", f"{scene.of}/ticket-waits")
    assert [one["state"] for one in mine["items"]] == ["over"]


async def test_two_that_take_up_one_offer_at_once_have_it_once(scene: Scene) -> None:
    order = (await scene.bought(scene.item(quantity=5), total=5 * PRICE))["orders"][0]
    person, by, wait_id = await _waiter(scene, "Quick")
    await scene.given_back(order, order["tickets"][0], amount=PRICE)

    async def take() -> int:
        wish = scene.wish(scene.item(), wait_id=wait_id, is_another=True)
        path = f"/v1/residents/{person.id}/ticket-carts"
        return (await scene.client.post(path, json=wish, headers=sign_in.access_headers(by))).status_code

    assert sorted(await asyncio.gather(take(), take())) == [201, 409]
    assert await scene.left() == 0
    await no_drift()


async def test_what_is_held_for_who_lives_here_no_more_goes_to_the_next(scene: Scene) -> None:
    order = (await scene.bought(scene.item(quantity=5), total=5 * PRICE))["orders"][0]
    gone, late, stays = await _waiter(scene, "Gone"), await _waiter(scene, "Late"), await _waiter(scene, "Stays")
    await scene.given_back(order, order["tickets"][0], amount=PRICE)
    events = [
        ResidentClosed(aggregate_id=person.id, community_id=scene.place.id, reason="moved_out")
        for person, *_ in (gone, late)
    ]
    async with unit_of_work() as session:
        await follow_closures(session, events)

    async with reading() as connection:
        rows = await connection.execute(sa.select(WAITS.c.state).order_by(WAITS.c.id))
        assert list(rows.scalars()) == ["over", "over", "offered"]
    assert (await _state(scene, stays), await scene.left()) == ("offered", 0)
    await no_drift()


async def test_who_asked_is_told_as_long_as_they_may_know(scene: Scene, clock: ManualClock) -> None:
    other = await identity.resident(scene.place, name="Other")
    order = (await tickets.cart(other, scene.offered.slots[0], scene.offered.products["adult"], quantity=5)).orders[0]
    await scene.ask("POST", f"{scene.of}/ticket-waits", scene.item(), by=scene.daughter, expect=201)
    offer = {"ticket_ids": [str(order.tickets[0].id)], "amount": PRICE}
    await scene.ask("POST", f"/v1/ticket-orders/{order.id}/refunds", offer, by=scene.keeper)
    await work()
    async with unit_of_work() as session:
        await session.execute(sa.update(table_of(Grant)).values(revoked_at=clock.now()))
    clock.advance(timedelta(minutes=30))
    await work()

    assert await told("ticket_wait_offered") == {"Grace", "Ann"}
    assert await told("ticket_wait_lapsed") == {"Grace"}


async def test_who_waits_for_a_slot_that_moves_waits_for_it_as_it_is(scene: Scene, clock: ManualClock) -> None:
    await scene.bought(scene.item(quantity=5), total=5 * PRICE)
    waiter = await _waiter(scene, "Wait")
    slot = scene.offered.slots[0]
    times = {"starts_at": THURSDAY + timedelta(days=1), "ends_at": THURSDAY + timedelta(days=1, hours=1)}
    body = {name: at.isoformat() for name, at in times.items()} | {"capacity": 5}
    await scene.ask("PUT", f"/v1/organizations/{scene.museum.id}/ticket-slots/{slot.id}", body, by=scene.keeper)
    await work()
    clock.set(THURSDAY + timedelta(hours=2))
    await work()

    mine = await scene.ask("GET", f"/v1/residents/{waiter[0].id}/ticket-waits", by=waiter[1])
    assert [(one["state"], one["starts_at"]) for one in mine["items"]] == [("waiting", "2026-03-06T01:00:00Z")]


async def test_places_that_a_quota_gives_are_offered_in_every_slot_under_it(scene: Scene) -> None:
    adult = scene.offered.products["adult"]
    quota = await ticketing.quota(
        scene.museum, scene.offered.attraction_id, scene.offered.slots[:2], scope="day", capacity=2
    )
    order = (await scene.bought(scene.item(quantity=2), total=2 * PRICE))["orders"][0]
    person = await identity.resident(scene.place, name="Other")
    wait = await tickets.wait(person, scene.offered.slots[1], adult)
    second = await tickets.wait(person, scene.offered.slots[0], adult)
    body = {"name": quota.name, "capacity": 3}
    path = f"/v1/organizations/{scene.museum.id}/ticket-quotas/{quota.id}"
    await scene.ask("PUT", path, body, by=scene.keeper)
    await work()
    async with reading() as connection:
        offered = set(await connection.scalars(sa.select(WAITS.c.id).where(WAITS.c.state == "offered")))
    assert len(offered) == 1
    await scene.given_back(order, order["tickets"][0], amount=PRICE)
    await work()

    async with reading() as connection:
        offered = set(await connection.scalars(sa.select(WAITS.c.id).where(WAITS.c.state == "offered")))
    assert offered == {wait.id, second.id}
    await no_drift()
