"""The demo's people at their phones: requests to the API, answered in this process, as whoever asks."""

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from starlette.types import Message, Scope

from app.core.access import Actor
from app.identity.api import IdentityAuthenticator

Later = Callable[[datetime, Callable[[], Awaitable[None]]], None]
"""How people of the demo mean to do something at an instant."""
Attempt = Callable[[Actor, str, dict[str, Any] | None], Awaitable[Any]]
"""How they post something that may make no sense any more: the answer, or ``None``."""

SignIn = Callable[[str], Awaitable[str | None]]
"""How they sign in with the code that arrives at a number: the access token, or ``None`` if none arrives."""

_ACTOR: Final = "hearthline.demo.actor"
_HOST: Final = (b"host", b"demo")
_JSON: Final = (b"content-type", b"application/json")
_PIECE: Final = ((b"content-type", b"application/offset+octet-stream"), (b"upload-offset", b"0"))


class Refused(RuntimeError):  # noqa: N818 - the API's word
    """The API refused what a person of the demo asked for; ``code`` is the problem's."""

    def __init__(self, method: str, path: str, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        super().__init__(f"{method} {path}: {status} {orjson.dumps(problem).decode()}")


class LineClosed(RuntimeError):  # noqa: N818 - says what happened
    """The API closed a line."""


class DemoAuthenticator(IdentityAuthenticator):
    """Believes who `Phones` says is asking: nobody outside this process can say so. Everyone else signs in as ever."""

    async def authenticate(self, request: Request) -> Actor:
        """Return the actor of a request of the demo's own, or what identity makes of the request."""
        actor: Actor | None = request.scope.get(_ACTOR)
        return actor if actor is not None else await super().authenticate(request)


class Phones:
    """Sends requests to ``app`` without a network."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._lines: list[Line] = []

    async def ask(
        self,
        actor: Actor | None,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
    ) -> Any:
        """Return the JSON the API answers, ``None`` if the answer is empty; raises ``Refused``.

        ``actor`` is who asks, or nobody; ``token`` is sent as the bearer.
        """
        return await self._answer(_scope(actor, method, path, token), b"" if body is None else orjson.dumps(body))

    def line(self, path: str) -> "Line":
        """Return a line (WebSocket) to ``path``, open."""
        scope = _scope(None, "GET", path, None)
        line = Line(self._app, {**scope, "type": "websocket", "scheme": "ws", "subprotocols": []})
        self._lines = [*(one for one in self._lines if one.is_open), line]
        return line

    async def hang_up(self) -> None:
        """Close what lines are open."""
        for line in self._lines:
            if line.is_open:
                await line.hang_up()

    async def upload(self, actor: Actor, purpose: str, content_type: str, content: bytes) -> str:
        """Upload a file in one piece and return its id; raises ``Refused``."""
        digest = hashlib.sha256(content).hexdigest()
        about = {"purpose": purpose, "content_type": content_type, "size": len(content), "sha256": digest}
        begun = await self.ask(actor, "POST", "/v1/uploads", about)
        scope = _scope(actor, "PATCH", f"/v1/uploads/{begun['id']}", None)
        scope["headers"] = [_HOST, *_PIECE]
        await self._answer(scope, content)
        return str(begun["id"])

    async def _answer(self, scope: Scope, body: bytes) -> Any:
        status, answer = await self._exchange(scope, body)
        document = orjson.loads(answer) if answer else None
        if status >= 400:
            raise Refused(scope["method"], scope["path"], status, document or {})
        return document

    async def _exchange(self, scope: Scope, body: bytes) -> tuple[int, bytes]:
        status = 500
        chunks: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                chunks.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return status, b"".join(chunks)


class Line:
    """A line to the API on which messages go both ways."""

    def __init__(self, app: FastAPI, scope: Scope) -> None:
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        self._served = asyncio.create_task(self._serve(app, scope))

    async def _serve(self, app: FastAPI, scope: Scope) -> None:
        try:
            await app(scope, self._said.get, self._heard.put)
        finally:
            self._heard.put_nowait({"type": "websocket.close"})

    @property
    def is_open(self) -> bool:
        """Whether the API still serves it."""
        return not self._served.done()

    def say(self, kind: str, **content: Any) -> None:
        """Send a message."""
        self._said.put_nowait({"type": "websocket.receive", "text": orjson.dumps({"type": kind, **content}).decode()})

    async def hear(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first message from here on that is the one; raises ``LineClosed`` if none comes any more."""
        while (message := await self._heard.get())["type"] != "websocket.close":
            if message["type"] == "websocket.send":
                told: dict[str, Any] = orjson.loads(message["text"])
                if is_it(told):
                    return told
        raise LineClosed

    async def hang_up(self) -> None:
        """Close the line, and return once the API knows."""
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self._served


def account(community_id: uuid.UUID, account_id: uuid.UUID, *, resident_id: uuid.UUID | None = None) -> Actor:
    """Return the actor somebody who works nowhere is."""
    return Actor(kind="account", id=account_id, community_id=community_id, resident_id=resident_id)


def _scope(actor: Actor | None, method: str, path: str, token: str | None) -> Scope:
    route, _, query = path.partition("?")
    headers = [_HOST, _JSON]
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": route,
        "raw_path": route.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 0),
        "server": ("demo", 80),
        _ACTOR: actor,
    }
