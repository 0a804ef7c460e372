"""The WebSocket of one Home Assistant: let in by token, asked one thing at a time, told of what changes.

Source: developers.home-assistant.io, "WebSocket API". Each command has a number that its result carries as well.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.core.later import Later
from app.core.outbound import is_forbidden
from community.home_hubs.rules import ANSWER_SECONDS, MOST_A_MINUTE, MOST_BYTES, MOST_WAITING, PING_SECONDS
from community.home_hubs.schemas import Asked, HubFailed

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = Later("aiohttp")

_WAITING: Final = 5_000
_MINUTE: Final = 60.0


class Line:
    """An open line to a hub: ``ask`` it, and take the events it tells of by ``next_event``."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse", software: str | None) -> None:
        self.software = software
        self._events: asyncio.Queue[tuple[dict[str, Any], int]] = asyncio.Queue(_WAITING)
        self._waiting = 0
        self._since, self._heard = time.monotonic(), 0
        self._socket = socket
        self._number = 0
        self._results: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, kind: str, **what: Any) -> Any:
        """Return the result of a command, or ``None`` if the hub does not want to; raises ``HubFailed``."""
        self._number += 1
        number = self._number
        result = self._results[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send_str(orjson.dumps({"id": number, "type": kind, **what}).decode())
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await result
        except TimeoutError:
            raise HubFailed("too_slow") from None
        except (ConnectionError, aiohttp.ClientError):
            raise HubFailed("unreachable") from None
        finally:
            self._results.pop(number, None)
        return answer.get("result", True) if answer.get("success", True) else None

    async def listen(self) -> None:
        """Hear what comes until the line ends; raises ``HubFailed`` then."""
        try:
            async for message in self._socket:
                if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    continue
                self.count(len(message.data))
                objects = _objects(message.data)
                for one in objects:
                    self.take(one, len(message.data) // len(objects))
        except asyncio.QueueFull:
            raise HubFailed("too_slow") from None
        except (ConnectionError, aiohttp.ClientError):
            raise HubFailed("unreachable") from None
        raise HubFailed("unreachable")

    async def keep_alive(self) -> None:
        """Ask now and then whether the hub is still there; raises ``HubFailed`` once it is not."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            await self.ask("ping")

    def count(self, size: int) -> None:
        """Count what was heard, in bytes, before it is read; raises ``HubFailed`` where it never ends."""
        now = time.monotonic()
        if now - self._since >= _MINUTE:
            self._since, self._heard = now, 0
        self._heard += size
        if self._heard > MOST_A_MINUTE:
            raise HubFailed("too_slow")

    async def next_event(self) -> dict[str, Any]:
        """Return the next event the hub tells of."""
        event, size = await self._events.get()
        self._waiting -= size
        return event

    def take(self, one: dict[str, Any], size: int) -> None:
        """Take in what was heard, of ``size`` bytes; raises ``HubFailed`` where more is said than is taken."""
        kind, number = one.get("type"), one.get("id")
        if kind == "event" and isinstance(one.get("event"), dict):
            if self._waiting + size > MOST_WAITING:
                raise HubFailed("too_slow")
            self._events.put_nowait((one["event"], size))
            self._waiting += size
        elif kind in ("result", "pong") and isinstance(number, int):
            waiting = self._results.get(number)
            if waiting is not None and not waiting.done():
                waiting.set_result(one)


@asynccontextmanager
async def line_to(http: "aiohttp.ClientSession", asked: Asked) -> AsyncIterator[Line]:
    """Open the line to a hub, and close it after the block.

    Raises ``HubFailed`` with ``address_not_allowed``, ``unreachable``, ``too_slow``, ``auth_invalid`` or
    ``not_home_assistant``.
    """
    socket = await _open(http, asked.url)
    try:
        yield Line(socket, await _let_in(socket, asked.token))
    finally:
        with contextlib.suppress(Exception):  # it may be gone already
            async with asyncio.timeout(1):
                await socket.close()


async def _open(http: "aiohttp.ClientSession", url: str) -> "aiohttp.ClientWebSocketResponse":
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await http.ws_connect(f"{url}/api/websocket", max_msg_size=MOST_BYTES, heartbeat=PING_SECONDS)
    except TimeoutError:
        raise HubFailed("too_slow") from None
    except aiohttp.WSServerHandshakeError:
        raise HubFailed("not_home_assistant") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise HubFailed("address_not_allowed" if is_forbidden(error) else "unreachable") from None


async def _let_in(socket: "aiohttp.ClientWebSocketResponse", token: str) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            asks = await _one(socket)
            if asks.get("type") != "auth_required":
                raise HubFailed("not_home_assistant")
            await socket.send_str(orjson.dumps({"type": "auth", "access_token": token}).decode())
            answer = await _one(socket)
    except TimeoutError:
        raise HubFailed("too_slow") from None
    except (ConnectionError, aiohttp.ClientError):
        raise HubFailed("unreachable") from None
    if answer.get("type") != "auth_ok":
        raise HubFailed("auth_invalid" if answer.get("type") == "auth_invalid" else "not_home_assistant")
    software = answer.get("ha_version")
    return software[:32] if isinstance(software, str) and software.isprintable() else None


async def _one(socket: "aiohttp.ClientWebSocketResponse") -> dict[str, Any]:
    message = await socket.receive()
    found = _objects(message.data) if message.type == aiohttp.WSMsgType.TEXT else []
    if not found:
        raise HubFailed("not_home_assistant")
    return found[0]


def _objects(data: str | bytes) -> list[dict[str, Any]]:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise HubFailed("not_home_assistant") from None
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, dict)]
