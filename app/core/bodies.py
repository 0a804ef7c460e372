"""Bodies of requests: waited for so long and no longer, and refused where no table could keep what they say."""

import asyncio
from typing import Any, Final

import orjson
from fastapi import Request
from starlette.requests import ClientDisconnect

from app.core.problems import BadRequest, FieldError, Malformed
from app.core.settings import settings

WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""The methods that may have a body."""


async def receive(request: Request) -> None:
    """Read the body; raises ``BadRequest`` if it does not arrive in time, or never."""
    try:
        async with asyncio.timeout(settings().http.body_seconds):
            await request.body()
    except TimeoutError:
        raise BadRequest("the body did not arrive in time") from None
    except ClientDisconnect:
        raise BadRequest("the body did not arrive") from None


async def refuse_unstorable_text(request: Request) -> None:
    """Refuse what PostgreSQL's text cannot hold: NUL, and halves of surrogate pairs."""
    if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise BadRequest("the address contains a NUL character")
    if request.method not in WRITING or "json" not in request.headers.get("content-type", "json"):
        return
    await receive(request)
    body = await request.body()
    if b"\x00" in body:
        raise Malformed(errors=[FieldError("/body", "contains a NUL character", "nul_character")])
    # Only an escape can bring in either; most bodies have none, and are not read twice.
    if b"\\u0000" in body or b"\\ud" in body or b"\\uD" in body:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Malformed("the body is not JSON", errors=[FieldError("/body", str(error), "json_invalid")]) from None
        pointer = _find_nul(document, "/body")
        if pointer:
            raise Malformed(errors=[FieldError(pointer, "contains a NUL character", "nul_character")])


def _find_nul(document: Any, root: str) -> str | None:
    """Return a pointer to a text with a NUL; not by recursion, as documents may be nested deeper than Python calls."""
    waiting = [(document, root)]
    while waiting:
        value, pointer = waiting.pop()
        match value:
            case str() if "\x00" in value:
                return pointer
            case dict():
                if any("\x00" in key for key in value):
                    return pointer
                waiting += ((item, f"{pointer}/{key}") for key, item in value.items())
            case list():
                waiting += ((item, f"{pointer}/{index}") for index, item in enumerate(value))
    return None
