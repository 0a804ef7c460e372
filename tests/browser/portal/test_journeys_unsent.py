"""Calls for help that did not arrive: pressed again, put away, and from a device that keeps nothing."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Route, expect

from app.core import clock
from app.portal.resident_home.texts import WORDS
from tests.browser.portal.at_home import at_home, open_kept, says_not_sent, signals, waiting, within
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.faults.processes import eventually

EN = WORDS["en"]
# What was pressed before, as the page keeps it.
_PRESSED = """([given, state, status]) => new Promise((resolve, reject) => {
    const opening = indexedDB.open("hearthline-outbox");
    opening.onerror = reject;
    opening.onsuccess = () => {
        const key = crypto.randomUUID();
        const item = {
            who: document.documentElement.dataset.pushWho, kind: "sos", says: "help", action: "/me/help", key, given,
            fields: [["sos_id", key]], urgent: true, state, status, ahead: 0,
        };
        const kept = opening.result.transaction("items", "readwrite").objectStore("items").add(item);
        kept.onsuccess = () => { opening.result.close(); resolve(); };
    };
})"""
_SILENT = """Object.defineProperty(IDBFactory.prototype, "open", { value: () => ({}) });"""
_REFUSED = """Object.defineProperty(IDBFactory.prototype, "open", { value: () => { throw new Error("refused"); } });"""
pytestmark = pytest.mark.usefixtures("portal")


async def pressed(window: Window, ago: timedelta, state: str = "waiting", status: int | None = None) -> None:
    """Have something been pressed on the device before."""
    given = (clock.now() - ago).timestamp() * 1000
    await window.page.evaluate(_PRESSED, [given, state, status])


async def reopened(window: Window) -> None:
    """Load the page again."""
    await window.page.reload(timeout=PATIENCE, wait_until="domcontentloaded")


async def test_a_call_of_yesterday_does_not_swallow_the_one_of_now(open_windows: Windows) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    await open_kept(window)
    await window.context.set_offline(True)
    await pressed(window, timedelta(hours=23))
    await reopened(window)
    await says_not_sent(window)
    begun = clock.now()
    await window.press(EN["help"])
    await says_not_sent(window)
    await window.context.set_offline(False)

    async def has_arrived() -> bool:
        return any(within(at, begun, begun + timedelta(seconds=5)) for (at,) in await signals())

    await eventually(has_arrived)

    async def is_empty() -> bool:
        return not await waiting(window)

    await eventually(is_empty)


async def test_one_that_was_refused_elsewhere_is_asked_about_and_can_be_put_away(open_windows: Windows) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    await open_kept(window)
    await window.context.set_offline(True)
    await pressed(window, timedelta(hours=25))
    await reopened(window)
    await says_not_sent(window)
    # The worker, or another tab, has it refused: this page hears of it as it does of everything.
    await window.context.set_offline(False)
    panel = window.page.locator("#sos")
    await expect(panel).to_have_attribute("data-state", "refused", timeout=PATIENCE)
    await expect(window.page.locator("[data-sos-says]")).to_contain_text("never arrived")
    await window.page.locator("[data-sos-drop]").click()
    await expect(window.page.locator("[data-sos-alert] .not-sent")).to_have_count(0)

    async def is_empty() -> bool:
        return not await waiting(window)

    await eventually(is_empty)
    assert await signals() == []


@pytest.mark.parametrize("store", [_SILENT, _REFUSED])
async def test_a_device_that_keeps_nothing_calls_all_the_same(open_windows: Windows, store: str) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    await window.page.add_init_script(store)
    await window.open("/me")
    await window.press(EN["help"])
    await expect(window.page.locator("#sos")).to_have_attribute("data-state", "sent", timeout=PATIENCE)
    assert len(await signals()) == 1


async def test_a_page_of_a_hotel_is_no_word_of_the_server(open_windows: Windows) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    await window.page.add_init_script(_REFUSED)
    await window.open("/me")
    shut = True

    async def answer(route: Route) -> Any:
        if shut and route.request.method == "POST":
            return await route.fulfill(status=200, content_type="text/html", body="<!doctype html><title>Wi-Fi</title>")
        return await route.continue_()

    await window.context.route("**/me/help", answer)
    await window.press(EN["help"])
    await says_not_sent(window)
    assert await signals() == []
    shut = False
    await expect(window.page.locator("#sos")).to_have_attribute("data-state", "sent", timeout=PATIENCE)
    assert len(await signals()) == 1
