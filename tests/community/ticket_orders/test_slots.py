"""A slot that does not take place, or at another time: everybody has their money back, once, whatever happens."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.authorizations.models import CARD_REFUNDS
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.due import drain
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from community.ticket_orders import jobs
from community.ticket_orders.service import deadlines
from tests.community.ticket_orders.conftest import PRICE, THURSDAY, Body, Scene, by_card, facts, no_drift, told, work
from tests.factories import community_tickets as tickets
from tests.factories import identity


class _PowerCutError(BaseException):
    """What nothing of ours catches."""


async def _cancel(scene: Scene, slot: int = 0) -> None:
    path = f"/v1/organizations/{scene.museum.id}/ticket-slots/{scene.offered.slots[slot].id}/cancellation"
    await scene.ask("POST", path, {"reason": "weather"}, by=scene.keeper)


async def test_whoever_has_a_ticket_of_it_has_all_back_once_though_the_power_goes_in_between(
    scene: Scene, clock: ManualClock
) -> None:
    paid = await by_card(scene, "4242", scene.item(), scene.item(slot=1), total=2 * PRICE)
    await work()
    at_desk = await scene.bought(scene.item(), by=scene.daughter)
    others = [await identity.resident(scene.place, name=f"R{number}") for number in range(2)]
    for other in others:
        await tickets.cart(other, scene.offered.slots[0], scene.offered.products["adult"])
    clock.set(THURSDAY - timedelta(minutes=5))  # by what was agreed nothing would be given back
    both = (scene.item(), scene.item(slot=2))
    held = await by_card(scene, "3220", *both, total=2 * PRICE, is_daughters=True, is_another=True)
    await work()
    await _cancel(scene)
    await settle(RELAY_JOBS)
    begun = 0

    async def cut_off(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        nonlocal begun
        await deadlines.give_back(session, ids)
        begun += 1
        if begun in (1, 3):
            raise _PowerCutError

    for _ in range(2):
        with pytest.raises(_PowerCutError):
            await drain(jobs.CALLED_OFF, cut_off, batch=1)
    await work()
    await work()

    order = await scene.seen(paid)
    assert [(one["state"], one["refunded"]) for one in order["tickets"]] == [("cancelled", PRICE), ("valid", 0)]
    assert (order["state"], order["refunded"], begun) == ("confirmed", PRICE, 3)
    desk = await scene.seen(at_desk)
    assert (desk["state"], desk["refunded"], desk["close_reason"]) == ("cancelled", PRICE, "slot_cancelled")
    waited = await scene.seen(held)
    assert [one["state"] for one in waited["tickets"]] == ["cancelled", "cancelled"]
    assert (waited["state"], waited["refunded"], await scene.left(2)) == ("cancelled", 0, 5)
    async with reading() as connection:
        refunds = list(await connection.execute(sa.select(CARD_REFUNDS.c.amount, CARD_REFUNDS.c.state)))
    assert refunds == [(PRICE, "succeeded")]
    assert await told("tickets_cancelled") == {"Grace", "Ann", "R0", "R1"}
    assert (await scene.left(), await scene.left(1)) == (5, 4)
    assert "tickets_refunded" in await facts(order["id"])
    sold = await scene.bought(is_another=True, expect=409)
    assert sold["conflicts"][0]["reason"] == "slot_cancelled"
    await no_drift()


async def test_who_gives_back_what_is_called_off_already_has_all_of_it(scene: Scene, clock: ManualClock) -> None:
    order = (await scene.bought(scene.item(quantity=2), total=2 * PRICE))["orders"][0]
    clock.set(THURSDAY - timedelta(minutes=5))  # by what was agreed nothing would be given back
    await _cancel(scene)
    first = await scene.given_back(order, order["tickets"][0], amount=0, expect=409)
    await scene.given_back(order, order["tickets"][0], amount=PRICE)
    await work()

    assert (first["code"], first["amount"]) == ("refund_changed", PRICE)
    seen = await scene.ask("GET", f"/v1/ticket-orders/{order['id']}")
    assert [(one["state"], one["refunded"]) for one in seen["tickets"]] == [("refunded", PRICE), ("cancelled", PRICE)]
    assert (seen["state"], seen["refunded"]) == ("cancelled", 2 * PRICE)
    await no_drift()


async def test_a_slot_at_another_time_is_told_and_codes_of_before_do_not_count(
    scene: Scene, clock: ManualClock
) -> None:
    cart = await scene.bought()
    await work()
    slot = scene.offered.slots[0]
    path = f"/v1/organizations/{scene.museum.id}/ticket-slots/{slot.id}"
    body: Body = {"starts_at": (THURSDAY + timedelta(minutes=30)).isoformat(), "capacity": 5}
    body |= {"ends_at": (THURSDAY + timedelta(minutes=90)).isoformat()}
    await scene.ask("PUT", path, body, by=scene.keeper)
    await work()

    order = await scene.seen(cart)
    (ticket,) = order["tickets"]
    assert ticket["valid_from"] == order["starts_at"] == "2026-03-05T01:30:00Z"
    assert (ticket["revision"], ticket["state"]) == (2, "valid")
    assert (await told("tickets_moved"), (await facts(ticket["id"]))) == ({"Grace"}, ["ticket_moved"])
