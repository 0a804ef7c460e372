"""Calls for help that did not arrive: pressed again, put away, and from a device that keeps nothing."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Route, expect

from app.core import clock
from app.portal.ground.texts import COMMON
from app.portal.resident_home.texts import WORDS
from tests.browser.portal.at_home import at_home, open_kept, says_not_sent, signals, waiting, within
from tests.browser.portal.phones import sign_in_on
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.faults.processes import eventually

EN = WORDS["en"]
# What was pressed before, as the page keeps it.
_PRESSED = """([given, state, status, more]) => new Promise((resolve, reject) => {
    const opening = indexedDB.open("hearthline-outbox");
    opening.onerror = reject;
    opening.onsuccess = () => {
        const key = crypto.randomUUID();
        const item = {
            who: document.documentElement.dataset.pushWho, kind: "sos", says: "help", action: "/me/help", key, given,
            fields: [["sos_id", key]], urgent: true, state, status, ahead: 0, ...more,
        };
        const kept = opening.result.transaction("items", "readwrite").objectStore("items").add(item);
        kept.onsuccess = () => { opening.result.close(); resolve(); };
    };
})"""
# The worker was told that it is too late to take that back.
_TOO_LATE = """() => new Promise((resolve, reject) => {
    const opening = indexedDB.open("hearthline-outbox");
    opening.onerror = reject;
    opening.onsuccess = () => {
        const changing = opening.result.transaction("items", "readwrite");
        const asked = changing.objectStore("items").getAll();
        let key = "";
        asked.onsuccess = () => {
            const item = asked.result.find(({ kind }) => kind === "sos_back");
            key = item.key;
            changing.objectStore("items").put({ ...item, state: "refused", status: 422 });
        };
        changing.oncomplete = () => {
            opening.result.close();
            new BroadcastChannel("hearthline-outbox").postMessage({ what: "refused", kind: "sos_back", key });
            resolve();
        };
    };
})"""
_OTHER = "0190a8b4-0000-7000-8000-000000000009"
# What somebody left there days ago, and what of it is there now: whose, what, how it stands, whether anything is in it.
_LEFT = """([kind, days, who]) => new Promise((resolve, reject) => {
    const opening = indexedDB.open("hearthline-outbox");
    opening.onerror = reject;
    opening.onsuccess = () => {
        const item = {
            who, kind, says: kind, action: "/me/nothing", key: crypto.randomUUID(), given: Date.now() - days * 86400000,
            fields: [["text", kind]], urgent: kind === "sos", state: "waiting",
        };
        const kept = opening.result.transaction("items", "readwrite").objectStore("items").add(item);
        kept.onsuccess = () => { opening.result.close(); resolve(); };
    };
})"""
_KEPT = """() => new Promise((resolve, reject) => {
    const opening = indexedDB.open("hearthline-outbox");
    opening.onerror = reject;
    opening.onsuccess = () => {
        const asked = opening.result.transaction("items").objectStore("items").getAll();
        asked.onsuccess = () => {
            opening.result.close();
            resolve(asked.result.map(({ who, kind, state, fields }) => [who, kind, state, fields.length]));
        };
    };
})"""
_SILENT = """Object.defineProperty(IDBFactory.prototype, "open", { value: () => ({}) });"""
_REFUSED = """Object.defineProperty(IDBFactory.prototype, "open", { value: () => { throw new Error("refused"); } });"""
pytestmark = pytest.mark.usefixtures("portal")


async def pressed(
    window: Window, ago: timedelta, state: str = "waiting", status: int | None = None, **more: Any
) -> None:
    """Have something been pressed on the device before."""
    given = (clock.now() - ago).timestamp() * 1000
    await window.page.evaluate(_PRESSED, [given, state, status, more])


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


async def test_a_call_whose_try_hangs_does_not_hold_up_the_one_of_now(open_windows: Windows) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    await window.open("/me")
    before, hanging = str(clock.new_id()), list[Route]()

    async def hang(route: Route) -> None:
        if before in (route.request.post_data or ""):
            hanging.append(route)
        else:
            await route.fallback()

    async def hangs() -> bool:
        return bool(hanging)

    async def has_arrived() -> bool:
        return bool(await signals())

    await window.context.route("**/me/help", hang)
    await pressed(window, timedelta(hours=1), posted=1, key=before)
    await reopened(window)
    await eventually(hangs)
    begun = clock.now()
    await window.press(EN["help"])
    await eventually(has_arrived)
    assert clock.now() - begun < timedelta(seconds=8)


async def test_one_of_days_ago_is_raised_when_it_arrives_and_a_refused_one_can_be_put_away(
    open_windows: Windows,
) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    await open_kept(window)

    async def is_empty() -> bool:
        return not await waiting(window)

    await pressed(window, timedelta(hours=1), "refused", 403)
    await reopened(window)
    await expect(window.page.locator("#sos")).to_have_attribute("data-state", "refused", timeout=PATIENCE)
    await window.page.locator("[data-sos-drop]").click()
    await expect(window.page.locator("[data-sos-alert] .not-sent")).to_have_count(0)
    await eventually(is_empty)
    assert await signals() == []

    await window.context.set_offline(True)
    await pressed(window, timedelta(minutes=1), kind="sos_back", action="/me/help/cancel", key=f"back-{clock.new_id()}")
    await reopened(window)
    await expect(window.page.locator("#sos")).to_have_attribute("data-state", "taking", timeout=PATIENCE)
    await window.page.evaluate(_TOO_LATE)
    await expect(window.page.locator("#sos")).to_have_attribute("data-state", "late", timeout=PATIENCE)
    await eventually(is_empty)

    await pressed(window, timedelta(days=4), "refused", 422)  # as one of yesterday once was
    await reopened(window)
    await says_not_sent(window)
    await window.context.set_offline(False)

    async def has_arrived() -> bool:
        return len(await signals()) == 1

    await eventually(has_arrived)
    [(at,)] = await signals()
    assert within(at, clock.now() - timedelta(days=4, minutes=5), clock.now() - timedelta(days=4))
    await expect(window.page.locator("html[data-kept-at]")).to_have_count(0, timeout=PATIENCE)
    await window.open("/me/help")
    await expect(window.page.locator("[data-pressed-late]")).to_be_visible(timeout=PATIENCE)
    await eventually(is_empty)


async def test_one_that_nobody_sent_is_said_to_whoever_sits_there_and_what_others_left_goes(
    open_windows: Windows,
) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    page = window.page
    await window.open("/me")
    own = await page.evaluate("document.documentElement.dataset.pushWho")
    for kind, days, who in (
        ("message", 13, _OTHER), ("dose", 15, _OTHER), ("reading", 61, _OTHER), ("sos", 400, _OTHER), ("fine", 20, own)
    ):  # fmt: skip
        await page.evaluate(_LEFT, [kind, days, who])
    said = page.locator("#unsent-help")
    await reopened(window)
    await expect(said).to_contain_text(COMMON["en"]["unsent_help_other"], timeout=PATIENCE)

    async def is_swept() -> bool:
        left = await page.evaluate(_KEPT)
        others = [one for one in left if one[0] == _OTHER]
        return others == [[_OTHER, "message", "waiting", 1], [_OTHER, "dose", "gone", 0], [_OTHER, "sos", "waiting", 1]]

    await eventually(is_swept)
    assert [one[1] for one in await page.evaluate(_KEPT) if one[0] == own] == ["fine"]

    # Signed out, it is said without saying whose, and whom to phone; in the reader's language.
    await window.press(EN["sign_out"])
    await expect(page).to_have_url(f"{window.url}/portal/sign-in?done=signed_out", timeout=PATIENCE)
    await expect(said).to_contain_text(COMMON["en"]["unsent_help"], timeout=PATIENCE)
    assert await said.get_attribute("role") == "alert"
    await expect(said.locator("a[href^='tel:']").first).to_be_visible()
    await window.is_accessible()
    await page.goto(f"{window.url}/portal/sign-in?lang=zh-CN", timeout=PATIENCE)
    await expect(said).to_contain_text(COMMON["zh-CN"]["unsent_help"], timeout=PATIENCE)
    assert await signals() == []

    # Whose it is sends it from any page, also from one that keeps nothing.
    await sign_in_on(window, home.person)
    await pressed(window, timedelta(hours=2), phones=[{"says": "Desk 5551000", "href": "tel:5551000"}], who=own)
    await window.context.route("**/portal/outbox/person", lambda route: route.abort())
    await page.goto(f"{window.url}/portal/me", timeout=PATIENCE)
    await expect(said).to_contain_text(COMMON["en"]["outbox_help"], timeout=PATIENCE)
    await expect(said.locator("a[href='tel:5551000']")).to_be_visible()
    await window.context.unroute("**/portal/outbox/person")
    await reopened(window)

    async def has_arrived() -> bool:
        return len(await signals()) == 1

    await eventually(has_arrived)


async def test_help_that_is_called_to_somebody_elses_home_and_not_taken_is_said(open_windows: Windows) -> None:
    """A carer's call goes before everything else, too, but no page says it larger than the list does."""
    home = await at_home()
    window = await open_windows.of(home.person)
    await window.open("/me")
    await pressed(window, timedelta(minutes=1), "refused", 409, kind="help", action="/me/nothing", says="Fallen")
    await reopened(window)
    line = window.page.locator('[data-outbox-items] li[data-state="refused"]')
    await expect(line).to_contain_text("Fallen", timeout=PATIENCE)
    await line.get_by_role("button", name=COMMON["en"]["outbox_drop"]).click()
    await expect(line).to_have_count(0)


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
