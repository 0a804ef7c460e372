"""The line of a page, as a program that is no browser opens it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.core import clock

PATIENCE = 60.0
Said = dict[str, Any]


@dataclass
class Page:
    """What a page knows: its pass or token, who it is, and what it has heard."""

    url: str
    credential: dict[str, str]
    instance: uuid.UUID = field(default_factory=clock.new_id)
    heard: int = 0
    socket: ClientConnection | None = None
    id: str = ""
    standing: Said = field(default_factory=dict)
    signals: list[Said] = field(default_factory=list)

    async def open(self, url: str | None = None) -> Said:
        """Open a line, here or to another process, and return the welcome; raises ``ConnectionClosed``."""
        self.url = url or self.url
        self.socket = await connect(self.url, ping_interval=None)
        await self.say("hello", **self.credential, instance=str(self.instance), after=self.heard)
        welcome = await self.until(lambda said: said["type"] in ("welcome", "error"))
        self.id = welcome.get("you", self.id)
        return welcome

    async def say(self, kind: str, **content: Any) -> None:
        """Send a message."""
        assert self.socket
        await self.socket.send(orjson.dumps({"type": kind, **content}).decode())

    async def send(self, raw: str | bytes) -> None:
        """Send what may be no message."""
        assert self.socket
        await self.socket.send(raw)

    async def hear(self) -> Said:
        """Return the next message, keeping what a page keeps."""
        assert self.socket
        said: Said = orjson.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
        if said["type"] == "standing":
            self.standing = said
        if "number" in said:
            self.heard = said["number"]
            self.signals.append(said)
        return said

    async def until(self, is_it: Callable[[Said], bool]) -> Said:
        """Return the first message from here on that is the one."""
        while True:
            said = await self.hear()
            if is_it(said):
                return said

    async def told(self, *kinds: str) -> Said:
        """Return the next message of one of these kinds."""
        return await self.until(lambda said: said["type"] in kinds)

    async def standing_as(self, state: str) -> Said:
        """Return once the page was told that this is how it stands."""
        while self.standing.get("you") != state:
            await self.told("standing")
        return self.standing

    async def sees(self, other: "Page", **what: Any) -> Said:
        """Return how somebody is shown, once they are shown like that."""
        while True:
            for person in self.standing.get("people", ()):
                if person["id"] == other.id and all(person.get(name) == value for name, value in what.items()):
                    found: Said = person
                    return found
            await self.told("standing")

    async def closed(self) -> int:
        """Return with which code the line was closed, hearing the rest of what is said on it."""
        assert self.socket
        try:
            while True:
                await self.hear()
        except ConnectionClosed as ended:
            return ended.rcvd.code if ended.rcvd else 1006

    async def drop(self) -> None:
        """Lose the network: the other side is told nothing."""
        assert self.socket
        self.socket.transport.abort()
        await self.socket.wait_closed()

    async def offer(self, to: "Page", sdp: str = "v=0") -> None:
        """Send an offer to another page."""
        await self.say("signal", to=to.id, instance=str(to.instance), description={"type": "offer", "sdp": sdp})


def line_url(api: str, visit: uuid.UUID) -> str:
    """Return the address of a visit's line at an API."""
    return f"ws{api.removeprefix('http')}/v1/consultations/{visit}/signalling"


async def page_by_link(api: str, visit: uuid.UUID, url: str) -> Page:
    """Use a link and return the page it opens."""
    async with httpx.AsyncClient(base_url=api, timeout=60) as client:
        answer = await client.post("/v1/consultation-passes", json={"link": url.partition("#")[2]})
    assert answer.status_code == 201, answer.text
    return Page(line_url(api, visit), {"pass": answer.json()["pass"]})


async def page_of(api: str, visit: uuid.UUID, headers: dict[str, str]) -> Page:
    """Return a page opened with somebody's own link."""
    async with httpx.AsyncClient(base_url=api, timeout=60) as client:
        made = await client.post(f"/v1/consultations/{visit}/links", headers=headers)
    assert made.status_code == 201, made.text
    return await page_by_link(api, visit, made.json()["url"])


async def guest_page(api: str, visit: uuid.UUID, host: dict[str, str], role: str = "family") -> Page:
    """Return the page of a guest whom somebody invites."""
    async with httpx.AsyncClient(base_url=api, timeout=60) as client:
        body = {"role": role, "name": "Wisteria"}
        made = await client.post(f"/v1/consultations/{visit}/guests", headers=host, json=body)
    assert made.status_code == 201, made.text
    return await page_by_link(api, visit, made.json()["url"])


@asynccontextmanager
async def hanging_up(*pages: Page) -> AsyncIterator[None]:
    """Close what lines are still open after the block."""
    try:
        yield
    finally:
        for page in pages:
            if page.socket:
                await page.socket.close()
