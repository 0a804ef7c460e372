"""The windows of the tour: one for each person somebody plays, and the pictures taken of them."""

import io
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Browser, Geolocation, Locator, Page, async_playwright, expect
from playwright.async_api import TimeoutError as TookTooLong

from tests.browser.conftest import chromium
from tests.demo.signing_in import PATIENCE, sign_in

_SIZES: Final = {"phone": (400, 760), "wide": (900, 680)}
_WIDEST: Final = 900
_GAP: Final = 20
_COLOURS: Final = 64
_TRIES: Final = 6
_HOME: Final = Geolocation(latitude=41.2944, longitude=-73.6583)
"""Where the demo's resident lives, roughly: phones of this tour are there."""


@dataclass
class Window:
    """One person's browser window."""

    page: Page
    url: str

    @property
    def done(self) -> Locator:
        """What the page says was done."""
        return self.page.locator(".done")

    def button(self, name: str) -> Locator:
        """Return a button by what it says."""
        return self.page.get_by_role("button", name=name)

    def link(self, name: str) -> Locator:
        """Return a link by what it says."""
        return self.page.get_by_role("link", name=name)

    async def open(self, path: str) -> None:
        """Show a page by its address."""
        await self.page.goto(f"{self.url}{path}")

    async def follow(self, name: str) -> None:
        """Follow a link by what it says."""
        await self.lead_on(self.link(name))

    async def lead_on(self, to: Locator) -> None:
        """Press what leads to another page, again where the page has just changed under the thumb."""
        before = self.page.url
        for _ in range(_TRIES):
            with suppress(TookTooLong):
                await to.first.click(timeout=10_000)
                await self.page.wait_for_url(lambda address: address != before, timeout=10_000)
                return
        raise AssertionError(f"nothing led on from {before}")

    async def press(self, name: str, then: Locator) -> None:
        """Press a button, and again where the page has just changed under the thumb, until ``then`` is seen."""
        for _ in range(_TRIES):
            with suppress(AssertionError, TookTooLong):
                await self.button(name).first.click(timeout=10_000)
                await expect(then.first).to_be_visible(timeout=10_000)
                return
        await self.sees(then)

    async def press_away(self, name: str) -> None:
        """Press a button, and again where the page has just changed, until it is offered no more."""
        for _ in range(_TRIES):
            with suppress(AssertionError, TookTooLong):
                if await self.button(name).count():
                    await self.button(name).first.click(timeout=10_000)
                await expect(self.button(name)).to_have_count(0, timeout=10_000)
                return
        await expect(self.button(name)).to_have_count(0, timeout=PATIENCE)

    async def show(self, what: Locator) -> None:
        """Have something stand in the middle of the window."""
        await self.sees(what)
        await what.first.evaluate("shown => shown.scrollIntoView({ block: 'center', behavior: 'instant' })")

    async def sees(self, what: Locator | str | re.Pattern[str]) -> None:
        """Wait until something is seen."""
        found = self.page.get_by_text(what) if isinstance(what, str | re.Pattern) else what
        await expect(found.first).to_be_visible(timeout=PATIENCE)


@dataclass
class Tour:
    """The windows that are open, by whom they show."""

    browser: Browser
    url: str
    pictures: Path | None
    complaints: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    _windows: dict[str, Window] = field(default_factory=dict)

    async def open(self, face: str, size: str = "phone") -> Window:
        """Open a window and sign in there as one of those the demo offers."""
        window = await self.blank(face, size)
        await sign_in(window.page, self.url, face)
        return window

    async def blank(self, face: str, size: str = "phone") -> Window:
        """Open a window for somebody in which nobody is signed in yet."""
        width, height = _SIZES[size]
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=size == "phone",
            locale="en",
            color_scheme="light",
            geolocation=_HOME,
            permissions=["geolocation", "camera", "microphone"],
        )
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        self.listen(page)
        window = self._windows[face] = Window(page, self.url)
        return window

    def listen(self, page: Page) -> None:
        """Hear what a page complains of."""
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", lambda answer: self._judge(answer.status, answer.url))

    def _judge(self, status: int, address: str) -> None:
        if status >= 400:
            self.complaints.append(f"{status} {address}")

    def __getitem__(self, face: str) -> Window:
        """Return the window of a person who has signed in."""
        return self._windows[face]

    async def picture(self, name: str, *windows: Window) -> None:
        """Take a picture of windows, side by side."""
        self.taken.append(f"{name}.png")
        if self.pictures is None:
            return
        shots = [Image.open(io.BytesIO(await window.page.screenshot())).convert("RGB") for window in windows]
        _side_by_side(shots).save(self.pictures / f"{name}.png", optimize=True)


def _side_by_side(shots: Sequence[Image.Image]) -> Image.Image:
    width = sum(shot.width for shot in shots) + _GAP * (len(shots) - 1)
    whole = Image.new("RGB", (width, max(shot.height for shot in shots)), "white")
    left = 0
    for shot in shots:
        whole.paste(shot, (left, 0))
        left += shot.width + _GAP
    if width > _WIDEST:
        whole = whole.resize((_WIDEST, round(whole.height * _WIDEST / width)), Image.Resampling.LANCZOS)
    # The pages have few colours: with a palette a picture is a third as large, and looks the same.
    return whole.quantize(_COLOURS, dither=Image.Dither.NONE)


@asynccontextmanager
async def touring(url: str, pictures: Path | None) -> AsyncIterator[Tour]:
    """Hand out a tour through the demo at ``url``; pictures are taken where there is a folder for them."""
    async with async_playwright() as playwright:
        browser = await chromium(playwright)
        yield Tour(browser, url, pictures)
        await browser.close()
