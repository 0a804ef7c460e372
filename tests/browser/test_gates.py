"""The gate's page in a real browser with a camera: it scans without a network, and brings what it scanned later."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio
import sqlalchemy as sa
from playwright.async_api import Playwright, Route, expect

from app.core import clock
from app.core.database import reading
from app.portal.gates.routes import version
from community.gates.models import SCANS
from tests.browser.at_an_attraction import CARD, PHONE, open_now
from tests.browser.gates import PATIENCE, Device, devices, filmed
from tests.browser.network import Network, network
from tests.community.ticket_codes.vectors import FILE
from tests.factories import community_attractions as attractions
from tests.factories import community_gates as gates
from tests.faults.processes import House, eventually


@dataclass(frozen=True)
class Site:
    """An API, and the network over which devices reach it."""

    network: Network
    api: str


@pytest_asyncio.fixture(loop_scope="session")
async def site(home: House) -> AsyncIterator[Site]:
    async with network() as between:
        api = await home.api(HEARTHLINE_HTTP_PUBLIC_URL=between.url)
        between.lead_to(api)
        yield Site(between, api.url)


async def at_gate(device: Device, name: str = "East") -> None:
    await device.sign_in(PHONE)
    await device.choose(name)


async def brought(**where: Any) -> list[sa.Row[Any]]:
    """Return what was brought, in the order of scanning."""
    async with reading() as connection:
        rows = await connection.execute(sa.select(SCANS).filter_by(**where).order_by(SCANS.c.scanned_at))
    return list(rows)


@dataclass(frozen=True)
class Codes:
    """What is shown at the gate in a day."""

    seen: str
    returning: str
    refunded: str
    early: str
    elsewhere: str


async def test_a_day_at_the_gate_without_a_network(playwright: Playwright, site: Site, tmp_path: Path) -> None:
    scene = await open_now("East")
    seen = await gates.tickets(scene.attraction, persons=2, is_named=True)
    (returning,) = await gates.tickets(scene.attraction, reentry="same_day")
    others = (
        *await gates.tickets(scene.attraction, state="refunded"),
        *await gates.tickets(scene.attraction, begins=clock.now() + timedelta(hours=1)),
        *await gates.tickets(await attractions.attraction(scene.organization)),
    )
    codes = Codes(*await gates.texts(seen, name_checked=True), *await gates.texts([returning, *others]))
    async with devices(playwright, site.network.url, filmed(codes.seen, tmp_path / "camera.y4m")) as found:
        device = await found.one()
        await at_gate(device)
        # The camera sees a ticket for two: the API is asked, and both are let in.
        await device.says("admitted")
        await expect(device.page.locator("#verdict-checks")).to_contain_text(await device.words("check_name"))
        await device.unsent(0)
        assert await device.counted() == {"admitted": 2, "left": 0, "inside": 2, "refused": 0}
        assert await device.page.evaluate("buzzes") == [[80]]
        await device.page.screenshot(path=tmp_path / "gate.png")
        for is_on in ("true", "false"):
            await device.page.locator("#light").click()
            await expect(device.page.locator("#light")).to_have_attribute("aria-pressed", is_on)
        assert await device.page.evaluate("lights") == [True, False]

        site.network.cut()
        await _refused(device, codes)
        await _in_by_card_out_and_in_again(device, codes)
        await _let_in_all_the_same(device, codes)
        counted = {"admitted": 6, "left": 1, "inside": 5, "refused": 8}
        assert await device.counted() == counted
        await device.unsent(13)

        # Loaded again, still without a network: nothing was forgotten.
        await device.page.reload()
        await expect(device.page.locator("#gate-name")).to_contain_text("East", timeout=PATIENCE)
        await device.says("refused", "already_inside")  # what the camera still sees
        assert await device.counted() == counted | {"refused": 9}
        await device.type(codes.returning)
        await device.says("refused", "already_inside")
        await device.unsent(15)
        site.network.restore()
        await _brought_although_an_answer_is_lost(device)
    rows = await brought()
    assert len(rows) == 16
    assert sum(row.is_through and row.direction == "entry" for row in rows) == 5
    ways = [row.outcome for row in rows if row.ticket_id == returning.id and row.is_through]
    assert ways == ["admitted", "left", "admitted"]
    assert [row.overridden_by for row in rows if row.override_reason] == [scene.coordinator.id]
    assert await scene.conflicts(site.api) == []


async def _refused(device: Device, codes: Codes) -> None:
    await device.type(codes.returning)
    await device.says("admitted")
    await expect(device.page.locator("body")).to_have_attribute("data-network", "down", timeout=PATIENCE)
    for text, why in (
        (codes.returning, "already_inside"),
        (f"{codes.returning[:-3]}000", "forged"),
        (codes.refunded, "revoked"),
        (codes.elsewhere, "other_attraction"),
        (codes.early, "not_yet"),
        ("HL1:NO TICKET", "malformed"),
        ("SC 2049 7701", "unknown_card"),
    ):
        await device.type(text)
        await device.says("refused", why)


async def _in_by_card_out_and_in_again(device: Device, codes: Codes) -> None:
    await device.type(CARD.lower())
    await device.says("admitted")
    await device.page.locator("label[for=exit]").click()
    await device.type(codes.returning)
    await device.says("left")
    await device.page.locator("label[for=entry]").click()
    await device.type(codes.returning)
    await device.says("admitted")


async def _let_in_all_the_same(device: Device, codes: Codes) -> None:
    await device.type(codes.early)
    await device.says("refused", "not_yet")
    # What a scanner types ends with Enter: nobody is let in by it.
    await device.page.locator("#override").click()
    await device.page.keyboard.press("Enter")
    await expect(device.page.locator("#overriding")).to_be_hidden()
    await device.says("refused", "not_yet")
    await device.page.locator("#override").click()
    await device.page.locator("#override-reason").select_option(await device.words("because_paper"))
    await device.page.locator("#overriding button[value=yes]").click()
    await device.says("admitted")


async def _brought_although_an_answer_is_lost(device: Device) -> None:
    """Lose the first answer on the way back: all is brought once more."""
    lost: list[int] = []

    async def lose(route: Route) -> None:
        if lost:
            await route.continue_()
        else:
            lost.append((await route.fetch()).status)
            await route.abort()

    async def is_lost() -> bool:
        return bool(lost)

    await device.context.route("**/scans", lose)
    await device.page.locator("#upload").click()
    await eventually(is_lost)
    await device.page.locator("#upload").click()
    await device.unsent(0)
    assert lost == [200]


async def test_two_gates_without_a_network_let_one_ticket_in_and_are_told(
    playwright: Playwright, site: Site, tmp_path: Path
) -> None:
    scene = await open_now("East", "West")
    tickets = await gates.tickets(scene.attraction, 2)
    text, asked = await gates.texts(tickets)
    async with devices(
        playwright, site.network.url, filmed("https://example.org/?other", tmp_path / "camera.y4m")
    ) as found:
        # One clock is right, one three hours ahead.
        east, west = await found.one(), await found.one("?lang=zh-CN")
        await west.page.clock.install(time=clock.now() + timedelta(hours=3))
        await west.page.reload()
        for device, name in ((east, "East"), (west, "West")):
            await at_gate(device, name)
            await device.says("refused", "malformed")
        await expect(west.page.locator("#clock-off")).to_contain_text("3")
        await expect(east.page.locator("#clock-off")).to_be_hidden()
        # With a network the second is told before it lets in.
        await west.type(asked)
        await west.says("admitted")
        await east.type(asked)
        await east.says("refused", "already_inside")

        site.network.cut()
        for device in (east, west):
            await device.type(text)
            await device.says("admitted")
            await device.unsent(1)
        site.network.restore()
        for device in (east, west):
            await device.page.locator("#upload").click()
            await device.unsent(0)
        # Whoever brings it second is told.
        told = [await device.page.locator("#told-list [data-outcome=conflict]").count() for device in (east, west)]
        assert sorted(told) == [0, 1]
        second = (east, west)[told.index(1)]
        await expect(second.page.locator("#told-list")).to_contain_text(await second.words("outcome_conflict"))

        # A list that is too old is spoken of; so is a code that verifies by no key of ours, whatever the page is told.
        site.network.cut()
        await west.page.clock.set_fixed_time(clock.now() + timedelta(days=2, hours=3))
        await west.page.reload()
        await expect(west.page.locator("#list-old")).to_be_visible(timeout=PATIENCE)
        vectors = json.loads(FILE.read_text())
        assert await east.page.evaluate(_VERDICTS, vectors) == [case["expected"] for case in vectors["cases"]]
    (conflict,) = await scene.conflicts(site.api)
    assert conflict["ticket_id"] == str(tickets[0].id)
    assert abs(conflict["entry"]["clock_ahead"] or conflict["other"]["clock_ahead"]) > 10_000


_VERDICTS = """async ({ keys, attraction_tag, cases }) => {
    const gate = document.querySelector("script[type=module]").src;
    const { Refused, imported, toBase64Url, untimely, verified } = await import(gate.replace("gate.js", "code.js"));
    const bytes = (hex) => Uint8Array.from(hex.match(/../g), (byte) => parseInt(byte, 16));
    const listed = keys.filter((key) => key.listed);
    const ready = await imported(listed.map((key) => ({ number: key.number, public: toBase64Url(bytes(key.public)) })));
    return Promise.all(cases.map(async ({ text, at }) => {
        try {
            return untimely(await verified(text, ready), attraction_tag, Date.parse(at)) ?? "valid";
        } catch (error) {
            if (error instanceof Refused) return error.message;
            throw error;
        }
    }));
}"""


async def test_a_new_version_waits_until_it_is_wanted_and_replaces_all_of_the_old_one(
    playwright: Playwright, site: Site, tmp_path: Path
) -> None:
    scene = await open_now("East")
    (text,) = await gates.texts(await gates.tickets(scene.attraction))
    async with devices(playwright, site.network.url, filmed(text, tmp_path / "camera.y4m")) as found:
        device = await found.one()
        await at_gate(device)
        await device.says("admitted")
        page = device.page
        await page.evaluate("caches.open('hearthline-gates-before').then(() => caches.open('of another page'))")
        # A worker with another address is a newer one.
        newer = "navigator.serviceWorker.register('/portal/gates/worker.js?newer', { scope: '/portal/gates' })"
        await page.evaluate(newer)
        async with page.expect_navigation():
            await page.locator("#new-version").click(timeout=PATIENCE)
        assert str(await page.evaluate("navigator.serviceWorker.controller.scriptURL")).endswith("?newer")
        await device.says("refused", "already_inside")
        await device.unsent(0)
        assert set(await page.evaluate("caches.keys()")) == {f"hearthline-gates-{version()}", "of another page"}
        # What the API answers is kept by no worker.
        kept = await page.evaluate(_CACHED)
        assert kept
        assert all(address.startswith("/portal/") for address in kept)


async def test_nothing_is_left_of_who_signs_out(playwright: Playwright, site: Site, tmp_path: Path) -> None:
    scene = await open_now("East")
    text, other = await gates.texts(await gates.tickets(scene.attraction, 2))
    async with devices(playwright, site.network.url, filmed(text, tmp_path / "camera.y4m")) as found:
        device = await found.one()
        await at_gate(device)
        await device.says("admitted")
        await device.unsent(0)

        # A session that is ended elsewhere takes everything with it but who passed and is still to be brought.
        site.network.cut()
        await device.type(other)
        await device.says("admitted")
        await _refused_without_a_network(device, site, unsent=2)
        await scene.sign_out_everywhere(site.api)
        site.network.restore()
        await device.page.locator("#upload").click()
        await expect(device.page.locator("#sign-in")).to_be_visible(timeout=PATIENCE)
        await expect(device.page.locator("#left-behind")).to_contain_text("1")
        kept = await device.kept()
        assert [(name, len(rows)) for name, rows in sorted(kept.items())] == [("kept", 0), ("passes", 0), ("scans", 1)]
        await at_gate(device)
        await device.unsent(0)

        # Without a network nobody signs out unaware of what would be lost; with one, nothing is left.
        await _refused_without_a_network(device, site, unsent=1)
        await device.page.locator("#sign-out").click()
        await device.page.locator("#leaving button").first.click(timeout=PATIENCE)
        await device.unsent(1)
        site.network.restore()
        await device.page.locator("#sign-out").click()
        await expect(device.page.locator("#sign-in")).to_be_visible(timeout=PATIENCE)
        assert not any((await device.kept()).values())
        await device.page.reload()
        await expect(device.page.locator("#contact")).to_be_visible(timeout=PATIENCE)
    rows = await brought()
    assert [row.is_through for row in rows if row.ticket_id is not None and row.outcome == "admitted"] == [True, True]
    assert len([row for row in rows if row.reason == "malformed"]) == 1


async def _refused_without_a_network(device: Device, site: Site, *, unsent: int) -> None:
    site.network.cut()
    await device.type("HL1:NOT ONE OF OURS")
    await device.says("refused", "malformed")
    await device.unsent(unsent)


_CACHED = """async () => {
    const found = [];
    for (const name of await caches.keys()) {
        for (const request of await (await caches.open(name)).keys()) found.push(new URL(request.url).pathname);
    }
    return found;
}"""
