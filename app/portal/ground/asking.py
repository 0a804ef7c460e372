"""Asking Hearthline's own HTTP API in the same process: the portal has no rights of its own.

A page shows what the API answers the person signed in, and nothing else: the API's guards, its trail, its limits and
its validation stand before everything here, too. The call never leaves the process.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import orjson
from fastapi import Request
from starlette.types import ASGIApp, Message

JSON: Final = "application/json"
_PATH: Final = "/:@!$&'()*+,;=~-._"
_PAGE: Final = 100
HIDDEN: Final = frozenset({403, 404})
"""The statuses by which the API says that something is not for this visitor."""
_RUNNING: Final = "idempotent_request_running"
_UNTIL_DONE: Final = (0, 0.2, 0.4, 0.8, 1.6)
"""Seconds before each of the tries of what the same press already does."""
Query = str | int | bool | float | uuid.UUID | date | datetime | Sequence[str] | None


class Refused(Exception):  # noqa: N818 - the API's own word for it
    """The API refused: its status and its problem document (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("code", status)))
        self.status, self.problem = status, problem

    @property
    def code(self) -> str:
        """Return the problem's stable code."""
        return str(self.problem.get("code", "problem"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: its status, its headers by lower-case name, and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, ``None`` where there is none."""
        return orjson.loads(self.body) if self.body else None


class Api(Protocol):
    """The API as one visitor may use it. Every method raises ``Refused`` for whatever is not a success."""

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Query] | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Answer:
        """Return the whole answer; ``body`` is JSON, or bytes with a ``content-type`` of their own.

        ``key`` is the Idempotency-Key, where the method takes one.
        """
        ...

    async def get(self, path: str, **query: Query) -> Any:
        """Return what ``GET path`` answers, as JSON; ``None`` in the query is left out."""
        ...

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Post ``body`` under the Idempotency-Key ``key``."""
        ...

    async def put(self, path: str, body: Any = None, *, version: int | None = None) -> Any:
        """Put ``body`` in place of ``version``."""
        ...

    async def patch(self, path: str, body: Any = None, *, version: int | None = None) -> Any:
        """Change ``version`` by what ``body`` has."""
        ...

    async def delete(self, path: str, *, version: int | None = None) -> Any:
        """Delete what is at ``path``."""
        ...

    async def pages(self, path: str, most: int, **query: Query) -> list[Any]:
        """Return at most ``most`` items of a list that comes in pages."""
        ...


class OwnApi:
    """The API of this process, asked on behalf of whoever sent ``request``; by nobody in particular without a token."""

    def __init__(self, request: Request, token: str | None, language: str) -> None:
        self._app: ASGIApp = request.app
        self._outer = request.scope
        self._headers = {
            "accept-language": language,
            "accept": JSON,
            "host": request.headers.get("host", "localhost"),
        }
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"
        # Behind a proxy it is this that says whose limits are counted; the API believes it as far as the page would.
        for name in ("x-request-id", "x-forwarded-for"):
            if values := request.headers.getlist(name):
                self._headers[name] = ", ".join(values)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Query] | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Answer:
        """Return what the API answers; raises ``Refused`` for a problem."""
        sent = {**self._headers, **(headers or {})}
        if key and method == "POST":
            sent["idempotency-key"] = key
        content = b""
        if body is not None:
            content = body if isinstance(body, bytes) else orjson.dumps(body)
            sent.setdefault("content-type", JSON)
            sent["content-length"] = str(len(content))
        for wait in _UNTIL_DONE:
            if wait:
                await asyncio.sleep(wait)
            # A task of its own has a context of its own: what the API binds to its logs is not the page's.
            answer = await asyncio.create_task(self._call(method, path, _encoded(query or {}), sent, content))
            if answer.status < 400:
                return answer
            refusal = Refused(answer.status, _problem(answer))
            if refusal.code != _RUNNING:
                raise refusal
        # It may yet be done: who is told that it was not would do it once more, as something new.
        raise Refused(503, {"code": "unavailable", "status": 503})

    async def _call(self, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> Answer:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": self._outer.get("scheme", "http"),
            "path": path,
            "raw_path": quote(path, safe=_PATH).encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            "client": self._outer.get("client"),
            "server": self._outer.get("server"),
            "state": {},
        }
        waiting = [content]
        status, answered, pieces = 500, dict[str, str](), list[bytes]()

        async def receive() -> Message:
            if not waiting:
                await asyncio.Event().wait()  # a caller in this process never hangs up
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answered.update((name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"])
            elif message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return Answer(status, answered, b"".join(pieces))

    async def get(self, path: str, **query: Query) -> Any:
        """Return what ``GET path`` answers."""
        return (await self.ask("GET", path, query=query)).json()

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Post ``body``."""
        return (await self.ask("POST", path, body, key=key)).json()

    async def put(self, path: str, body: Any = None, *, version: int | None = None) -> Any:
        """Put ``body`` in place of ``version``."""
        return (await self.ask("PUT", path, body, headers=_if_match(version))).json()

    async def patch(self, path: str, body: Any = None, *, version: int | None = None) -> Any:
        """Change ``version``."""
        return (await self.ask("PATCH", path, body, headers=_if_match(version))).json()

    async def delete(self, path: str, *, version: int | None = None) -> Any:
        """Delete what is at ``path``."""
        return (await self.ask("DELETE", path, headers=_if_match(version))).json()

    async def pages(self, path: str, most: int, **query: Query) -> list[Any]:
        """Return at most ``most`` items of a list."""
        items = [item async for item in self._items(path, most, query)]
        return items[:most]

    async def _items(self, path: str, most: int, query: Mapping[str, Query]) -> AsyncIterator[Any]:
        cursor, seen = None, 0
        while True:
            page = await self.get(path, **{**query, "limit": min(most - seen, _PAGE), "cursor": cursor})
            for item in page["items"]:
                yield item
            seen += len(page["items"])
            cursor = page["next"]
            if cursor is None or seen >= most:
                return


async def unless_hidden(asked: Awaitable[Any]) -> Any:
    """Return what the API answers, ``None`` where the visitor may not see it; raises ``Refused`` for anything else."""
    try:
        return await asked
    except Refused as refusal:
        if refusal.status in HIDDEN:
            return None
        raise


def _if_match(version: int | None) -> Mapping[str, str] | None:
    return None if version is None else {"if-match": f'"{version}"'}


def _encoded(query: Mapping[str, Query]) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if value is None:
            continue
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, (date, datetime)):
            pairs.append((name, value.isoformat()))
        elif isinstance(value, (list, tuple)):
            pairs += ((name, str(one)) for one in value)
        else:
            pairs.append((name, str(value)))
    return urlencode(pairs)


def _problem(answer: Answer) -> Mapping[str, Any]:
    try:
        document = answer.json()
    except orjson.JSONDecodeError:
        document = None
    return document if isinstance(document, dict) else {"status": answer.status, "code": "problem"}
