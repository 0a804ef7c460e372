"""A loopback push service of browsers: checks VAPID and headers, and decrypts as the browser would (RFC 8291)."""

import hmac
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core import clock
from app.core.vapid import decoded, encoded, point

RECORD = 4096


@dataclass
class Browser:
    """A subscription and what only its browser knows: the private key and the secret."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def subscription(self, endpoint: str) -> dict[str, Any]:
        """Return what ``PushSubscription.toJSON()`` says."""
        keys = {"p256dh": encoded(point(self.key.public_key())), "auth": encoded(self.auth)}
        return {"endpoint": endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """Return what a message says: RFC 8188's single record, under the keys of RFC 8291."""
        salt, size, key_length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, sealed = body[21 : 21 + key_length], body[21 + key_length :]
        assert len(sealed) <= size == RECORD
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        ours = point(self.key.public_key())
        material = _hkdf(self.auth, shared, b"WebPush: info\0" + ours + sender, 32)
        key = _hkdf(salt, material, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _hkdf(salt, material, b"Content-Encoding: nonce\0", 12)
        content, _, padding = AESGCM(key).decrypt(nonce, sealed, None).rpartition(b"\x02")
        assert not padding.strip(b"\0")
        return content


def _hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    """Return HKDF-SHA-256 (RFC 5869) of one block, written out: not by the hand that encrypted."""
    return hmac.digest(hmac.digest(salt, material, "sha256"), info + b"\x01", "sha256")[:length]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sink does with a message instead of taking it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A message as the browser got it."""

    to: str
    headers: Mapping[str, str]
    claims: Mapping[str, Any]
    content: Mapping[str, Any]


class WebPushSink:
    """Takes messages for its browsers. ``behave`` may answer otherwise; ``messages`` are the taken ones, in order."""

    def __init__(self) -> None:
        self.url = ""
        self.browsers: dict[str, Browser] = {}
        self.public_key = ""
        self.messages: list[Taken] = []
        self.attempts = 0
        self.behave: Callable[[str], Reply | None] = lambda _: None

    def subscribe(self, name: str) -> dict[str, Any]:
        """Return the subscription of a new browser."""
        self.browsers[name] = Browser()
        return self.browsers[name].subscription(f"{self.url}/push/{name}")

    async def _take(self, request: web.Request) -> web.Response:
        self.attempts += 1
        name = request.match_info["name"]
        reply = self.behave(name)
        if reply is not None and reply.reset:
            assert request.transport is not None
            request.transport.abort()
        if reply is not None:
            return web.Response(status=reply.status, headers=reply.headers)
        if name not in self.browsers:
            return web.Response(status=410)
        claims = self._claims(request.headers["Authorization"])
        assert request.headers["Content-Encoding"] == "aes128gcm"
        assert int(request.headers["TTL"]) >= 0
        assert request.headers["Urgency"] in {"very-low", "low", "normal", "high"}
        topic = request.headers["Topic"]
        assert len(topic) <= 32
        assert decoded(topic)
        body = await request.read()
        if len(body) > RECORD:
            return web.Response(status=413)
        content = json.loads(self.browsers[name].read(body))
        self.messages.append(Taken(name, dict(request.headers), claims, content))
        return web.Response(status=201, headers={"Location": f"{self.url}/message/{len(self.messages)}"})

    def _claims(self, authorization: str) -> Mapping[str, Any]:
        scheme, _, rest = authorization.partition(" ")
        assert scheme == "vapid"
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert parts["k"] == self.public_key
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(parts["k"]))
        # The sender's clock is the test's.
        claims: dict[str, Any] = jwt.decode(
            parts["t"], key, algorithms=["ES256"], audience=self.url, options={"verify_exp": False}
        )
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        assert clock.now() < expires <= clock.now() + timedelta(hours=24)
        return claims

    def app(self) -> web.Application:
        """Return the sink as an application of aiohttp."""
        app = web.Application()
        app.router.add_post("/push/{name}", self._take)
        return app


@asynccontextmanager
async def web_push_sink() -> AsyncIterator[WebPushSink]:
    """Run a sink on the loopback address for as long as the block runs."""
    sink = WebPushSink()
    runner = web.AppRunner(sink.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, bound, *_ = runner.addresses[0]
        sink.url = f"http://{host}:{bound}"
        yield sink
    finally:
        await runner.cleanup()
