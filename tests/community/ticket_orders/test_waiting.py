"""Waiting lists: what comes free is held for who waited longest and fits, for a while, and then for the next."""

import asyncio
from datetime import timedelta

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Account, Resident
from app.reservations.api import resize
from tests.community.ticket_orders.conftest import PRICE, By, Scene, no_drift, told, work
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
