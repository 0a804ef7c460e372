"""Tickets for another slot, or in another name: all its places or none, as long as was agreed."""

import uuid
from datetime import timedelta

import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.reservations.api import pools
from community.ticketing.models import ADDONS, PRODUCTS, SLOTS
from tests.community.ticket_orders.conftest import PRICE, THURSDAY, Scene, facts, no_drift, told, work
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.factories import identity


async def test_a_ticket_is_moved_with_all_its_places_and_has_a_new_code(scene: Scene, clock: ManualClock) -> None:
    adult = scene.offered.products["adult"]
    await ticketing.quota(scene.museum, scene.offered.attraction_id, scene.offered.slots[:2], capacity=1)
    guide = await ticketing.addon(scene.museum, scene.offered.attraction_id, stock=1)
    cart = await scene.bought(scene.item(addons=[{"addon_id": str(guide.id)}]), total=PRICE + 2_000)
    (ticket,) = cart["orders"][0]["tickets"]
    other = await identity.resident(scene.place, name="R0")
    taken = await tickets.cart(other, scene.offered.slots[1], adult)
    async with unit_of_work() as session:  # sold no more, and theirs all the same
        await session.execute(sa.update(ADDONS).where(ADDONS.c.id == guide.id).values(is_active=False))
    path = f"/v1/tickets/{ticket['id']}/move"
    full = await scene.ask("POST", path, {"slot_id": str(scene.offered.slots[1].id)}, expect=409)
    assert (full["code"], full["conflicts"][0]["kind"], await scene.left()) == ("pool_exhausted", "ticket_quota", 4)
    moved = await scene.ask("POST", path, {"slot_id": str(scene.offered.slots[2].id)}, by=scene.daughter)
    await work()

    (seen,) = moved["tickets"]
    assert (seen["revision"], seen["state"], seen["slot_id"]) == (2, "valid", str(scene.offered.slots[2].id))
    assert seen["valid_from"] == moved["starts_at"] == "2026-03-05T03:00:00Z"
    assert [await scene.left(slot) for slot in range(3)] == [5, 4, 4]
    assert (await told("tickets_moved"), await facts(ticket["id"])) == ({"Grace"}, ["ticket_moved"])
    assert guide.pool_id is not None
    async with reading() as connection:
        assert (await pools(connection, [guide.pool_id]))[guide.pool_id].left == 0
    assert taken.state == "confirmed"
    clock.set(THURSDAY + timedelta(hours=1, minutes=30))
    late = await scene.ask("POST", path, {"slot_id": str(scene.offered.slots[0].id)}, expect=409)
    assert (late["code"], late["reason"]) == ("move_not_allowed", "too_late")
    await no_drift()


async def test_a_ticket_takes_its_own_places_along_whatever_its_product_is_by_now(scene: Scene) -> None:
    family = await ticketing.product(scene.museum, scene.offered.attraction_id, "family", persons=4)
    cart = await scene.bought(scene.item() | {"product_id": str(family.id)})
    async with unit_of_work() as session:
        small = {"persons": 2, "reentry": "same_day"}
        await session.execute(sa.update(PRODUCTS).where(PRODUCTS.c.id == family.id).values(**small))
        await session.execute(
            sa.update(SLOTS)
            .where(SLOTS.c.id == scene.offered.slots[1].id)
            .values(entry_until=scene.offered.slots[1].ends_at - timedelta(minutes=30))
        )
    (ticket,) = cart["orders"][0]["tickets"]
    moved = await scene.ask(
        "POST", f"/v1/tickets/{ticket['id']}/move", {"slot_id": str(scene.offered.slots[1].id)}, by=scene.keeper
    )

    assert (moved["tickets"][0]["persons"], await scene.left(), await scene.left(1)) == (4, 5, 1)
    assert moved["tickets"][0]["valid_until"] == "2026-03-05T02:30:00Z"
    await no_drift()


async def test_a_ticket_goes_to_no_other_price_and_no_other_attraction(scene: Scene) -> None:
    begins = {"code": "evening", "amount": 9_000, "begins": "10:00", "ends": None, "starts_on": None, "ends_on": None}
    rule = begins | {"weekdays": [1, 2, 3, 4, 5, 6, 7], "holidays": "ignore"}
    dear = await ticketing.product(scene.museum, scene.offered.attraction_id, "dear", price_rules=[rule])
    cart = await scene.bought(scene.item() | {"product_id": str(dear.id)})
    (ticket,) = cart["orders"][0]["tickets"]
    elsewhere = await ticketing.on_offer(scene.museum, first=THURSDAY)
    path = f"/v1/tickets/{ticket['id']}/move"
    dearer = await scene.ask("POST", path, {"slot_id": str(scene.offered.slots[1].id)}, expect=409)
    await scene.ask("POST", path, {"slot_id": str(elsewhere.slots[0].id)}, expect=404)
    await scene.ask("POST", path, {"slot_id": str(elsewhere.slots[0].id)}, by=scene.operator, expect=404)
    same = await scene.ask("POST", path, {"slot_id": ticket["slot_id"]})

    assert (dearer["reason"], dearer["price"], same["tickets"][0]["revision"]) == ("other_price", 9_000, 1)


async def test_a_ticket_is_put_in_another_name(scene: Scene) -> None:
    named = await ticketing.product(scene.museum, scene.offered.attraction_id, "named", is_named=True)
    item = scene.item(holders=[{"name": "Grace Li"}]) | {"product_id": str(named.id)}
    (ticket,) = (await scene.bought(item))["orders"][0]["tickets"]
    path, name = (
        f"/v1/tickets/{ticket['id']}/holder",
        {"name": "Ann Li", "document_kind": "passport", "document_end": "77X"},
    )
    order = await scene.ask("PUT", path, name)
    row = await tickets.ticket_row(uuid.UUID(ticket["id"]))

    assert (order["tickets"][0]["holder"].items() >= name.items(), order["tickets"][0]["revision"]) == (True, 2)
    assert "Ann" not in row.holder
