"""Giving back: by what was agreed, in full by the organization; against a scan there is exactly one winner."""

import asyncio
import uuid
from datetime import timedelta

import sqlalchemy as sa

from app.billing.api import charges_for
from app.core import clock as clocks
from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.events import ResidentClosed
from community.ticket_orders.access import require_ticket_order
from community.ticket_orders.problems import TicketsNotOpen
from community.ticket_orders.rules import REFERENCE
from community.ticket_orders.schemas.given import RefundAsk
from community.ticket_orders.service.admitting import mark_admitted
from community.ticket_orders.service.refunding import refund
from community.ticket_orders.subscribers import follow_closures
from community.ticket_orders.views.tickets import tickets_at
from tests.community.ticket_orders.conftest import PRICE, THURSDAY, Body, Scene, by_card, facts, no_drift, told, work
from tests.factories import community_citizen_cards as cards
from tests.factories import community_tickets as tickets
from tests.factories import identity, sign_in
from tests.waiting import waits


async def test_what_is_given_back_is_what_was_agreed(scene: Scene, clock: ManualClock) -> None:
    cart = await by_card(scene, "4242", scene.item(quantity=3), total=3 * PRICE)
    await work()
    order = await scene.seen(cart)
    first, second, third = order["tickets"]
    early = await scene.given_back(order, first, amount=PRICE)
    clock.set(THURSDAY - timedelta(hours=2))
    changed = await scene.given_back(order, second, amount=PRICE, expect=409)
    late = await scene.given_back(order, second, amount=PRICE // 2)
    twice = await scene.given_back(order, second, amount=PRICE // 2, expect=409)
    clock.set(THURSDAY)
    over = await scene.given_back(order, third, amount=0)
    await work()

    order_id = uuid.UUID(order["id"])
    async with reading() as connection:
        charge = (await charges_for(connection, REFERENCE, [order_id]))[order_id]
    assert [one["refundable"] for one in order["tickets"]] == [PRICE] * 3
    assert ([one["state"] for one in early["tickets"]], early["refunded"]) == (["refunded", "valid", "valid"], PRICE)
    assert (changed["code"], changed["amount"]) == ("refund_changed", PRICE // 2)
    assert (late["refunded"], twice["code"]) == (PRICE + PRICE // 2, "tickets_not_open")
    assert (over["state"], over["refunded"], await scene.left()) == ("cancelled", PRICE + PRICE // 2, 5)
    assert charge.credited_amount == PRICE + PRICE // 2
    assert (await facts(order_id))[-2:] == ["tickets_refunded", "ticket_order_cancelled"]
    assert await told("tickets_refunded") == {"Grace"}
    await no_drift()


async def test_the_organization_gives_all_back_and_others_nothing(scene: Scene, clock: ManualClock) -> None:
    cart = await scene.bought(scene.item(quantity=2), total=2 * PRICE)
    clock.set(THURSDAY)
    order = cart["orders"][0]
    refused = await scene.ask(
        "POST",
        f"/v1/ticket-orders/{order['id']}/refunds",
        {"ticket_ids": [str(clocks.new_id())], "amount": 0},
        by=scene.keeper,
        expect=404,
    )
    await scene.given_back(order, order["tickets"][0], amount=PRICE, by=scene.keeper)
    done = await scene.given_back(order, order["tickets"][1], amount=PRICE, by=scene.operator)

    assert refused["code"] == "not_found"
    assert (done["refunded"], done["close_reason"]) == (2 * PRICE, "organization")


async def test_who_sells_there_gives_back_by_the_rule_and_who_answers_for_it_by_goodwill(
    scene: Scene, clock: ManualClock
) -> None:
    wen = await identity.staff(scene.museum, "worker", name="Wen", phone="+8613800000011")
    worker = await sign_in.session_of(wen)
    order = (await scene.bought())["orders"][0]
    clock.set(THURSDAY - timedelta(hours=2))
    refused = await scene.given_back(order, amount=PRICE, by=worker, expect=409)
    done = await scene.given_back(order, amount=PRICE // 2, by=worker)

    assert (refused["code"], refused["amount"]) == ("refund_changed", PRICE // 2)
    assert (done["refunded"], done["close_reason"]) == (PRICE // 2, "changed_mind")


async def test_a_companion_does_not_stay_behind_alone(scene: Scene) -> None:
    await cards.card(scene.grace, await cards.scheme(scene.place))
    order = (await scene.bought(scene.item(), scene.item("companion")))["orders"][0]
    adult, companion = order["tickets"]
    second = (await scene.bought(is_another=True))["orders"][0]
    await scene.given_back(second, amount=PRICE)
    alone = await scene.given_back(order, adult, amount=PRICE, expect=409)
    third = (await scene.bought(is_another=True))["orders"][0]
    await scene.given_back(order, adult, amount=PRICE)
    still = await scene.given_back(third, amount=PRICE, expect=409)
    await scene.given_back(order, companion, amount=0)
    await scene.given_back(third, amount=PRICE)

    assert (alone["code"], still["code"]) == ("companion_alone", "companion_alone")
    assert alone["slot_id"] == str(scene.offered.slots[0].id)
    assert await scene.left() == 5


async def _refund(scene: Scene, order: Body, *, entered: asyncio.Event | None = None, go: asyncio.Event) -> bool:
    actor = Actor("account", scene.grace.account_id, scene.place.id, resident_id=scene.grace.id)
    data = RefundAsk(ticket_ids=[one["id"] for one in order["tickets"]], amount=PRICE)
    try:
        async with unit_of_work() as session:
            subject = await require_ticket_order(await session.connection(), actor, uuid.UUID(order["id"]))
            await refund(session, actor, subject, data)
            if entered is not None:
                entered.set()
            await go.wait()
    except TicketsNotOpen:
        return False
    return True


async def _scan(order: Body, clock: ManualClock, *, entered: asyncio.Event | None = None, go: asyncio.Event) -> bool:
    ticket_id = uuid.UUID(order["tickets"][0]["id"])
    async with unit_of_work() as session:
        admitted = await mark_admitted(session, [(ticket_id, clock.now())])
        if entered is not None:
            entered.set()
        await go.wait()
    return ticket_id in admitted


async def test_a_refund_that_was_first_lets_nobody_in(scene: Scene, clock: ManualClock) -> None:
    order = (await scene.bought())["orders"][0]
    await work()
    entered, go, free = asyncio.Event(), asyncio.Event(), asyncio.Event()
    free.set()
    first = asyncio.create_task(_refund(scene, order, entered=entered, go=go))
    await entered.wait()
    second = asyncio.create_task(_scan(order, clock, go=free))
    await waits(second)
    go.set()

    assert (await first, await second) == (True, False)
    row = await tickets.ticket_row(uuid.UUID(order["tickets"][0]["id"]))
    assert (row.state, row.refunded_amount, row.admitted_at, await scene.left()) == ("refunded", PRICE, None, 5)


async def test_a_scan_that_was_first_gives_nothing_back(scene: Scene, clock: ManualClock) -> None:
    order = (await scene.bought())["orders"][0]
    await work()
    entered, go, free = asyncio.Event(), asyncio.Event(), asyncio.Event()
    free.set()
    first = asyncio.create_task(_scan(order, clock, entered=entered, go=go))
    await entered.wait()
    second = asyncio.create_task(_refund(scene, order, go=free))
    await waits(second)
    go.set()

    assert (await first, await second) == (True, False)
    row = await tickets.ticket_row(uuid.UUID(order["tickets"][0]["id"]))
    assert (row.state, row.refunded_amount, row.admitted_at) == ("admitted", 0, clock.now())
    assert await facts(row.id) == ["ticket_admitted"]
    assert await scene.left() == 4


async def test_of_many_scans_at_once_those_that_are_valid_are_admitted_once(scene: Scene, clock: ManualClock) -> None:
    order = (await scene.bought(scene.item(quantity=3), total=3 * PRICE))["orders"][0]
    ids = [uuid.UUID(one["id"]) for one in order["tickets"]]
    await scene.given_back(order, order["tickets"][2], amount=PRICE)

    async def scan(chosen: list[uuid.UUID]) -> set[uuid.UUID]:
        async with unit_of_work() as session:
            return await mark_admitted(session, [(one, clock.now()) for one in [*chosen, clocks.new_id()]])

    found = await asyncio.gather(scan(ids), scan(ids[::-1]))
    async with reading() as connection:
        rows = await tickets_at(connection, scene.offered.attraction_id, THURSDAY, THURSDAY + timedelta(hours=1))
    assert sorted(len(one) for one in found) == [0, 2]
    assert found[0] | found[1] == set(ids[:2])
    assert {row.id: row.state for row in rows} == dict.fromkeys(ids[:2], "admitted") | {ids[2]: "refunded"}


async def test_who_lives_here_no_more_has_back_what_was_agreed(scene: Scene) -> None:
    cart = await scene.bought()
    held = await by_card(scene, "3220", scene.item(slot=1))
    await work()
    event = ResidentClosed(aggregate_id=scene.grace.id, community_id=scene.place.id, reason="moved_out")
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE identity_resident SET state = 'moved_out' WHERE id = :id"), {"id": scene.grace.id}
        )
        await follow_closures(session, [event])
    await work()

    first = await scene.ask("GET", f"/v1/ticket-orders/{cart['orders'][0]['id']}", by=scene.keeper)
    second = await scene.ask("GET", f"/v1/ticket-orders/{held['orders'][0]['id']}", by=scene.keeper)
    assert (first["state"], first["refunded"], first["close_reason"]) == ("cancelled", PRICE, "resident_left")
    assert (second["state"], second["refunded"]) == ("expired", 0)
    assert (await scene.left(), await scene.left(1)) == (5, 5)
