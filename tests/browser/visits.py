"""Pages of a video visit in a browser: opened by links, and what they show."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.async_api import Browser, Page, TimeoutError, expect  # noqa: A004 - what its waits raise

from tests.factories import telemedicine as factory
from tests.factories.sign_in import sign_in
from tests.factories.telemedicine import Scene

PATIENCE = 60_000  # milliseconds: only a machine that is badly overloaded comes near it


@dataclass
class Visit:
    """A visit at an API, and the browser in which people come to it."""

    api: str
    id: uuid.UUID
    clinician: dict[str, str]
    resident: dict[str, str]
    browser: Browser
    stack: AsyncExitStack
    complaints: list[str] = field(default_factory=list)

    async def link(self, headers: dict[str, str], guest: str | None = None) -> str:
        """Return somebody's own link, or that of a guest they invite in this role."""
        path = f"/v1/consultations/{self.id}/{'guests' if guest else 'links'}"
        body = {"json": {"role": guest, "name": "Nora"}} if guest else {}
        async with httpx.AsyncClient(base_url=self.api, timeout=60) as client:
            answer = await client.post(path, headers=headers, **body)  # type: ignore[arg-type]  # a body or none
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"])

    async def notes(self, headers: dict[str, str]) -> list[dict[str, Any]]:
        """Return what somebody reads of what was written."""
        async with httpx.AsyncClient(base_url=self.api) as client:
            answer = await client.get(f"/v1/consultations/{self.id}/notes", headers=headers)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def open(self, link: str, **context: Any) -> Page:
        """Open a link in a browser of somebody's own."""
        own = await self.stack.enter_async_context(await self.browser.new_context(**context))
        page = await own.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Policy" in said.text else None)
        await page.goto(link)
        return page

    async def join(self, link: str, **context: Any) -> Page:
        """Open a link and join with the camera and microphone that are offered."""
        page = await self.open(link, **context)
        await page.locator("#join").click()
        return page

    async def both(self, **context: Any) -> tuple[Page, Page]:
        """Return the pages of clinician and resident, who was let in."""
        clinician = await self.join(await self.link(self.clinician), **context)
        await expect(clinician.locator("#call")).to_be_visible(timeout=PATIENCE)
        resident = await self.join(await self.link(self.resident), **context)
        await admit(clinician, "resident")
        return clinician, resident


@asynccontextmanager
async def visit(browser: Browser, api: str, scene: Scene | None = None) -> AsyncIterator[Visit]:
    """Lend a visit whose waiting room is open; its pages are closed with the block."""
    scene = scene or await factory.scene()
    planned = await factory.consultation(scene)
    headers = await sign_in(scene.clinician), await sign_in(scene.account)
    async with AsyncExitStack() as stack:
        opened = Visit(api, planned.id, *headers, browser, stack)
        yield opened
        assert opened.complaints == []


async def admit(clinician: Page, role: str) -> None:
    """Let in who waits, and return when they are in."""
    listed = clinician.locator(f"#waiting li[data-role={role}]")
    await listed.locator("[data-command=admit]").click()
    await expect(listed.locator("[data-command=admit]")).to_have_count(0, timeout=PATIENCE)


async def sees(page: Page, count: int, *, route: str | None = None, more_than: int = 0) -> int:
    """Return once the page shows so many others moving, by such a route: the fewest frames of any of them."""
    try:
        return await _frames(page, count, route, more_than)
    except TimeoutError:
        seen = await page.evaluate("[...document.querySelectorAll('#tiles figure')].map((tile) => ({...tile.dataset}))")
        raise AssertionError(
            f"not {count} by {route}: {seen}, {await page.locator('#status').text_content()}"
        ) from None


async def _frames(page: Page, count: int, route: str | None, more_than: int) -> int:
    shown = await page.wait_for_function(
        """([count, route, least]) => {
            const tiles = [...document.querySelectorAll("#tiles figure")];
            const frames = tiles.map((tile) => Number(tile.dataset.frames ?? 0));
            const isAll = tiles.length === count && tiles.every((tile) => !route || tile.dataset.route === route);
            return isAll && Math.min(...frames) > least && Math.min(...frames);
        }""",
        arg=[count, route, more_than],
        timeout=PATIENCE,
    )
    return int(await shown.json_value())


async def says(page: Page, key: str) -> None:
    """Return once the page says this where it speaks of the connection."""
    words = await page.evaluate("JSON.parse(document.getElementById('words').textContent)")
    await expect(page.locator("#status")).to_have_text(words[key], timeout=PATIENCE)
