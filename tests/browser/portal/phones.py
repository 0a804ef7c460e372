"""A phone that is switched off and on again: a browser whose profile stays, with a camera before a door's code."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, Playwright

from app.core import clock
from app.identity.models import Account
from tests.browser.portal.windows import PATIENCE, SIZES, Window
from tests.portal.ground import cookie_of

_FAKES: Final = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_A_DAY: Final = 86_400
_COPIES: Final = """async () => {
    const paths = [];
    for (const name of await caches.keys()) if (name.startsWith("hearthline-pages:"))
        for (const { url } of await (await caches.open(name)).keys()) paths.push(new URL(url).pathname);
    return paths;
}"""


async def sign_in_on(window: Window, account: Account) -> None:
    """Let somebody be signed in on a device in place of whoever was."""
    until = int(clock.now().timestamp()) + _A_DAY
    await window.context.clear_cookies()
    await window.context.add_cookies(
        [
            {"name": name, "value": value, "url": window.url, "httpOnly": True, "sameSite": "Lax", "expires": until}
            for name, value in (await cookie_of(account)).items()
        ]
    )


@asynccontextmanager
async def phone(
    playwright: Playwright, url: str, profile: Path, account: Account | None, film: Path | None = None
) -> AsyncIterator[Window]:
    """Switch a phone on with what was kept on it, and off again; ``account`` signs in, ``None``: whoever was."""
    program = shutil.which("chromium")
    assert program
    width, height = SIZES["phone"]
    before = [f"--use-file-for-fake-video-capture={film}"] if film else []
    context = await playwright.chromium.launch_persistent_context(
        profile,
        executable_path=program,
        args=[*_FAKES, *before],
        chromium_sandbox=os.geteuid() != 0,
        viewport={"width": width, "height": height},
        has_touch=True,
        reduced_motion="reduce",
    )
    try:
        window = Window(context, context.pages[0], url)
        if account is not None:
            await sign_in_on(window, account)
        yield window
    finally:
        await context.close()


async def copies(page: Page) -> Sequence[str]:
    """Return the paths of the pages this phone keeps for reading without a connection."""
    paths: list[Any] = await page.evaluate(_COPIES)
    return sorted(map(str, paths))


async def keeps(page: Page, *paths: str) -> None:
    """Return once the device keeps copies of these pages."""
    async with asyncio.timeout(PATIENCE / 1000):
        while not set(paths) <= set(await copies(page)):
            await page.wait_for_timeout(50)


async def keeps_nothing(page: Page) -> None:
    """Return once the phone keeps no copies."""
    async with asyncio.timeout(PATIENCE / 1000):
        while await copies(page):
            await page.wait_for_timeout(50)
