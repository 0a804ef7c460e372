"""What those who run an attraction say of products, add-ons and terms, and what everybody sees of it."""

import uuid

import pytest

from app.core.database import unit_of_work
from app.reservations.api import Portion, allocate
from community.ticketing.models import TicketAddon
from tests.community.ticketing.conftest import Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME = {"en": "Audio guide", "zh-CN": "语音导览"}
ADDON = {"code": "audio-guide", "name": NAME, "price_amount": 2_000, "currency": "CNY", "stock": 3}
TERMS = {
    "refunds": [{"notice_hours": 1, "percent": 50}, {"notice_hours": 24, "percent": 100}],
    "may_change": True,
    "change_notice": "PT2H",
    "hold_minutes": 20,
    "pays_at_desk": True,
}


async def test_a_product_is_sold_changed_and_withdrawn(scene: Scene) -> None:
    rule = {"code": "weekend", "amount": 7_000, "weekdays": [6, 7], "begins": "10:00"}
    adult = await scene.product(price_rules=[rule], tax_rate=600)
    await scene.product("school", is_online=False)
    assert (await scene.keep("ticket-products", _wish(adult), expect=409))["code"] == "code_taken"
    seen = await scene.client.get(f"/v1/attractions/{scene.attraction_id}/ticket-offer")
    assert [one["code"] for one in seen.json()["products"]] == ["adult"], "the office sells the other"
    assert seen.json()["products"][0]["price_rules"][0]["begins"] == "10:00:00"
    etag = {"If-None-Match": seen.headers["etag"]}
    path = f"/v1/attractions/{scene.attraction_id}/ticket-offer"
    assert (await scene.client.get(path, headers=etag)).status_code == 304

    change = {name: value for name, value in _wish(adult).items() if name != "code"} | {"state": "withdrawn"}
    where = f"{scene.of}/ticket-products/{adult['id']}"
    await scene.ask("PUT", where, change, extra={"If-Match": '"9"'}, expect=412)
    changed = await scene.ask("PUT", where, change, extra={"If-Match": '"1"'}, by=scene.operator)
    assert (changed["state"], changed["version"]) == ("withdrawn", 2)
    assert (await scene.client.get(path, headers=etag)).json()["products"] == []
    listed = await scene.ask("GET", f"{scene.attraction}/ticket-products?limit=1")
    assert [one["code"] for one in listed["items"]] == ["adult"]
    more = await scene.ask("GET", f"{scene.attraction}/ticket-products?limit=1&cursor={listed['next']}")
    assert ([one["code"] for one in more["items"]], more["next"]) == (["school"], None)


async def test_a_product_says_what_is_wrong_with_it(scene: Scene) -> None:
    usual = {"code": "adult", "name": NAME, "kind": "adult", "price_amount": 6_000, "currency": "CNY"}
    rule = {"code": "a", "amount": 1}
    for wrong, pointer in (
        ({"currency": "EUR"}, "/body/currency"),
        ({"price_amount": -1}, "/body/price_amount"),
        ({"price_amount": 1.5}, "/body/price_amount"),
        ({"name": {"en": "Adult"}}, "/body/name"),
        ({"kind": "dog"}, "/body/kind"),
        ({"persons": 0}, "/body/persons"),
        ({"price_rules": [rule, rule]}, "/body/price_rules"),
        ({"price_rules": [rule | {"weekdays": []}]}, "/body/price_rules/0/weekdays"),
        ({"price_rules": [rule | {"begins": "12:00", "ends": "11:00"}]}, "/body/price_rules/0"),
        ({"price_rules": [rule | {"starts_on": "2026-03-02", "ends_on": "2026-03-01"}]}, "/body/price_rules/0"),
        ({"price_rules": [rule | {"begins": "12:00+08:00"}]}, "/body/price_rules/0"),
    ):
        refused = await scene.keep("ticket-products", usual | wrong, expect=422)
        assert refused["errors"][0]["pointer"] == pointer, refused


async def test_a_quote_says_what_a_cart_would_cost(scene: Scene) -> None:
    adult = await scene.product(price_rules=[{"code": "morning", "amount": 4_500, "ends": "10:00"}])
    group = await scene.product("group", kind="group", persons=10, price_amount=40_000)
    await scene.season()
    first, second, *_ = await scene.available()
    items = [
        {"slot_id": first["id"], "product_id": adult["id"], "quantity": 2},
        {"slot_id": second["id"], "product_id": adult["id"], "quantity": 1},
        {"slot_id": second["id"], "product_id": group["id"], "quantity": 1},
    ]
    quote = await scene.ask("POST", "/v1/ticket-quotes", {"items": items}, by=scene.visitor)
    assert [(line["price_amount"], line["amount"], line["rule"]) for line in quote["lines"]] == [
        (4_500, 9_000, "morning"),
        (6_000, 6_000, None),
        (40_000, 40_000, None),
    ]
    assert (quote["total"], quote["currency"]) == (55_000, "CNY")
    await scene.ask("POST", f"{scene.of}/ticket-slots/{first['id']}/cancellation", {"reason": "weather"})
    refused = await scene.ask("POST", "/v1/ticket-quotes", {"items": items}, by=scene.visitor, expect=409)
    assert refused["conflicts"] == [
        {"slot_id": first["id"], "product_id": adult["id"], "reason": "slot_cancelled"},
    ]
    wrong = [items[0] | {"slot_id": adult["id"]}]
    await scene.ask("POST", "/v1/ticket-quotes", {"items": wrong}, by=scene.visitor, expect=404)


async def test_an_addon_has_a_stock_that_is_lowered_with_a_reason(scene: Scene) -> None:
    addon = await scene.keep("ticket-addons", ADDON)
    path = f"{scene.of}/ticket-addons/{addon['id']}"
    await sold_of_addon(addon["id"], 2)
    body = {name: value for name, value in ADDON.items() if name != "code"}
    refused = await scene.ask("PUT", path, body | {"stock": 1}, expect=409)
    assert refused["conflicts"] == [{"addon_id": addon["id"], "sold": 2, "capacity": 1}]
    lowered = await scene.ask("PUT", path, body | {"stock": 1, "overbook_reason": "One broke"})
    assert lowered["stock"] == 1
    assert (await scene.ask("PUT", path, body | {"stock": None}))["stock"] is None
    assert (await scene.ask("PUT", path, body | {"stock": 5}))["stock"] == 5, "and counts what was sold before"
    assert (await scene.ask("PUT", path, body | {"stock": 1}, expect=409))["conflicts"][0]["sold"] == 2
    offered = (await scene.client.get(f"/v1/attractions/{scene.attraction_id}/ticket-offer")).json()
    assert [one["code"] for one in offered["addons"]] == ["audio-guide"]


async def test_terms_are_said_and_shown(scene: Scene) -> None:
    path = f"{scene.attraction}/ticket-terms"
    said = await scene.ask("PUT", path, TERMS)
    assert said["refunds"][0] == {"notice_hours": 24, "percent": 100}, "the longest notice first"
    assert (await scene.ask("PUT", path, TERMS | {"hold_minutes": 5}))["hold_minutes"] == 5
    shown = (await scene.client.get(f"/v1/attractions/{scene.attraction_id}/ticket-offer")).json()["terms"]
    assert shown == said | {"hold_minutes": 5}
    less = {"refunds": [{"notice_hours": 24, "percent": 50}, {"notice_hours": 1, "percent": 60}]}
    twice = {"refunds": [{"notice_hours": 24, "percent": 50}, {"notice_hours": 24, "percent": 50}]}
    for wrong in (less, twice, {"hold_minutes": 1}, {"change_notice": "-PT1H"}):
        assert (await scene.ask("PUT", path, TERMS | wrong, expect=422))["code"] == "malformed"


async def test_what_an_attraction_sells_is_its_own_to_keep(scene: Scene) -> None:
    await scene.season()
    slot = (await scene.available())[0]
    elsewhere = f"/v1/organizations/{scene.stranger_organization}"
    for method, path, body in (
        ("GET", f"{scene.attraction}/ticket-products", None),
        ("GET", f"{scene.of}/ticket-slots/{slot['id']}", None),
        ("PUT", f"{scene.attraction}/ticket-terms", TERMS),
        ("POST", f"{scene.of}/ticket-slots/{slot['id']}/cancellation", {"reason": "other"}),
    ):
        await scene.ask(method, path, body, by=scene.worker, expect=403)
        await scene.ask(method, path, body, by=scene.stranger, expect=404)
        await scene.ask(method, path, body, by=scene.visitor, expect=404)
        theirs = path.replace(scene.of, elsewhere)
        await scene.ask(method, theirs, body, by=scene.stranger, expect=404)
    await scene.ask("GET", f"{scene.attraction}/ticket-slots", by=scene.operator)


async def sold_of_addon(addon_id: str, quantity: int) -> None:
    """Have somebody buy of an add-on."""
    async with unit_of_work() as session:
        row = await session.get_one(TicketAddon, uuid.UUID(addon_id))
        assert row.pool_id is not None
        await allocate(session, [Portion(row.pool_id, quantity, row.id)], origin_kind="test")


def _wish(product: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in product.items() if name not in {"id", "attraction_id", "version"}}
