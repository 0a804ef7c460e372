"""Windows of people who are signed in: a phone's or a desk's, each with what the browser complained of."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Response, Route, expect
from playwright.async_api import TimeoutError as TookTooLong

from app.identity.models import Account
from tests import node
from tests.portal.ground import cookie_of

PATIENCE: Final = 60_000  # milliseconds: only a machine that is badly overloaded comes near it
SIZES: Final = {"phone": (360, 740), "desk": (1280, 900)}
Size = Literal["phone", "desk"]
HERE: Final = Path(__file__).parent
# WCAG 2.2 AA, and what axe's authors call best practice.
_RULES: Final = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
# What differs between a light and a dark page.
_COLOURS: Final = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# 320: a page of 640 at twice its size, or 1280 at four times (WCAG 1.4.10).
_WIDTHS: Final = (320, 800)
_SERIOUS: Final = ("serious", "critical")
_OVERFLOWS: Final = """() => {
    const wide = document.documentElement.clientWidth;
    const scrolls = ".wide, .tabs, .chart-scroll, .unseen, .skip";
    return [...document.querySelectorAll("body *")]
        .filter((one) => one.getBoundingClientRect().right > wide + 1 && !one.closest(scrolls))
        .map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`);
}"""


@cache
def _judge() -> str:
    return (node.packages(HERE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@dataclass
class Window:
    """One person's window."""

    context: BrowserContext
    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Go to a page of ours, which answers."""
        answer = await self.page.goto(f"{self.url}{path}", timeout=PATIENCE)
        assert answer is not None
        assert answer.ok, (answer.status, path)

    async def sees(self, text: str) -> None:
        """Return once the page says this."""
        await expect(self.page.locator("main")).to_contain_text(text, timeout=PATIENCE)

    async def follows(self) -> None:
        """Return once the page's line is up: from here on it misses nothing."""
        await expect(self.page.locator("html")).to_have_attribute("data-line", "up", timeout=PATIENCE)

    async def is_at(self, path: str) -> None:
        """Return once the window is on a page of ours, and nowhere in it."""
        await expect(self.page).to_have_url(
            re.compile(re.escape(f"{self.url}{path}") + r"(\?done=\w+)?$"), timeout=PATIENCE
        )

    async def press(self, name: str) -> None:
        """Press the button or link of this name."""
        one = self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        )
        await one.first.click(timeout=PATIENCE)

    async def press_until(self, name: str, says: str) -> None:
        """Press until the page says this: where it has just changed under the thumb, a press does nothing."""
        for _ in range(5):
            with suppress(AssertionError, TookTooLong):
                await self.page.get_by_role("button", name=name, exact=True).first.click(timeout=10_000)
                await expect(self.page.locator("main")).to_contain_text(says, timeout=10_000)
                return
        await self.sees(says)

    async def loses_the_answer_to(self, path: str) -> list[int]:
        """Have the server do what is posted there, and lose what it answers the first time; its status is noted."""
        lost: list[int] = []

        async def lose(route: Route) -> None:
            if lost or route.request.method != "POST":
                await route.continue_()
                return
            lost.append(0)
            lost[0] = (await route.fetch()).status
            await route.abort()

        await self.context.route(f"**{path}", lose)
        return lost

    async def is_accessible(self) -> None:
        """Fail on whatever axe calls serious or critical, and on what is cut off at the window's side."""
        await self._is_judged_well(_RULES)
        await self.fits()

    async def is_fine(self, size: Size, *, is_met_on_a_phone: bool = False) -> None:
        """Fail on whatever axe calls serious or critical, on a phone by light and at a desk in the dark, and on what is
        cut off at any width, with all of the page in the window. Of a page that is met on a phone, too, a desk judges
        the colours alone.
        """
        width, height = SIZES[size]
        await self.page.set_viewport_size({"width": width, "height": height})
        tall = await self.page.evaluate("document.documentElement.scrollHeight")
        await self.page.set_viewport_size({"width": width, "height": max(height, tall + 120)})
        if size == "phone":
            await self._is_judged_well(_RULES)
        else:
            await self.page.emulate_media(color_scheme="dark")
            await self._is_judged_well(_COLOURS if is_met_on_a_phone else _RULES)
            await self.page.emulate_media(color_scheme="light")
        await self.fits()
        for width in _WIDTHS:
            await self.page.set_viewport_size({"width": width, "height": height})
            await self.fits()

    async def fits(self) -> None:
        """Fail on what is cut off at the window's side."""
        overflowing = await self.page.evaluate(_OVERFLOWS)
        wide = await self.page.evaluate("innerWidth")
        assert overflowing == [], f"{self.page.url} at {wide}: {overflowing[:5]}"

    async def _is_judged_well(self, rules: Mapping[str, Any]) -> None:
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(_judge())
        found: dict[str, Any] = await self.page.evaluate("(rules) => axe.run(document, rules)", rules)
        serious = [
            f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"] if one["impact"] in _SERIOUS
        ]
        assert serious == [], f"{self.page.url}: {json.dumps(serious, indent=1, ensure_ascii=False)}"

    async def picture(self, path: Path, *, whole: bool = False) -> None:
        """Take a picture of the page."""
        await self.page.screenshot(path=path, full_page=whole, animations="disabled")


class Windows:
    """Opens windows."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url
        self.all: list[Window] = []

    async def of(
        self,
        account: Account | None,
        size: Size = "phone",
        *,
        look: Literal["light", "dark"] = "light",
        language: str = "en",
        second_factor: bool = False,
    ) -> Window:
        """Open a window in which the account is signed in."""
        width, height = SIZES[size]
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=look,
            locale=language,
            has_touch=size == "phone",
            reduced_motion="reduce",
        )
        if account is not None:
            cookies = await cookie_of(account, second_factor=second_factor)
            await context.add_cookies(
                [
                    {"name": name, "value": value, "url": self._url, "httpOnly": True, "sameSite": "Lax"}
                    for name, value in cookies.items()
                ]
            )
        window = Window(context, await context.new_page(), self._url)
        window.page.on("console", lambda message: _note(window, message))
        window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
        window.page.on("response", lambda answer: _note_answer(window, answer))
        self.all.append(window)
        return window


def _note(window: Window, message: ConsoleMessage) -> None:
    # That a page was not reached is what tests of a cut line are about; what the policy refuses never is.
    if message.type == "error" and "Failed to load resource" not in message.text:
        window.complaints.append(message.text)


def _note_answer(window: Window, answer: Response) -> None:
    if answer.status >= 500 and answer.status != 503:
        window.complaints.append(f"{answer.status} {answer.url}")


@asynccontextmanager
async def windows(browser: Browser, url: str) -> AsyncIterator[Windows]:
    """Hand out windows; fails at the end if a page broke its policy, threw, or the server failed."""
    opened = Windows(browser, url)
    try:
        yield opened
        assert [complaint for window in opened.all for complaint in window.complaints] == []
    finally:
        for window in opened.all:
            await window.context.close()
