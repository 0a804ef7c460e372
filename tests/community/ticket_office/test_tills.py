"""A till is opened and closed as counted; what is sold at it is good and booked at once, and goes back by rule."""

import asyncio
import uuid
from datetime import timedelta

import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.privacy import erase_subject, export_subject
from community.ticket_office.models import SALES, SHIFTS
from community.ticket_orders.models import TICKETS
from community.ticket_orders.service.admitting import mark_admitted
from tests.community.ticket_office.conftest import PRICE, Scene, no_drift, told, work
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.factories import identity, sign_in


async def test_what_is_sold_for_cash_is_good_and_in_the_books_at_once(scene: Scene) -> None:
    shift = await scene.opened()
    sale = await scene.sold(shift, scene.item(quantity=2), total=2 * PRICE, tendered=20_000)

    (order,) = sale["cart"]["orders"]
    assert (order["state"], order["channel"], order["resident_id"]) == ("confirmed", "office", None)
    assert [one["state"] for one in order["tickets"]] == ["valid", "valid"]
    assert (sale["change_amount"], sale["sale"]["amount"], sale["sale"]["tickets"]) == (8_000, 12_000, 2)
    assert await scene.left() == 8
    assert await scene.books() == {"cash": 12_000, "revenue": -12_000}


async def test_a_terminals_slip_is_recorded_once_and_no_cash_is_expected_for_it(scene: Scene) -> None:
    shift = await scene.opened()
    first = await scene.sold(shift, method="terminal", slip="A-17")
    again = await scene.sold(shift, method="terminal", slip="a-17", expect=409)
    closed = await scene.closed(shift, 20_000)

    assert (again["code"], again["order_id"]) == ("slip_known", first["sale"]["order_id"])
    assert (closed["expected_amount"], closed["difference_amount"], closed["terminal_taken"]) == (20_000, 0, PRICE)
    assert await scene.books() == {"terminal": PRICE, "revenue": -PRICE}
    assert await scene.left() == 9
    async with reading() as connection:
        assert "A-17" not in str((await connection.execute(sa.select(SALES))).one())


async def test_what_is_missing_is_counted_again_or_explained_and_the_books_say_what_is_there(scene: Scene) -> None:
    shift = await scene.opened()
    await scene.sold(shift)
    unsaid = await scene.closed(shift, 25_500, expect=409)
    still = await scene.ask("GET", f"{scene.of}/office-shifts/{shift['id']}")
    closed = await scene.closed(shift, 25_500, explanation="A note was torn")
    again = await scene.closed(shift, 25_500, explanation="A note was torn")
    other = await scene.closed(shift, 26_000, expect=409)

    assert (unsaid["code"], unsaid["expected_amount"], unsaid["difference_amount"]) == (
        "difference_unexplained",
        26_000,
        -500,
    )
    assert (still["closed_at"], still["cash_taken"], still["sales"]) == (None, None, 1)
    assert (closed["expected_amount"], closed["counted_amount"], closed["difference_amount"]) == (26_000, 25_500, -500)
    assert (closed["explanation"], closed["cash_taken"]) == ("A note was torn", PRICE)
    assert (again["version"], other["code"]) == (closed["version"], "shift_closed")
    assert await scene.books() == {"cash": PRICE - 500, "revenue": -PRICE, "till_difference": 500}
    async with reading() as connection:
        assert "torn" not in str((await connection.execute(sa.select(SHIFTS))).one())


async def test_a_till_is_one_persons_and_one_at_a_time(scene: Scene) -> None:
    shift = await scene.opened()
    again = await scene.opened(expect=409)
    path = f"{scene.of}/office-shifts/{shift['id']}"

    assert (again["code"], again["shift_id"]) == ("shift_open", shift["id"])
    await scene.sold(shift, by=scene.other, expect=403)
    await scene.ask("GET", path, by=scene.other, expect=404)
    await scene.closed(shift, 20_000, by=scene.other, expect=403)
    await scene.ask("GET", path, by=scene.agent, expect=404)
    assert (await scene.ask("GET", f"{scene.of}/office-shifts", by=scene.other))["items"] == []
    seen = (await scene.ask("GET", f"{scene.of}/office-shifts", by=scene.keeper))["items"]
    assert [(one["id"], one["worker"]) for one in seen] == [(shift["id"], "Wen")]
    closed = await scene.closed(shift, 20_000, by=scene.keeper)
    assert closed["closed_by"] != closed["account_id"]
    assert (await scene.sold(shift, expect=409))["code"] == "shift_closed"
    await scene.opened()


async def test_nothing_is_sold_that_cannot_be(scene: Scene) -> None:
    shift = await scene.opened()
    dear = await scene.sold(shift, total=5_000, expect=409)
    gone = await scene.sold(shift, scene.item(quantity=11), total=11 * PRICE, expect=409)
    short = await scene.sold(shift, tendered=5_999, expect=422)
    unshown = await scene.sold(shift, scene.item("senior"), total=3_000, expect=409)
    await scene.sold(shift, method="terminal", expect=422)
    await scene.sold(shift, method="none", expect=422)

    assert dear["code"] == "ticket_price_changed"
    assert (gone["code"], short["code"], unshown["code"]) == (
        "pool_exhausted",
        "too_little_cash",
        "entitlement_missing",
    )
    assert await scene.left() == 10
    assert await scene.books() == {}
    assert (await scene.ask("GET", f"{scene.of}/office-shifts/{shift['id']}/sales"))["items"] == []


async def test_who_shows_a_card_gets_what_it_entitles_to(scene: Scene) -> None:
    shift = await scene.opened()
    items = (scene.item("senior"), scene.item("companion"))
    sale = await scene.sold(shift, *items, total=3_000, shown=["senior", "companion"])

    tickets = sale["cart"]["orders"][0]["tickets"]
    assert [(one["price"], one["needs_entitlement"]) for one in tickets] == [(3_000, "senior"), (0, "companion")]


async def test_another_organizations_tickets_are_not_sold_here(scene: Scene) -> None:
    shift = await scene.opened()
    other = await identity.organization(scene.place, "attraction", name="Elsewhere")
    offered = await ticketing.on_offer(other)
    item = {"slot_id": str(offered.slots[0].id), "product_id": str(offered.products["adult"].id)}

    await scene.sold(shift, item, expect=404)


async def test_in_somebodys_name_is_sold_with_their_document_which_lies_sealed(scene: Scene) -> None:
    named = await ticketing.product(scene.museum, scene.offered.attraction_id, "named", is_named=True)
    shift = await scene.opened()
    item = {"slot_id": str(scene.offered.slots[0].id), "product_id": str(named.id), "quantity": 1}
    nameless = await scene.sold(shift, item, expect=422)
    half = await scene.sold(shift, item | {"holders": [{"name": "Lu Xun"}]}, expect=422)
    holder = {"name": "Lu Xun", "document_kind": "passport", "document_end": "4711"}
    sale = await scene.sold(shift, item | {"holders": [holder]})

    assert nameless["errors"][0]["pointer"] == "/body/items/0/holders"
    assert half["errors"][0]["pointer"] == "/body/items/0/holders/0/document_kind"
    assert sale["cart"]["orders"][0]["tickets"][0]["holder"] == holder
    async with reading() as connection:
        row = str((await connection.execute(sa.select(TICKETS))).one())
    assert not [word for word in ("Lu Xun", "4711", "passport") if word in row]


async def test_what_is_given_back_goes_back_by_the_rule_and_out_of_the_till(scene: Scene, clock: ManualClock) -> None:
    shift = await scene.opened(0)
    early, late = await scene.sold(shift), await scene.sold(shift)
    clock.advance(timedelta(hours=1))
    wrong = await scene.given_back(shift, early, PRICE, expect=409)
    refund = await scene.given_back(shift, early, PRICE // 2)
    again = await scene.given_back(shift, early, PRICE // 2, expect=409)

    assert (wrong["code"], wrong["amount"]) == ("refund_changed", PRICE // 2)
    assert (refund["kind"], refund["method"], refund["amount"]) == ("refund", "cash", PRICE // 2)
    assert again["code"] == "tickets_not_open"
    assert await scene.left() == 9
    closed = await scene.closed(shift, 2 * PRICE - PRICE // 2)
    assert (closed["difference_amount"], closed["cash_given_back"], closed["refunds"]) == (0, PRICE // 2, 1)
    assert await scene.books() == {"cash": 9_000, "revenue": -9_000}
    assert late["sale"]["order_id"] != early["sale"]["order_id"]


async def test_a_till_gives_back_no_more_cash_than_it_has(scene: Scene) -> None:
    shift = await scene.opened(0)
    sale = await scene.sold(shift)
    await scene.closed(shift, PRICE)
    empty = await scene.opened(1_000)
    refused = await scene.given_back(empty, sale, PRICE, expect=409)

    assert (refused["code"], refused["expected_amount"]) == ("till_short", 1_000)
    assert await scene.left() == 9
    assert await scene.books() == {"cash": PRICE, "revenue": -PRICE}


async def test_what_was_paid_at_a_terminal_goes_back_there(scene: Scene) -> None:
    shift = await scene.opened(0)
    sale = await scene.sold(shift, method="terminal", slip="B-1")
    refund = await scene.given_back(shift, sale, PRICE, slip="B-2")

    assert refund["method"] == "terminal"
    assert (await scene.closed(shift, 0))["difference_amount"] == 0
    assert await scene.books() == {}


async def test_of_a_slot_that_was_called_off_the_counter_hands_out_the_money_once(scene: Scene) -> None:
    shift = await scene.opened()
    sale = await scene.sold(shift, scene.item(quantity=2), total=2 * PRICE)
    slot = scene.offered.slots[0]
    path = f"{scene.of}/ticket-slots/{slot.id}/cancellation"
    await scene.ask("POST", path, {"reason": "weather"}, by=scene.keeper)
    await work()
    wrong = await scene.given_back(shift, sale, PRICE, ticket_ids=[], expect=409)
    refund = await scene.given_back(shift, sale, 2 * PRICE, ticket_ids=[])
    again = await scene.given_back(shift, sale, 2 * PRICE, ticket_ids=[], expect=409)

    assert (wrong["amount"], refund["amount"], again["amount"]) == (2 * PRICE, 2 * PRICE, 0)
    assert await scene.books() == {}


async def test_two_counters_hand_out_the_same_money_once(scene: Scene) -> None:
    mine, theirs = await scene.opened(), await scene.opened(by=scene.other)
    sale = await scene.sold(mine)
    order = sale["cart"]["orders"][0]
    body = {"order_id": order["id"], "ticket_ids": [order["tickets"][0]["id"]], "amount": PRICE}
    answers = await asyncio.gather(
        *(
            scene.client.post(
                f"{scene.of}/office-shifts/{shift['id']}/refunds", json=body, headers=sign_in.access_headers(by)
            )
            for shift, by in ((mine, scene.worker), (theirs, scene.other))
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await scene.books() == {}
    await no_drift()


async def test_who_was_let_in_is_given_nothing_back(scene: Scene, clock: ManualClock) -> None:
    shift = await scene.opened()
    sale = await scene.sold(shift)
    ticket_id = uuid.UUID(sale["cart"]["orders"][0]["tickets"][0]["id"])
    async with unit_of_work() as session:
        assert await mark_admitted(session, [(ticket_id, clock.now())]) == {ticket_id}

    assert (await scene.given_back(shift, sale, PRICE, expect=409))["code"] == "tickets_not_open"


async def test_what_was_bought_online_is_paid_into_the_till_once(scene: Scene) -> None:
    grace = await identity.resident(scene.place, phone="+8613800000009")
    adult = scene.offered.products["adult"]
    bought = await tickets.cart(grace, scene.offered.slots[0], adult)
    await work()
    shift = await scene.opened(0)
    path = f"{scene.of}/office-shifts/{shift['id']}/collections"
    said = {"order_id": str(bought.orders[0].id), "amount": PRICE, "method": "cash"}
    dear = await scene.ask("POST", path, said | {"amount": PRICE + 1}, expect=409)
    paid = await scene.ask("POST", path, said, expect=201)
    await scene.ask("POST", path, said, expect=409)
    await scene.ask("POST", path, said | {"order_id": shift["id"]}, expect=404)
    closed = await scene.closed(shift, PRICE)

    assert (dear["code"], paid["kind"], paid["amount"]) == ("too_much_paid", "collection", PRICE)
    assert (closed["difference_amount"], closed["collections"], closed["sales"]) == (0, 1, 0)
    # What the platform was to collect and pay out the museum has by now: neither owes the other anything.
    assert await scene.books() == {}


async def test_a_till_that_nobody_counts_is_told_of_every_day(scene: Scene, clock: ManualClock) -> None:
    await scene.opened()
    await work()
    assert await told("office_shift_uncounted") == []
    for hours in (15, 24):
        clock.advance(timedelta(hours=hours))
        await work()

    assert await told("office_shift_uncounted") == ["Nora", "Nora"]


async def test_what_is_held_of_who_sold_is_handed_out_and_their_words_go_with_them(scene: Scene) -> None:
    shift = await scene.opened()
    await scene.sold(shift, method="terminal", slip="C-3")
    await scene.closed(shift, 19_000, explanation="Mine")
    async with unit_of_work() as session:
        mine = await export_subject(session, [scene.wen.id])
        await erase_subject(session, [scene.wen.id])

    assert mine["community_office_shift"][0]["explanation"] == "Mine"
    assert mine["community_office_sale"][0]["slip"] == "C-3"
    async with reading() as connection:
        kept = (await connection.execute(sa.select(SHIFTS))).one()
        sale = (await connection.execute(sa.select(SALES))).one()
    assert (kept.explanation, kept.counted_amount, sale.slip, sale.amount) == (None, 19_000, None, PRICE)
