"""Files in a bucket of Amazon's S3, or of whatever else speaks its REST API (MinIO, Ceph, Garage)."""

import hashlib
import hmac
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.core import clock
from app.core.later import Later
from app.core.problems import NotFound, Unavailable
from app.core.settings import MediaSettings

if TYPE_CHECKING:
    import httpx
else:
    httpx = Later("httpx")

_EMPTY: Final = hashlib.sha256(b"").hexdigest()
_KEY: Final = re.compile(r"<Key>([^<]+)</Key>")
_PIECE: Final = re.compile(r"/(\d{15})$")
_PART: Final = 2**16
# What of the store's answer is about the content.
_OF_CONTENT: Final = ("content-length", "content-range", "accept-ranges", "etag", "last-modified")


class StoreUnavailable(Unavailable, OSError):  # noqa: N818 - a problem is called what it is
    """The store did not do what it was asked: for whoever sends a request, and for whoever reads files, the same."""


def signed(
    method: str, url: str, headers: Mapping[str, str], digest: str, settings: MediaSettings, at: datetime
) -> dict[str, str]:
    """Return the headers of a request with their signature (AWS Signature Version 4).

    ``digest`` is the SHA-256 of the body in hex. All ``headers`` are signed.
    """
    parts, stamp, day = urlsplit(url), at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    given = {name.lower(): value.strip() for name, value in headers.items()}
    given |= {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(given))
    query = "&".join(sorted(parts.query.split("&"))) if parts.query else ""
    lines = [method, parts.path or "/", query, *(f"{name}:{given[name]}" for name in sorted(given)), "", names, digest]
    scope = f"{day}/{settings.s3_region}/s3/aws4_request"
    canonical = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    key = b"AWS4" + (settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else "").encode()
    for step in (day, settings.s3_region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{canonical}".encode(), "sha256").hex()
    credential = f"{settings.s3_access_key}/{scope}"
    given["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={signature}"
    return given


class BucketStorage:
    """Files in a bucket: each piece is an object, and so is the file that comes of them."""

    def __init__(self, settings: MediaSettings) -> None:
        self._settings = settings
        self._root = f"{settings.s3_endpoint.rstrip('/')}/{settings.s3_bucket}"

    async def write(self, key: uuid.UUID, offset: int, data: bytes) -> None:
        """Store a piece under where it begins, in the place of what an unfinished call has left there."""
        await self._done("PUT", f"pieces/{key.hex}/{offset:015d}", data)

    async def read(self, key: uuid.UUID, size: int) -> bytes:
        """Return the first ``size`` bytes of the pieces, each at its place; less where one is missing."""
        found = bytearray()
        for name in await self._listed(f"pieces/{key.hex}/"):
            matched = _PIECE.search(name)
            at = int(matched[1]) if matched else size
            if at >= size or at > len(found):
                break
            content = (await self._done("GET", name)).content
            found[at : at + len(content)] = content
        return bytes(found[:size])

    async def finish(self, key: uuid.UUID, data: bytes) -> None:
        """Store the file; an object is there whole or not at all."""
        await self._done("PUT", _file(key), data)

    async def part(self, key: uuid.UUID, offset: int, size: int) -> bytes:
        """Read a part of the file; of its pieces while there is none."""
        answer = await self._asked("GET", _file(key), headers={"Range": f"bytes={offset}-{offset + size - 1}"})
        if answer.status_code == httpx.codes.NOT_FOUND:
            pieces = await self.read(key, offset + size)
            if not pieces:
                raise FileNotFoundError
            return pieces[offset:]
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return b""
        _require(answer)
        return answer.content

    async def drop_pieces(self, key: uuid.UUID) -> None:
        """Remove the pieces."""
        for name in await self._listed(f"pieces/{key.hex}/"):
            await self._done("DELETE", name)

    async def delete(self, key: uuid.UUID) -> None:
        """Remove the file and its pieces."""
        await self._done("DELETE", _file(key))
        await self.drop_pieces(key)

    def serve(self, key: uuid.UUID, content_type: str, headers: Mapping[str, str]) -> Response:
        """Send the file, or the range of it that is asked for, as it comes."""
        return _Passed(self, key, content_type, headers)

    @asynccontextmanager
    async def sending(self, key: uuid.UUID, asked: Mapping[str, str]) -> "AsyncIterator[httpx.Response]":
        """Open the file, or the range that is asked for; raises ``StoreUnavailable``."""
        url = f"{self._root}/{_file(key)}"
        headers = signed("GET", url, asked, _EMPTY, self._settings, clock.now())
        headers["accept-encoding"] = "identity"  # it is passed on as it comes
        try:
            async with _client() as client, client.stream("GET", url, headers=headers) as answer:
                yield answer
        except httpx.HTTPError:
            raise StoreUnavailable from None

    async def _listed(self, prefix: str) -> list[str]:
        names: list[str] = []
        is_more = True
        while is_more:
            after = quote(names[-1] if names else "", safe="")
            answer = await self._done("GET", f"?list-type=2&prefix={quote(prefix, safe='')}&start-after={after}")
            names += _KEY.findall(answer.text)
            is_more = "<IsTruncated>true</IsTruncated>" in answer.text
        return names

    async def _done(self, method: str, name: str, data: bytes = b"") -> "httpx.Response":
        answer = await self._asked(method, name, data)
        _require(answer)
        return answer

    async def _asked(
        self, method: str, name: str, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> "httpx.Response":
        url = f"{self._root}{'' if name.startswith('?') else '/'}{name}"
        digest = hashlib.sha256(data).hexdigest() if data else _EMPTY
        said = signed(method, url, headers or {}, digest, self._settings, clock.now())
        try:
            async with _client() as client:
                return await client.request(method, url, headers=said, content=data or None)
        except httpx.HTTPError:
            raise StoreUnavailable from None


class _Passed(Response):
    """A file of the bucket's, passed on as it comes."""

    def __init__(self, store: BucketStorage, key: uuid.UUID, content_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(headers=dict(headers), media_type=content_type)
        self._store, self._key = store, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name == b"range"}
        response: Response | None = None
        try:
            async with self._store.sending(self._key, asked) as answer:
                response = self._passed(answer, scope)
                await response(scope, receive, send)
        except StoreUnavailable as refusal:
            if response is not None:
                raise  # in the middle of it: nothing else can be said any more
            await refusal.response(scope["path"])(scope, receive, send)

    def _passed(self, answer: "httpx.Response", scope: Scope) -> Response:
        if answer.status_code == httpx.codes.NOT_FOUND:
            return NotFound().response(scope["path"])
        if answer.status_code not in (200, 206, 416):
            return StoreUnavailable().response(scope["path"])
        headers = {name: value for name, value in self.headers.items() if name != "content-length"}
        headers |= {name: answer.headers[name] for name in _OF_CONTENT if name in answer.headers}
        return StreamingResponse(answer.aiter_raw(_PART), answer.status_code, headers, self.media_type)


def _client() -> "httpx.AsyncClient":
    # What the environment says about proxies and credentials is meant for other programs.
    return httpx.AsyncClient(timeout=30, follow_redirects=False, trust_env=False)


def _file(key: uuid.UUID) -> str:
    return f"files/{key.hex}"


def _require(answer: "httpx.Response") -> None:
    if not answer.is_success:
        raise StoreUnavailable
