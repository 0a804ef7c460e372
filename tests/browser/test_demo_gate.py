"""What the demo sells is admitted at the demo's gate: by the page, in a real browser, before a camera."""

from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from playwright.async_api import Playwright

from app.core import clock
from app.core.clock import ManualClock
from app.demo import attractions, behaviour, community, people, seeding
from app.demo.client import Phones
from app.demo.community import Village
from tests.browser.gates import devices, filmed
from tests.faults.processes import House


async def test_a_ticket_the_demo_sells_is_admitted_at_its_gate(
    playwright: Playwright, home: House, app: FastAPI, tmp_path: Path
) -> None:
    with seeding.phones(app) as phones:
        village = await _founded_yesterday(phones)
        api = await home.api()
        text = await _bought(phones, village)
        film = filmed(text, tmp_path / "camera.y4m")
        async with devices(playwright, api.url, film) as found:
            device = await found.one()
            await device.sign_in(community.GATE_PHONE)
            await device.choose(attractions.GATES[attractions.GARDEN])
            await device.says("admitted")
            await device.unsent(0)
            assert await device.counted() == {"admitted": 1, "left": 0, "inside": 1, "refused": 0}
        (order,) = await _orders(phones, village)
        assert sorted(ticket["state"] for ticket in order["tickets"]) == [
            "admitted",
            "valid",
        ]  # the companion comes later
        garden = (await attractions.places(phones, village))[attractions.GARDEN]
        path = f"{attractions.path_of(village)}/attractions/{garden}"
        assert (await phones.ask(attractions.keeper(village), "GET", path))["inside"] == 1


async def _founded_yesterday(phones: Phones) -> Village:
    """Found the demo with one resident, early enough that today has slots: of a day that has begun none are made."""
    previous = clock.install(ManualClock(clock.now() - timedelta(days=1)))
    try:
        village = await community.found(phones, people.neighbours(behaviour.SEED, 1)[0], lambda _: None)
        await attractions.arrange_attractions(phones, village)
    finally:
        clock.install(previous)
    return village


async def _bought(phones: Phones, village: Village) -> str:
    """Buy a day at the garden, with a companion for nothing by the card, and return the code of the first ticket."""
    garden = (await attractions.places(phones, village))[attractions.GARDEN]
    path = f"/v1/attractions/{garden}"
    zone = ZoneInfo(community.TIME_ZONE)
    midnight = datetime.combine(clock.now().astimezone(zone).date(), time(), zone).astimezone(ZoneInfo("UTC"))
    slots = (await phones.ask(None, "GET", f"{path}/availability?from={midnight:%Y-%m-%dT%H:%M:%SZ}"))["slots"]
    products = (await phones.ask(None, "GET", f"{path}/ticket-offer"))["products"]
    items = [{"slot_id": slots[0]["id"], "product_id": product["id"]} for product in products]
    guide = village.guide
    quote = await phones.ask(guide.actor, "POST", f"/v1/residents/{guide.id}/ticket-quotes", {"items": items})
    assert quote["total"] == 400
    cart = {"items": items, "total": 400, "payment_method": "provider"}
    bought = await phones.ask(guide.actor, "POST", f"/v1/residents/{guide.id}/ticket-carts", cart)
    first = next(one for one in bought["orders"][0]["tickets"] if one["price"])
    return str((await phones.ask(guide.actor, "GET", f"/v1/tickets/{first['id']}/code"))["text"])


async def _orders(phones: Phones, village: Village) -> list[dict[str, object]]:
    guide = village.guide
    return list((await phones.ask(guide.actor, "GET", f"/v1/residents/{guide.id}/ticket-orders"))["items"])
