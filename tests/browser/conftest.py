"""A real browser, a real relay and real processes."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from tests.browser.relays import Relay, relay
from tests.faults.conftest import home

__all__ = ["home"]

# A picture of moving colours and a beep in place of camera and microphone, and nobody asked for leave to use them.
_FAKES = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # The machine's own addresses: multicast names would need a resolver that no test machine has.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
)


async def chromium(playwright: Playwright, *options: str) -> Browser:
    """Start Debian's Chromium."""
    program = shutil.which("chromium")
    assert program, "the browser tests need Debian's chromium: apt-get install chromium"
    # Inside a container there is often no second sandbox; what is opened is only ours.
    return await playwright.chromium.launch(
        executable_path=program, args=[*_FAKES, *options], chromium_sandbox=os.geteuid() != 0
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """Run what drives browsers."""
    async with async_playwright() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """Run a browser."""
    opened = await chromium(playwright)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def turn(tmp_path: Path) -> AsyncIterator[Relay]:
    """Run a coturn on loopback."""
    async with relay(tmp_path) as running:
        yield running
