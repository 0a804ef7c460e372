"""Buying: quoted and bought, all of the cart or nothing, once, within what one person can have."""

import asyncio

from app.core.clock import ManualClock
from app.reservations.api import PoolExhausted
from tests.community.ticket_orders.conftest import PRICE, THURSDAY, Scene, facts, no_drift, told, work
from tests.factories import community_citizen_cards as cards
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.factories import identity, sign_in


async def test_what_was_quoted_is_bought_and_valid_at_once(scene: Scene) -> None:
    items = [scene.item(quantity=2), scene.item("group", slot=1)]
    refused = await scene.bought(*items, total=52_000, expect=409)
    quote = await scene.ask("POST", f"{scene.of}/ticket-quotes", {"items": [scene.item(quantity=2)]})
    cart = await scene.bought(scene.item(quantity=2), total=quote["total"])
    await work()

    order = await scene.seen(cart)
    assert (refused["code"], refused["conflicts"][0]["left"], refused["conflicts"][0]["wanted"]) == (
        "pool_exhausted",
        5,
        10,
    )
    assert (quote["total"], quote["pays_at_desk"], cart["state"]) == (2 * PRICE, True, "confirmed")
    assert [one["state"] for one in order["tickets"]] == ["valid", "valid"]
    assert {**cart["orders"][0], "tickets": None} == {**order, "tickets": None}
    assert cart["orders"][0]["tickets"] == order["tickets"]
    assert (await scene.left(), await scene.left(1)) == (3, 5)
    assert await facts(order["id"]) == ["ticket_order_confirmed"]
    assert await told("tickets_confirmed") == {"Grace"}
    await no_drift()


async def test_a_daughter_buys_for_her_mother_and_a_stranger_does_not(scene: Scene) -> None:
    cart = await scene.bought(by=scene.daughter)
    await scene.bought(by=scene.keeper, expect=404)
    await work()

    listed = await scene.ask("GET", f"{scene.of}/ticket-orders", by=scene.daughter)
    sold = await scene.ask(
        "GET",
        f"/v1/organizations/{scene.museum.id}/ticket-orders?since={THURSDAY.isoformat().replace('+00:00', 'Z')}",
        by=scene.keeper,
    )
    assert cart["orders"][0]["buyer_id"] == str(scene.ann.id)
    assert [one["id"] for one in listed["items"]] == [cart["orders"][0]["id"]] == [one["id"] for one in sold["items"]]
    assert await told("tickets_confirmed") == {"Ann", "Grace"}


async def test_a_price_that_changed_meanwhile_is_agreed_to_anew(scene: Scene) -> None:
    refused = await scene.bought(total=PRICE - 1, expect=409)

    assert (refused["code"], refused["quote"]["total"]) == ("ticket_price_changed", PRICE)
    assert await scene.left() == 5


async def test_the_same_is_bought_once_unless_it_is_wanted_again(scene: Scene) -> None:
    key = {"Idempotency-Key": "one"}
    path, wish = f"{scene.of}/ticket-carts", scene.wish()
    first = await scene.ask("POST", path, wish, expect=201, extra=key)
    assert await scene.ask("POST", path, wish, expect=201, extra=key) == first
    twice = await scene.bought(expect=409)
    again = await scene.bought(is_another=True)

    assert (twice["code"], twice["cart_id"]) == ("cart_exists", first["cart_id"])
    assert again["cart_id"] != first["cart_id"]
    assert await scene.left() == 3


async def test_two_that_are_sent_at_once_are_bought_once(scene: Scene) -> None:
    async def send() -> int:
        answer = await scene.client.post(
            f"{scene.of}/ticket-carts", json=scene.wish(), headers=sign_in.access_headers(scene.resident)
        )
        return answer.status_code

    assert sorted(await asyncio.gather(*(send() for _ in range(4)))) == [201, 409, 409, 409]
    assert await scene.left() == 4


async def test_nobody_has_more_than_one_person_can_even_at_once(scene: Scene) -> None:
    few = await ticketing.product(scene.museum, scene.offered.attraction_id, "few", max_per_person=2)
    item = {"slot_id": str(scene.offered.slots[0].id), "product_id": str(few.id)}

    async def send(slot: int) -> int:
        wish = scene.wish(item | {"slot_id": str(scene.offered.slots[slot].id)}, is_another=True)
        answer = await scene.client.post(
            f"{scene.of}/ticket-carts", json=wish, headers=sign_in.access_headers(scene.resident)
        )
        return answer.status_code

    codes = await asyncio.gather(*(send(place % 3) for place in range(6)))
    refused = await scene.bought(item, is_another=True, expect=409)
    assert sorted(codes) == [201, 201, 409, 409, 409, 409]
    assert (refused["code"], refused["most"], refused["day"]) == ("limit_reached", 2, "2026-03-05")

    orders = await scene.ask("GET", f"{scene.of}/ticket-orders")
    await scene.given_back(orders["items"][0], amount=PRICE)
    assert (await scene.bought(item, is_another=True))["state"] == "confirmed"


async def test_a_companion_comes_free_with_whoever_has_the_card_for_it(scene: Scene) -> None:
    pair = (scene.item(), scene.item("companion"))
    before = await scene.bought(*pair, expect=409)
    card = await cards.card(scene.grace, await cards.scheme(scene.place))
    alone = await scene.bought(scene.item("companion"), total=0, expect=409)
    cart = await scene.bought(*pair)
    second = await scene.bought(*pair, is_another=True, expect=409)

    assert (before["code"], before["items"][0]["entitlement"]) == ("entitlement_missing", "companion")
    assert (alone["code"], second["code"]) == ("companion_alone", "limit_reached")
    adult, companion = cart["orders"][0]["tickets"]
    assert (companion["price"], companion["needs_entitlement"]) == (0, "companion")
    assert (await tickets.ticket_row(companion["id"])).card_id == card.id
    assert adult["needs_entitlement"] is None


async def test_vouchers_take_off_what_they_say_and_no_more_often(scene: Scene, clock: ManualClock) -> None:
    made = {
        "name": "Spring",
        "code": "spring-24",
        "percent": 15,
        "valid_from": clock.now().isoformat(),
        "valid_until": THURSDAY.isoformat(),
        "max_uses": 1,
    }
    path = f"/v1/organizations/{scene.museum.id}/ticket-vouchers"
    voucher = await scene.ask("POST", path, made, by=scene.keeper, expect=201)
    await scene.ask("POST", path, made, by=scene.keeper, expect=409)
    cart = await scene.bought(scene.item(quantity=2), total=10_200, voucher="Spring 24")
    spent = await scene.bought(voucher="SPRING24", total=5_100, expect=409)
    unknown = await scene.bought(voucher="WINTER24", expect=409)
    (listed,) = (await scene.ask("GET", path, by=scene.keeper))["items"]

    order = cart["orders"][0]
    assert (order["discount"], [one["price"] for one in order["tickets"]]) == (1_800, [5_100, 5_100])
    assert (spent["code"], spent["conflicts"][0]["kind"]) == ("pool_exhausted", "ticket_voucher")
    assert (unknown["code"], unknown["reason"]) == ("voucher_refused", "unknown")
    assert (listed["used"], listed["max_uses"], listed["code_end"]) == (1, 1, "24")

    await scene.given_back(order, amount=10_200)
    assert (await scene.bought(voucher="SPRING24", total=5_100))["total"] == 5_100
    await scene.ask("POST", f"{path}/{voucher['id']}/retirement", {}, by=scene.keeper)
    retired = await scene.bought(voucher="SPRING24", total=5_100, is_another=True, expect=409)
    assert retired["reason"] == "over"


async def test_extras_go_with_their_ticket_and_run_out(scene: Scene) -> None:
    guide = await ticketing.addon(scene.museum, scene.offered.attraction_id, stock=2)
    wanted = [{"addon_id": str(guide.id), "quantity": 2}]
    cart = await scene.bought(scene.item(addons=wanted), total=PRICE + 4_000)
    none_left = await scene.bought(scene.item(slot=1, addons=wanted[:1]), total=PRICE + 4_000, expect=409)

    (ticket,) = cart["orders"][0]["tickets"]
    assert (ticket["price"], ticket["addons"][0]["quantity"]) == (PRICE + 4_000, 2)
    assert none_left["conflicts"][0]["kind"] == "ticket_addon"
    await scene.given_back(cart["orders"][0], amount=PRICE + 4_000)
    assert (await scene.bought(scene.item(slot=1, addons=wanted), total=PRICE + 4_000))["state"] == "confirmed"


async def test_what_is_not_on_sale_says_so(scene: Scene) -> None:
    closed = (await ticketing.slots(scene.museum, scene.offered.attraction_id, [THURSDAY], state="closed"))[0]
    named = await ticketing.product(scene.museum, scene.offered.attraction_id, "named", is_named=True)
    first = scene.item()
    refused = await scene.bought(first | {"slot_id": str(closed.id)}, expect=409)
    elsewhere = await scene.bought(first | {"product_id": str(closed.id)}, expect=404)
    nameless = await scene.bought(first | {"product_id": str(named.id)}, expect=422)
    holders = [{"name": "Grace Li", "document_end": "123X"}]
    cart = await scene.bought(first | {"product_id": str(named.id), "holders": holders})

    assert (refused["code"], refused["conflicts"][0]["reason"]) == ("not_on_sale", "slot_closed")
    assert elsewhere["code"] == "not_found"
    assert nameless["errors"][0]["pointer"] == "/body/items/0/holders"
    assert cart["orders"][0]["tickets"][0]["holder"].items() >= holders[0].items()


async def test_many_who_want_few_places_get_exactly_those(scene: Scene) -> None:
    others = [await identity.resident(scene.place, name=f"R{number}") for number in range(20)]
    slot, product = scene.offered.slots[0], scene.offered.products["adult"]

    async def buy(number: int) -> bool:
        try:
            await tickets.cart(others[number], slot, product)
        except PoolExhausted:
            return False
        return True

    sold = await asyncio.gather(*(buy(number) for number in range(20)))
    assert (sum(sold), await scene.left()) == (5, 0)
    await no_drift()
