"""A portal that answers on loopback, and browsers in front of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.network import Network, network
from tests.browser.portal.windows import Windows, windows
from tests.faults.processes import House


@dataclass(frozen=True)
class Portal:
    """The portal as the world reaches it, and the network in between."""

    network: Network
    home: House
    behind: str = ""
    """Where it is reached past the network, which may be cut."""

    @property
    def url(self) -> str:
        """Where browsers find it."""
        return self.network.url


@pytest_asyncio.fixture(loop_scope="session")
async def portal(home: House) -> AsyncIterator[Portal]:
    """Run the API and its worker on the test's database."""
    async with network() as between:
        process = await home.everything(HEARTHLINE_HTTP_PUBLIC_URL=between.url)
        between.lead_to(process)
        yield Portal(between, home, process.url)


@pytest_asyncio.fixture(loop_scope="session")
async def open_windows(browser: Browser, portal: Portal) -> AsyncIterator[Windows]:
    """Open windows of people who are signed in; at the end nothing may have been complained of in any."""
    async with windows(browser, portal.url) as opened:
        yield opened
