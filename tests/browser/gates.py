"""Devices at a gate: pages in browsers of their own, with a camera that sees one ticket."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Page, Playwright, expect

from app.core.database import unit_of_work
from app.identity.api import sign_in_code
from tests.browser.conftest import chromium
from tests.portal.gates.pictures import View, seen

PATIENCE: Final = 60_000  # milliseconds: only a machine that is badly overloaded comes near it
PAGE: Final = "/portal/gates"
_FELT: Final = """
    globalThis.buzzes = [];
    Navigator.prototype.vibrate = (pattern) => { buzzes.push(pattern); return true; };
    globalThis.lights = [];
    MediaStreamTrack.prototype.getCapabilities = () => ({ torch: true });
    MediaStreamTrack.prototype.applyConstraints = async ({ advanced }) => { lights.push(advanced[0].torch); };
"""
"""A phone that buzzes, and whose camera has a light."""
_KEPT: Final = """async () => {
    const rows = {};
    for (const { name, version } of await indexedDB.databases()) {
        const opening = indexedDB.open(name, version);
        const database = await new Promise((done) => { opening.onsuccess = () => done(opening.result); });
        for (const store of database.objectStoreNames) {
            const all = database.transaction(store).objectStore(store).getAll();
            rows[store] = await new Promise((done) => { all.onsuccess = () => done(all.result); });
        }
        database.close();
    }
    return rows;
}"""


def filmed(text: str, path: Path) -> Path:
    """Write what a camera sees to whom a ticket's code is shown: a film that goes on for ever."""
    frame = seen(text, View(turned=8, noise=4))
    colourless = bytes([128]) * (frame.width * frame.height // 2)
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{frame.width} H{frame.height} F10:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(3):
            film.write(b"FRAME\n" + frame.tobytes() + colourless)
    return path


@dataclass
class Device:
    """A device at a gate, and the page on it."""

    context: BrowserContext
    page: Page
    complaints: list[str]

    async def sign_in(self, contact: str) -> None:
        """Sign in with the code that is sent there."""
        await self.page.locator("#contact").fill(contact)
        async with self.page.expect_response("**/v1/sign-in/codes") as answer:
            await self.page.locator("#contact-form button").click()
        challenge = (await (await answer.value).json())["challenge_id"]
        async with unit_of_work() as session:
            sent = await sign_in_code(session, uuid.UUID(challenge))
        assert sent is not None
        await self.page.locator("#sign-in-code").fill(sent.code)
        await self.page.locator("#code-form button").click()

    async def choose(self, gate: str) -> None:
        """Go to a gate; returns when the page will open without a network, too."""
        await self.page.locator("#gate-list button", has_text=gate).click()
        await expect(self.page.locator("#scan")).to_be_visible(timeout=PATIENCE)
        await self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    async def type(self, text: str) -> None:
        """Scan with a scanner that types: wherever the focus is, a text and the Enter key."""
        await self.page.locator("#verdict").evaluate("verdict => { verdict.dataset.kind = ''; }")
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")

    async def says(self, kind: str, why: str = "") -> None:
        """Return once the page has come to this verdict."""
        await expect(self.page.locator("#verdict")).to_have_attribute("data-kind", kind, timeout=PATIENCE)
        if why:
            await expect(self.page.locator("#verdict-why")).to_contain_text(await self.words(f"reason_{why}"))

    async def words(self, key: str) -> str:
        """Return what the page says in its language."""
        words: dict[str, str] = await self.page.evaluate("JSON.parse(document.getElementById('words').textContent)")
        return words[key]

    async def unsent(self, count: int) -> None:
        """Return once so many scans are still to be uploaded."""
        await expect(self.page.locator("#unsent")).to_have_attribute("data-count", str(count), timeout=PATIENCE)

    async def counted(self) -> dict[str, int]:
        """Return how many the page says came in, left, are inside and were refused."""
        return {
            name: int(await self.page.locator(f"#count-{name}").inner_text())
            for name in ("admitted", "left", "inside", "refused")
        }

    async def kept(self) -> dict[str, list[dict[str, Any]]]:
        """Return everything that stands in the browser's database."""
        rows: dict[str, list[dict[str, Any]]] = await self.page.evaluate(_KEPT)
        return rows


@dataclass
class Devices:
    """Makes devices whose camera sees the same ticket."""

    browser: Browser
    url: str
    stack: AsyncExitStack
    complaints: list[str] = field(default_factory=list)

    async def one(self, query: str = "", **context: Any) -> Device:
        """Open the page on another device."""
        own = await self.stack.enter_async_context(await self.browser.new_context(**context))
        await own.add_init_script(_FELT)
        page = await own.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Policy" in said.text else None)
        await page.goto(f"{self.url}{PAGE}{query}")
        return Device(own, page, self.complaints)


@asynccontextmanager
async def devices(playwright: Playwright, url: str, film: Path) -> AsyncIterator[Devices]:
    """Lend devices before whose cameras a ticket is held; whatever their pages complained of is an error."""
    async with AsyncExitStack() as stack:
        browser = await chromium(playwright, f"--use-file-for-fake-video-capture={film}")
        stack.push_async_callback(browser.close)
        opened = Devices(browser, url, stack)
        yield opened
        assert opened.complaints == []
