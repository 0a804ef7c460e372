"""Who sells tickets finds orders of their own house alone; looking, and giving back by decision, is on record."""

import uuid
from datetime import timedelta

import orjson
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.sealing import seal
from community.ticket_orders.models import HOLDER, ORDERS, TICKETS
from community.ticket_orders.views import searching
from tests.community.ticket_orders.conftest import PRICE, THURSDAY, Body, Scene, work
from tests.factories import community_attractions as attractions
from tests.factories import identity, sign_in

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _entries(action: str) -> list[tuple[bool, bool]]:
    """Return of each entry of the trail whether it names the resident, and whether it says more."""
    statement = sa.text(
        "SELECT resident_id IS NOT NULL, details IS NOT NULL FROM core_audit_entry WHERE action = :action"
    )
    async with reading() as connection:
        return [(row[0], row[1]) for row in await connection.execute(statement, {"action": action})]


async def test_an_order_is_found_by_those_who_sold_it_alone(scene: Scene) -> None:
    order = (await scene.bought())["orders"][0]
    path = f"/v1/organizations/{scene.museum.id}/ticket-order-searches"
    other = await attractions.organization(scene.place, name="Other house")
    stranger = await sign_in.session_of(await identity.staff(other, "coordinator", name="Otto"))
    theirs = f"/v1/organizations/{other.id}/ticket-order-searches"
    for code in (order["id"], order["id"][-6:], order["tickets"][0]["id"]):
        found: Body = await scene.ask("POST", path, {"code": code}, by=scene.keeper)
        assert ([one["id"] for one in found["items"]], found["is_cut"]) == ([order["id"]], False)
        assert (await scene.ask("POST", theirs, {"code": code}, by=stranger))["items"] == []
        await scene.ask("POST", path, {"code": code}, by=stranger, expect=404)
    assert await _entries("ticket_orders:search") == [(True, False)] * 3
    await scene.ask("POST", path, {"code": "abcdef", "name": "Grace"}, by=scene.keeper, expect=422)
    record = f"/v1/organizations/{other.id}/ticket-orders/{order['id']}/record"
    await scene.ask("GET", record, by=stranger, expect=404)


async def test_who_answers_for_it_may_keep_to_the_terms_and_says_why(scene: Scene) -> None:
    order = (await scene.bought(scene.item(quantity=2), total=2 * PRICE))["orders"][0]
    await work()
    first, second = order["tickets"]
    due = (await scene.seen({"orders": [order]}, by=scene.keeper))["tickets"][0]["refundable"]
    path = f"/v1/ticket-orders/{order['id']}/refunds"
    rule = {"ticket_ids": [first["id"]], "amount": due, "by_rule": True}
    await scene.ask("POST", path, rule, by=scene.keeper)
    assert await _entries("ticket_order:refund") == [(True, False)]
    full = {"ticket_ids": [second["id"]], "amount": PRICE, "reason": "The lift was out of order"}
    done = await scene.ask("POST", path, full, by=scene.keeper)
    assert done["refunded"] == due + PRICE
    assert sorted(await _entries("ticket_order:refund")) == [(True, False), (True, True)]


async def test_whoever_stands_there_today_is_found_however_many_came_before(
    scene: Scene, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = (await scene.bought(scene.item(quantity=4), total=4 * PRICE))["orders"][0]
    one = (await scene.bought(scene.item(slot=1)))["orders"][0]
    today = THURSDAY + timedelta(days=20)
    holder = orjson.dumps({"name": "Gràce Li", "document_kind": None, "document_end": None}).decode()
    moved = {"starts_at": today, "ends_at": today + timedelta(hours=1)}
    async with unit_of_work() as session:
        await session.execute(sa.update(TICKETS).values(holder=seal(holder, HOLDER)))
        await session.execute(sa.update(ORDERS).where(ORDERS.c.id == uuid.UUID(one["id"])).values(moved))
    clock.set(today)
    monkeypatch.setattr(searching, "_MOST_READ", 4)
    monkeypatch.setattr(searching, "_BATCH", 1)
    path = f"/v1/organizations/{scene.museum.id}/ticket-order-searches"
    ask = {"name": "graceli", "since": (THURSDAY - timedelta(days=1)).isoformat()}
    found: Body = await scene.ask("POST", path, ask, by=scene.keeper)
    assert [order["id"] for order in found["items"]] == [one["id"], many["id"]]
    assert found["is_cut"]


async def test_a_name_of_accents_alone_names_nobody(scene: Scene) -> None:
    path = f"/v1/organizations/{scene.museum.id}/ticket-order-searches"
    await scene.ask("POST", path, {"name": "\u0301\u0308"}, by=scene.keeper, expect=422)


async def test_tickets_that_let_nobody_in_any_more_are_not_sent_again_as_good_ones(
    scene: Scene, clock: ManualClock
) -> None:
    order = (await scene.bought())["orders"][0]
    await work()
    path = f"/v1/ticket-orders/{order['id']}/reminders"
    await scene.ask("POST", path, by=scene.keeper, expect=204)
    clock.set(THURSDAY + timedelta(hours=20))
    refused: Body = await scene.ask("POST", path, by=scene.keeper, expect=409)
    assert refused["code"] == "tickets_not_open"
