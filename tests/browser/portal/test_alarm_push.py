"""From the push to the bedside in a real browser: it comes, it is tapped, the alarm is taken, the other one sees it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio
from playwright.async_api import CDPSession, Page, Worker, expect

from app.core import vapid
from app.identity.models import Account
from app.portal.push.texts import WORDS as PUSH
from eldercare.alarms.models import Severity
from tests.browser.network import network
from tests.browser.portal.at_home import EN, at_home, open_kept
from tests.browser.portal.conftest import Portal
from tests.browser.portal.windows import PATIENCE, SIZES, Window, Windows
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.notifications import deliveries
from tests.factories.sign_in import sign_in
from tests.faults.processes import House
from tests.sinks.web_push import Taken, WebPushSink, web_push_sink

# The push service of the browser's maker is out of reach: a subscription of the loopback one stands in for what it
# gives. What is pushed is taken from there, as our sender sealed it, and handed to the browser.
TIMES = 3
_SUBSCRIPTION = """(given) => {
    const made = (key) => ({
        options: { applicationServerKey: key, userVisibleOnly: true },
        toJSON: () => given,
        unsubscribe: async () => { localStorage.removeItem("test.key"); return true; },
    });
    PushManager.prototype.subscribe = async function ({ applicationServerKey }) {
        localStorage.setItem("test.key", JSON.stringify([...applicationServerKey]));
        return made(applicationServerKey.buffer);
    };
    PushManager.prototype.getSubscription = async function () {
        const kept = localStorage.getItem("test.key");
        return kept ? made(Uint8Array.from(JSON.parse(kept)).buffer) : null;
    };
}"""
# What is pushed before a worker is active is lost.
_REGISTER = """async () => {
    await navigator.serviceWorker.register("/portal/worker.js", { scope: "/portal/" });
    await navigator.serviceWorker.ready;
}"""
# A tap is trusted by the browser alone: what the worker then asks the browser for is written down in its place.
_TAP = """async () => {
    const [shown] = await self.registration.getNotifications();
    const asked = [];
    Clients.prototype.openWindow = async (address) => { asked.push(`open ${address}`); return null; };
    const focused = async function () { asked.push(`focus ${new URL(this.url).pathname}`); return this; };
    WindowClient.prototype.focus = focused;
    const waits = [];
    const tap = new NotificationEvent("notificationclick", { notification: shown });
    tap.waitUntil = (one) => waits.push(one);
    self.dispatchEvent(tap);
    await Promise.all(waits);
    return { asked, left: (await self.registration.getNotifications()).length };
}"""


@dataclass(frozen=True)
class Pushing:
    """The push service, and the portal whose key it knows."""

    sink: WebPushSink
    portal: Portal


@pytest_asyncio.fixture(loop_scope="session")
async def pushing(home: House) -> AsyncIterator[Pushing]:
    """Run the portal with Web Push to a loopback push service."""
    private, public = vapid.make_pair()
    async with network() as between, web_push_sink() as sink:
        sink.public_key = public
        settings = {
            "HEARTHLINE_WEBPUSH_PRIVATE_KEY": private,
            "HEARTHLINE_WEBPUSH_SUBJECT": "mailto:ops@example.org",
            "HEARTHLINE_WEBPUSH_ALLOW_PRIVATE": "true",
            "HEARTHLINE_PUSH_PROVIDERS": '["webpush"]',
            "HEARTHLINE_HTTP_PUBLIC_URL": between.url,
        }
        between.lead_to(await home.everything(**settings))
        yield Pushing(sink, Portal(between, home))


@pytest_asyncio.fixture(loop_scope="session")
async def portal(pushing: Pushing) -> Portal:
    """Return the portal that pushes, for the windows."""
    return pushing.portal


async def registration_of(session: CDPSession, page: Page, scope: str) -> str:
    """Return the browser's own id of our worker's registration."""
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def note(event: dict[str, Any]) -> None:
        for one in event["registrations"]:
            if one["scopeURL"].endswith(scope) and not found.done():
                found.set_result(one["registrationId"])

    session.on("ServiceWorker.workerRegistrationUpdated", note)
    await session.send("ServiceWorker.enable")
    return await asyncio.wait_for(found, PATIENCE / 1000)


async def worker_of(page: Page, scope: str) -> Worker:
    """Return the worker of these pages, running."""
    script = f"{scope.rstrip('/')}/worker.js"
    for worker in page.context.service_workers:
        if worker.url.endswith(script):
            return worker
    woken: Worker = await page.context.wait_for_event(
        "serviceworker", lambda one: one.url.endswith(script), timeout=PATIENCE
    )
    return woken


async def within(milliseconds: float, is_so: Callable[[], Awaitable[bool]]) -> bool:
    """Say whether something has come true by then; nobody tells of it."""
    try:
        async with asyncio.timeout(milliseconds / 1000):
            while not await is_so():  # noqa: ASYNC110 - other processes tell nobody
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    return True


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return once something is so."""
    assert await within(PATIENCE, is_so), "it never came true"


@dataclass
class Tapped:
    """Somebody's window whose browser gets pushes, and the means to hand them over and to tap them."""

    window: Window
    origin: str
    session: CDPSession
    registration: str
    scope: str

    async def push(self, data: str) -> Worker:
        """Hand a message to the browser, as its push service would, and return the worker it woke.

        One that meets a worker which is just going to rest is lost, and this way of handing it over does not tell. A
        push service sends again what was not taken, so it is handed over again while nothing is shown.
        """
        sent = {"origin": self.origin, "registrationId": self.registration, "data": data}
        for _ in range(TIMES):
            await self.session.send("ServiceWorker.deliverPushMessage", sent)
            worker = await worker_of(self.window.page, self.scope)
            if await within(PATIENCE / TIMES, partial(_is_shown, worker)):
                return worker
        raise AssertionError("the browser never showed what it was handed")


async def _is_shown(worker: Worker) -> bool:
    return bool(await worker.evaluate("async () => (await self.registration.getNotifications()).length"))


async def _shown(worker: Worker) -> list[list[str]]:
    asked = "async () => (await self.registration.getNotifications()).map((one) => [one.title, one.data.address])"
    found: list[list[str]] = await worker.evaluate(asked)
    return found


async def tapped(window: Window, origin: str, scope: str = "/portal/") -> Tapped:
    """Return the window with the registration of the worker of these pages."""
    session = await window.context.new_cdp_session(window.page)
    return Tapped(window, origin, session, await registration_of(session, window.page, scope), scope)


async def delivered(message: Taken, what: str) -> bool:
    """Say whether a delivery has this mark."""
    (row,) = [row for row in await deliveries() if str(row.id) == message.content["data"]["delivery_id"]]
    return getattr(row, what) is not None


async def message_about(pushing: Pushing, name: str, about: UUID | str) -> Taken:
    """Return what was pushed about something, once it was."""

    def found() -> list[Taken]:
        return [one for one in pushing.sink.messages if one.content["data"].get(name) == str(about)]

    async def has_come() -> bool:
        return bool(found())

    await until(has_come)
    return found()[0]


async def judge(window: Window) -> None:
    """Judge the whole page at once: what lies under the bar at the bottom can be scrolled to, and is not covered."""
    width, height = SIZES["phone"]
    whole = await window.page.evaluate("() => document.documentElement.scrollHeight")
    await window.page.set_viewport_size({"width": width, "height": whole + height})
    await window.is_accessible()
    await window.page.set_viewport_size({"width": width, "height": height})


async def reachable(pushing: Pushing, open_windows: Windows, person: Account) -> Window:
    """Return a window whose browser can be pushed to, once somebody says that they want it."""
    window = await open_windows.of(person)
    await window.context.grant_permissions(["notifications"], origin=pushing.portal.url)
    subscription = json.dumps(pushing.sink.subscribe("first"))
    await window.page.add_init_script(f"({_SUBSCRIPTION})({subscription})")
    return window


async def switched_on(window: Window, yes: str = "Yes, notify me") -> None:
    """Switch notifications on where they are offered."""
    await expect(window.page.locator("#push-offer")).to_be_visible(timeout=PATIENCE)
    await judge(window)
    await window.press(yes)
    await window.sees("This device is notified from now on.")


async def ended(window: Window, alarm_id: UUID) -> None:
    """End an alarm by the page."""
    await window.open(f"/portal/alarms/{alarm_id}/resolution")
    await judge(window)
    await window.page.get_by_label("A false alarm").check()
    await window.press("End the alarm")
    await window.sees("It is over: A false alarm")
    await expect(window.page.locator("#push-offer")).to_be_hidden(timeout=PATIENCE)


async def test_a_push_is_tapped_the_alarm_is_taken_and_the_other_one_sees_it(
    pushing: Pushing, open_windows: Windows
) -> None:
    scene = await alarms.scene()
    first, second = scene.circle
    past = await alarms.raised(scene.resident)
    window = await reachable(pushing, open_windows, first)
    await window.open(f"/portal/alarms/{past.id}")
    await switched_on(window)
    await ended(window, past.id)

    alarm = await alarms.raised(scene.resident, kind="sos", severity=Severity.CRITICAL)
    page_path = f"/portal/alarms/{alarm.id}"
    message = await message_about(pushing, "alarm_id", alarm.id)
    other = await open_windows.of(second, look="dark")
    await other.open(page_path)
    await other.sees("Nobody has it yet")
    await judge(other)

    browser = await tapped(window, pushing.portal.url)
    worker = await browser.push(json.dumps(message.content))
    assert await _shown(worker) == [[message.content["title"], page_path]]
    await until(lambda: delivered(message, "delivered_at"))
    assert await worker.evaluate(_TAP) == {"asked": [f"open {page_path}"], "left": 0}
    await until(lambda: delivered(message, "opened_at"))

    await window.open(page_path)
    await window.press_until("I take it", "You have taken it")
    await other.sees(f"{first.name} has taken it")
    await other.press_until("I am there", "You are there")
    await window.sees("is there")

    # Tapped again while the alarm is open in a tab, that tab is brought to the front.
    worker = await browser.push(json.dumps(message.content))
    assert await worker.evaluate(_TAP) == {"asked": [f"focus {page_path}"], "left": 0}


async def test_a_push_that_cannot_be_read_still_wakes_somebody_and_leads_nowhere_else(
    pushing: Pushing, open_windows: Windows
) -> None:
    person = await identity.account(await identity.community(), phone="+8613800000055")
    window = await open_windows.of(person)
    await window.context.grant_permissions(["notifications"], origin=pushing.portal.url)
    await window.open("/portal/push")
    await expect(window.page.locator("#push-switch")).to_be_visible(timeout=PATIENCE)
    await judge(window)
    await window.page.evaluate(_REGISTER)
    browser = await tapped(window, pushing.portal.url)
    worker = await browser.push("no JSON")
    assert await _shown(worker) == [["Hearthline", "/portal"]]
    worker = await browser.push(json.dumps({"data": {"alarm_id": "../../evil"}, "title": "<b>x</b>", "tag": "1"}))

    async def are_two() -> bool:
        return len(await _shown(worker)) == 2

    await until(are_two)
    assert ["<b>x</b>", "/portal"] in await _shown(worker)


_FAMILY = ["circle:read", "messages:read", "messages:write"]


async def test_a_resident_hears_of_a_message_and_a_tap_opens_it_on_their_own_pages(
    pushing: Pushing, open_windows: Windows
) -> None:
    home = await at_home()
    daughter = await identity.account(home.scene.community, name="Ann", phone="+8613800000056")
    await identity.grant(home.resident, daughter, _FAMILY)
    await alarms.circle_member(home.resident, daughter, position=2, scopes=_FAMILY)
    window = await reachable(pushing, open_windows, home.person)
    await open_kept(window)
    await expect(window.page.locator("#push-offer")).to_have_count(0)
    await window.press(EN["fine"])
    await window.sees(EN["done_fine"])
    await switched_on(window, PUSH["en"]["offer_yes"])

    async with httpx.AsyncClient(base_url=pushing.portal.url, timeout=60) as client:
        path = f"/v1/residents/{home.resident.id}/circle-messages"
        answer = await client.post(path, json={"text": "I come on Sunday"}, headers=await sign_in(daughter))
    assert answer.status_code == 201, answer.text
    message = await message_about(pushing, "message_id", answer.json()["id"])
    assert "Sunday" not in json.dumps(message.content)  # a locked screen shows nobody's words
    browser = await tapped(window, pushing.portal.url, "/me")
    worker = await browser.push(json.dumps(message.content))
    assert await _shown(worker) == [[message.content["title"], "/me/messages"]]
    await until(lambda: delivered(message, "delivered_at"))
    assert await worker.evaluate(_TAP) == {"asked": ["open /me/messages"], "left": 0}
    await window.open("/me/messages")
    await window.sees("I come on Sunday")
    # What cannot be read, or names no page of ours, leads to the first one.
    worker = await browser.push("no JSON")
    assert await _shown(worker) == [["Hearthline", "/me"]]
