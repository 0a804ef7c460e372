"""Live pages in a real browser: two caregivers at once, a line that breaks, a form half filled in."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser, expect

from app import assembly
from app.core.database import Database, unit_of_work
from app.core.settings import Settings
from app.identity.api import change_consent, end_browser_session, revoke_grant
from app.identity.models import Account, Grant, Resident
from app.identity.scopes import GRANTABLE
from app.main import create_app
from app.portal.ground.texts import COMMON
from eldercare.alarms.models import Alarm
from eldercare.response import service as response
from tests.browser.network import Network, network
from tests.browser.portal.windows import PATIENCE, Window, Windows, windows
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.portal.live import board
from tests.streams import served


class Here:
    """A server in this process, as the network sees one."""

    def __init__(self, url: str) -> None:
        self.url = url


@dataclass
class Portal:
    """A server that can be stopped and started again, and the browsers before it."""

    app: FastAPI
    network: Network
    stack: AsyncExitStack

    async def start(self) -> None:
        """Serve."""
        url = await self.stack.enter_async_context(served(self.app))
        self.network.lead_to(Here(url))  # type: ignore[arg-type]

    async def stop(self) -> None:
        """Stop as a process does that is replaced."""
        await self.stack.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def portal(database: Database, test_settings: Settings, monkeypatch: Any) -> AsyncIterator[Portal]:
    """Serve the portal, with one page more."""
    board.prepare()
    monkeypatch.setattr(assembly, "ROUTERS", (*assembly.ROUTERS, board.router))
    async with network() as between, AsyncExitStack() as stack:
        running = Portal(create_app(test_settings), between, stack)
        monkeypatch.setattr(test_settings.http, "public_url", between.url)
        await running.start()
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def open_windows(browser: Browser, portal: Portal) -> AsyncIterator[Windows]:
    """Open windows of people who are signed in."""
    async with windows(browser, portal.network.url) as opened:
        yield opened


@dataclass
class Family:
    """A resident with an alarm, and two who care for them."""

    resident: Resident
    alarm: Alarm
    people: list[Account]
    grants: list[Grant]

    @property
    def page(self) -> str:
        """The page about them."""
        return f"{board.ADDRESS}/{self.resident.id}"


@pytest_asyncio.fixture(loop_scope="session")
async def family(portal: Portal) -> Family:
    """Return a family."""
    scene = await alarms.scene(circle=0)
    people = [await identity.account(scene.community, name=name) for name in ("First", "Second")]
    grants = [await identity.grant(scene.resident, person, GRANTABLE) for person in people]
    return Family(scene.resident, await alarms.raised(scene.resident), people, grants)


async def takes(family: Family) -> None:
    """Have the second caregiver take the alarm, on a device of theirs."""
    async with unit_of_work() as session:
        await response.acknowledge(session, alarms.actor_of(family.people[1]), family.alarm.id)


async def departs(family: Family) -> None:
    """Have them set out."""
    async with unit_of_work() as session:
        await response.depart(session, alarms.actor_of(family.people[1]), family.alarm.id)


async def shows(window: Window, state: str) -> None:
    await expect(window.page.locator("#states li").first).to_have_text(state, timeout=PATIENCE)


async def is_live(window: Window) -> None:
    """Return once the page's line is up: from here on it misses nothing."""
    await expect(window.page.locator("html")).to_have_attribute("data-line", "up", timeout=PATIENCE)


async def opened(open_windows: Windows, family: Family) -> list[Window]:
    pair = [await open_windows.of(person) for person in family.people]
    for window in pair:
        await window.open(family.page)
        await is_live(window)
    return pair


async def test_what_one_does_the_other_sees(open_windows: Windows, family: Family) -> None:
    one, other = await opened(open_windows, family)
    before = (await other.page.locator("#states li").first.inner_text()).strip()
    await one.press("Acknowledge")
    await shows(other, "acknowledged")
    assert before != "acknowledged"
    await shows(one, "acknowledged")


async def test_a_form_half_filled_in_stays_as_it_is(open_windows: Windows, family: Family) -> None:
    one, other = await opened(open_windows, family)
    await other.page.locator("#more summary").click()
    await other.page.locator("#sure").check()
    note = other.page.locator("#note")
    await note.fill("She sits in the kitchen")
    await note.evaluate("(field) => field.setSelectionRange(4, 8)")
    await one.press("Acknowledge")
    await shows(other, "acknowledged")
    assert await note.input_value() == "She sits in the kitchen"
    assert await note.evaluate("(field) => [document.activeElement === field, field.selectionStart]") == [True, 4]
    assert await other.page.locator("#sure").is_checked()
    assert await other.page.locator("#more").evaluate("(one) => one.open")


async def test_a_line_that_breaks_is_told_and_nothing_is_missed(
    open_windows: Windows, family: Family, portal: Portal
) -> None:
    one, _ = await opened(open_windows, family)
    line = one.page.locator("#line-status")
    await expect(line).to_be_hidden()
    portal.network.cut()
    await expect(line).to_have_text(await line.get_attribute("data-down") or "?", timeout=PATIENCE)
    await takes(family)
    portal.network.restore()
    await shows(one, "acknowledged")
    await expect(line).to_have_text(await line.get_attribute("data-up") or "?", timeout=PATIENCE)
    await expect(line).to_be_hidden(timeout=PATIENCE)


async def test_a_server_that_was_replaced_is_found_again(open_windows: Windows, family: Family, portal: Portal) -> None:
    one, _ = await opened(open_windows, family)
    await portal.stop()
    await takes(family)
    line = one.page.locator("#line-status")
    await expect(line).to_be_visible(timeout=PATIENCE)
    await portal.start()
    await shows(one, "acknowledged")
    await expect(line).to_be_hidden(timeout=PATIENCE)
    # And it follows from here on.
    await departs(family)
    await shows(one, "en_route")


async def test_whoever_is_offline_is_told_at_once(open_windows: Windows, family: Family) -> None:
    one, _ = await opened(open_windows, family)
    line = one.page.locator("#line-status")
    await one.context.set_offline(True)
    await expect(line).to_be_visible(timeout=PATIENCE)
    await one.context.set_offline(False)
    await expect(line).to_have_text(await line.get_attribute("data-up") or "?", timeout=PATIENCE)


async def test_whoever_is_signed_out_is_told_and_asks_no_more(open_windows: Windows, family: Family) -> None:
    one, _ = await opened(open_windows, family)
    await one.page.locator("#note").fill("What I typed is mine")
    (cookie,) = [kept for kept in await one.context.cookies() if kept["name"].endswith("hearthline")]
    asked: list[str] = []
    async with unit_of_work() as session:
        await end_browser_session(session, cookie["value"])
    line = one.page.locator("#line-status")
    await expect(line.locator("a")).to_have_attribute(
        "href", f"/portal/sign-in?next={family.page.replace('/', '%2F')}", timeout=PATIENCE
    )
    # Whoever sits there now need not be who was signed in.
    assert await one.page.locator("main").inner_text() == ""
    assert "First" not in await one.page.locator("body").inner_text()
    assert await one.page.title() == "Hearthline"
    one.page.on("request", lambda request: asked.append(request.url))
    await one.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await one.page.evaluate("new Promise((done) => setTimeout(done, 1500))")
    assert asked == []


async def test_what_may_not_be_seen_any_more_leaves_the_screen(open_windows: Windows, family: Family) -> None:
    one, _ = await opened(open_windows, family)
    async with unit_of_work() as session:
        owner = alarms.actor_of(await session.get_one(Account, family.resident.account_id), family.resident)
        await revoke_grant(session, owner, resident_id=family.resident.id, grant_id=family.grants[0].id)
    await expect(one.page.locator("#states")).to_have_count(0, timeout=PATIENCE)
    # And so does what is not live on it: the page is not theirs any more.
    await expect(one.page.locator("h1")).to_have_text(COMMON["en"]["trouble_title"], timeout=PATIENCE)


async def test_what_is_not_live_goes_by_the_readers_rights_too(open_windows: Windows, family: Family) -> None:
    one = await open_windows.of(family.people[0])
    await one.open(f"/portal/alarms/{family.alarm.id}")
    await is_live(one)
    await one.sees("1 Lake Road")
    async with unit_of_work() as session:
        owner = alarms.actor_of(await session.get_one(Account, family.resident.account_id), family.resident)
        await change_consent(
            session, owner, family.grants[0].id, None, scopes=["alarms:read", "alarms:respond"], expires_at=None
        )
    await expect(one.page.locator("#alarm-where")).not_to_contain_text("1 Lake Road", timeout=PATIENCE)
    await expect(one.page.locator("#alarm-top strong").first).to_be_visible()


async def test_a_page_of_somebody_else_is_left(open_windows: Windows, family: Family) -> None:
    one, other = await opened(open_windows, family)
    (cookie,) = [kept for kept in await other.context.cookies() if kept["name"].endswith("hearthline")]
    await one.context.add_cookies([cast("Any", cookie)])  # who signed in here meanwhile
    await one.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(one.page.locator(".bar .who")).to_have_text("Second", timeout=PATIENCE)
    await is_live(one)


async def test_the_page_is_accessible_with_and_without_a_line(
    open_windows: Windows, family: Family, portal: Portal
) -> None:
    one, _ = await opened(open_windows, family)
    portal.network.cut()
    await expect(one.page.locator("#line-status")).to_be_visible(timeout=PATIENCE)
    await one.is_accessible()
    portal.network.restore()


_PRESSED = """(wait) => new Promise((done) => {
    const press = () => {
        const button = [...document.querySelectorAll("#alarms button")].at(-1);
        const { left, top } = button.getBoundingClientRect();
        const where = { clientX: left + 5, clientY: top + 5 };
        const click = new MouseEvent("click", { bubbles: true, cancelable: true, detail: 1, ...where });
        // Whatever got through does nothing here.
        button.form.addEventListener("click", (event) => {
            event.preventDefault();
            done(`pressed ${button.textContent}`);
        }, { once: true });
        button.dispatchEvent(click);
        done("swallowed");
    };
    addEventListener("live:swapped", () => (wait ? setTimeout(press, wait) : queueMicrotask(press)), { once: true });
    document.dispatchEvent(new Event("visibilitychange"));
})"""


async def test_a_button_that_became_another_under_a_thumb_is_not_pressed_by_it(
    open_windows: Windows, family: Family, portal: Portal
) -> None:
    one, _ = await opened(open_windows, family)
    part = await (await one.page.request.get(f"{one.url}{family.page}/part")).text()
    assert await one.page.evaluate(_PRESSED, 0) == "pressed Acknowledge"
    part = part.replace("Acknowledge", "Take over")
    await one.page.route("**/part", lambda route: route.fulfill(body=part, content_type="text/html"))
    assert await one.page.evaluate(_PRESSED, 0) == "swallowed"
    told = one.page.get_by_role("alert")
    await expect(told).to_have_text(await one.page.locator("#line-status").get_attribute("data-changed") or "?")
    assert await one.page.evaluate(_PRESSED, 1_000) == "pressed Take over"


async def test_a_part_that_cannot_be_fetched_is_told_though_the_line_is_up(
    open_windows: Windows, family: Family, portal: Portal
) -> None:
    one, _ = await opened(open_windows, family)
    line = one.page.locator("#line-status")
    await one.page.route("**/part", lambda route: route.fulfill(status=503, body=""))
    await takes(family)
    await expect(line).to_have_text(await line.get_attribute("data-down") or "?", timeout=PATIENCE)
    await one.page.unroute("**/part")
    await shows(one, "acknowledged")
    await expect(line).to_have_text(await line.get_attribute("data-up") or "?", timeout=PATIENCE)
