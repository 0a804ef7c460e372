"""What one device keeps of several people, of nobody, or cannot keep at all: never another one's, never lost unsaid."""

import pytest
from playwright.async_api import expect

from app.core import clock
from app.identity.models import Account
from tests.browser.portal.at_home import (
    ALL,
    EN,
    at_home,
    lives,
    open_kept,
    says_not_sent,
    says_sent,
    signals,
    waiting,
    within,
)
from tests.browser.portal.phones import copies, keeps_nothing, sign_in_on
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.factories import identity
from tests.faults.processes import eventually

# One form is lost on its way each time, and the browser's own second way, the worker's, is shut.
_LOST = """() => {
    const real = window.fetch;
    window.isLost = true;
    Object.defineProperty(ServiceWorkerRegistration.prototype, "sync", { value: undefined });
    const lost = () => Promise.reject(new TypeError("lost"));
    window.fetch = (to, ...rest) => (String(to).endsWith("/me/fine") && window.isLost ? lost() : real(to, ...rest));
}"""


async def test_two_people_on_one_device_never_see_each_others(open_windows: Windows) -> None:
    first = await at_home("Firstmedicine")
    resident = await identity.resident(first.scene.community, phone="+8613800000077")
    second = await lives(first.scene, resident, "Secondmedicine")
    window = await open_windows.of(first.person)
    page = window.page
    await open_kept(window)
    await window.sees("Firstmedicine")
    await page.evaluate(_LOST)
    begun = clock.now()
    await window.press(EN["fine"])
    await expect(page.locator("[data-outbox-list]")).to_contain_text(EN["fine"], timeout=PATIENCE)
    pressed = clock.now()
    await window.press(EN["sign_out"])
    await expect(page).to_have_url(f"{window.url}/portal/sign-in?done=signed_out", timeout=PATIENCE)
    assert await copies(page) == []
    assert await waiting(window) == ["fine"]
    await says_nothing_of(window, "Firstmedicine")

    await sign_in_on(window, second.person)
    await open_kept(window)
    await window.sees("Secondmedicine")
    await expect(page.locator("[data-outbox-list]")).to_be_hidden()
    await page.evaluate("dispatchEvent(new Event('online'))")
    assert "Firstmedicine" not in await page.content()
    await page.go_back(timeout=PATIENCE, wait_until="domcontentloaded")
    assert "Firstmedicine" not in await page.content()
    await reads_own(window, "Secondmedicine", but="Firstmedicine")
    assert await first.answered() is None
    assert await second.answered() is None

    # Signed out elsewhere: seen at the next page, and nothing is left.
    await window.context.clear_cookies()
    await page.goto(f"{window.url}/me", timeout=PATIENCE)
    assert "/portal/sign-in" in page.url
    await says_nothing_of(window, "medicine")

    # What the first one pressed is sent when they are back, as of when they pressed it.
    await sign_in_on(window, first.person)
    await window.open("/me")
    assert within(await first.answered_at(), begun, pressed)
    assert await second.answered() is None


async def reads_own(window: Window, what: str, *, but: str) -> None:
    """Fail where a person's own pages cannot be read without a line, or show anybody else's."""
    await window.context.set_offline(True)
    for path in ("/me", "/me/doses"):
        await window.page.goto(f"{window.url}{path}", timeout=PATIENCE, wait_until="domcontentloaded")
        await window.sees(what)
        assert but not in await window.page.content()
    await window.context.set_offline(False)
    # A copy is loaded anew by itself: until then it is in the way of whoever goes on.
    await expect(window.page.locator("html[data-kept-at]")).to_have_count(0, timeout=PATIENCE)
    await window.page.wait_for_load_state()


async def says_nothing_of(window: Window, what: str) -> None:
    """Fail where the device, off the network, shows something of whoever was there; whom to phone it shows."""
    page = window.page

    await keeps_nothing(page)
    await window.context.set_offline(True)
    for path in ("/me", "/me/doses"):
        await page.goto(f"{window.url}{path}", timeout=PATIENCE, wait_until="domcontentloaded")
        await expect(page.locator("a[href='tel:120']")).to_be_visible(timeout=PATIENCE)
        assert what not in await page.content()
    await page.go_back(wait_until="domcontentloaded", timeout=PATIENCE)
    assert what not in await page.content()
    await window.context.set_offline(False)


async def test_a_page_left_open_sends_nothing_for_whoever_signs_in_after(open_windows: Windows) -> None:
    first = await at_home("Firstmedicine")
    resident = await identity.resident(first.scene.community, phone="+8613800000077")
    second = await lives(first.scene, resident, "Secondmedicine")
    window = await open_windows.of(first.person)
    await open_kept(window)
    await window.page.evaluate(_LOST)
    await window.press(EN["fine"])
    await expect(window.page.locator("[data-outbox-list]")).to_contain_text(EN["fine"], timeout=PATIENCE)
    # In another tab somebody else signs in; in this one the line comes back.
    await sign_in_on(window, second.person)
    await window.page.evaluate("isLost = false; dispatchEvent(new Event('online'))")
    await window.sees("Secondmedicine")
    assert "Firstmedicine" not in await window.page.content()
    await expect(window.page.locator("[data-outbox-list]")).to_be_hidden()
    assert await waiting(window) == ["fine"]
    assert await first.answered() is None
    assert await second.answered() is None


async def test_copies_go_with_whoever_they_are_of_though_no_page_of_theirs_is_opened(open_windows: Windows) -> None:
    first = await at_home()
    resident = await identity.resident(first.scene.community, phone="+8613800000077")
    second = await lives(first.scene, resident, "Secondmedicine")
    window = await open_windows.of(first.person)
    page = window.page
    # The worker by itself: signed out elsewhere, and another one in.
    await open_kept(window)
    await window.context.clear_cookies()
    await page.evaluate(_KEEP)
    await keeps_nothing(page)
    await sign_in_on(window, first.person)
    await open_kept(window)
    await sign_in_on(window, second.person)
    await page.evaluate(_KEEP)
    await keeps_only_of(window, second.person)
    # A page by itself, of which the worker knows nothing: the first one is back.
    await window.open("/portal/me")
    assert await page.evaluate("navigator.serviceWorker.controller") is None
    await sign_in_on(window, first.person)
    await page.reload()
    await keeps_nothing(page)


_KEEP = "navigator.serviceWorker.controller.postMessage({ keep: true })"


async def keeps_only_of(window: Window, person: Account) -> None:
    """Return once there are copies of this person, and of nobody else."""

    async def is_so() -> bool:
        names = await window.page.evaluate("caches.keys()")
        owners = {name.rpartition(":")[2] for name in names if name.startswith("hearthline-pages:")}
        return owners == {str(person.id)}

    await eventually(is_so)


# Storage as in a private window that refuses it, and as on a full device. What was said before another page came is
# noted.
_REFUSED = "IDBFactory.prototype.open = () => { throw new DOMException('not here', 'SecurityError'); };"
_FULL = "IDBObjectStore.prototype.add = () => { throw new DOMException('full', 'QuotaExceededError'); };"
_NOTES = """new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const one of addedNodes)
        if (one.role === "alert" && one.textContent) sessionStorage.setItem("said", one.textContent);
}).observe(document, { childList: true, subtree: true });"""


@pytest.mark.parametrize("refusal", [_REFUSED, _FULL], ids=["refused", "full"])
async def test_a_device_that_keeps_nothing_sends_plain_forms_and_says_so(open_windows: Windows, refusal: str) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    page = window.page
    await page.add_init_script(refusal + _NOTES)
    await open_kept(window)
    # Without a line nothing can be done about it: that is said, and the button can be pressed again.
    await window.context.set_offline(True)
    await window.press(EN["fine"])
    await expect(page.get_by_role("alert").filter(has_text=ALL["outbox_lost"])).to_be_visible(timeout=PATIENCE)
    await window.context.set_offline(False)
    assert await home.answered() is None
    await window.press(EN["fine"])
    await window.sees(EN["done_fine"])
    assert await home.answered() is not None
    assert await page.evaluate("sessionStorage.said") == ALL["outbox_full"]

    await window.context.set_offline(True)
    called = clock.now()
    await window.press(EN["help"])
    await says_not_sent(window)
    await window.context.set_offline(False)
    await says_sent(window)
    [(occurred_at,)] = await signals()
    assert within(occurred_at, called, clock.now())
