"""A store that speaks S3's REST API on loopback, and lets in nobody whose signature is not what AWS describes."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from tests import streams

ACCESS: Final = "AKIAIOSFODNN7EXAMPLE"
SECRET: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BUCKET: Final = "care"
_MOST: Final = 2
"""So many keys a list has: what there is more of is asked for again."""


class Bucket:
    """What is in the bucket, and whether it answers."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refused: list[str] = []
        self.is_down = False

    async def answer(self, request: Request) -> Response:
        """Do what a request asks, if it may."""
        body = await request.body()
        if self.is_down:
            return Response("<Error><Code>SlowDown</Code></Error>", 503)
        if not _is_signed(request, body):
            self.refused.append(request.url.path)
            return Response("<Error><Code>SignatureDoesNotMatch</Code></Error>", 403)
        key = request.url.path.removeprefix(f"/{BUCKET}").removeprefix("/")
        if not key:
            prefix, after = request.query_params["prefix"], request.query_params.get("start-after", "")
            found = [name for name in sorted(self.objects) if name.startswith(prefix) and name > after]
            keys = "".join(f"<Contents><Key>{name}</Key></Contents>" for name in found[:_MOST])
            is_more = f"<IsTruncated>{str(len(found) > _MOST).lower()}</IsTruncated>"
            return Response(f"<ListBucketResult>{is_more}{keys}</ListBucketResult>", media_type="application/xml")
        match request.method:
            case "PUT":
                self.objects[key] = body
                return Response()
            case "DELETE":
                self.objects.pop(key, None)
                return Response(status_code=204)
        return self._sent(key, request.headers.get("range"))

    def _sent(self, key: str, wanted: str | None) -> Response:
        content = self.objects.get(key)
        if content is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404)
        if wanted is None:
            return Response(content)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last) + 1 if last else None]
        if not part:
            return Response("<Error><Code>InvalidRange</Code></Error>", 416)
        place = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        return Response(part, 206, {"Content-Range": place, "Accept-Ranges": "bytes"})


def _is_signed(request: Request, body: bytes) -> bool:
    """Work the signature out as AWS describes it ("Authenticating Requests (AWS Signature Version 4)")."""
    algorithm, _, rest = request.headers.get("authorization", "").partition(" ")
    said = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if algorithm != "AWS4-HMAC-SHA256" or hashlib.sha256(body).hexdigest() != request.headers["x-amz-content-sha256"]:
        return False
    access, day, region, service, ending = said["Credential"].split("/")
    names = said["SignedHeaders"].split(";")
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(request.query_params.multi_items())
    )
    canonical = "\n".join(
        [
            request.method,
            quote(request.url.path, safe="/-_.~"),
            query,
            "".join(f"{name}:{request.headers[name].strip()}\n" for name in names),
            said["SignedHeaders"],
            request.headers["x-amz-content-sha256"],
        ]
    )
    to_sign = "\n".join(
        [
            algorithm,
            request.headers["x-amz-date"],
            f"{day}/{region}/{service}/{ending}",
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, ending):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return access == ACCESS and {"host", "x-amz-date"} <= set(names) and said["Signature"] == expected


@asynccontextmanager
async def served() -> AsyncIterator[tuple[str, Bucket]]:
    """Serve an empty bucket; yield its store's address and what is in it."""
    bucket = Bucket()
    app = FastAPI()
    app.add_route("/{path:path}", bucket.answer, methods=["GET", "PUT", "DELETE"])
    async with streams.served(app) as address:
        yield address, bucket
