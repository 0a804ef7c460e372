"""A loopback Firebase Cloud Messaging: the send and the OAuth token endpoint, speaking the real wire format."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sinks.certificate import Certificate

PROJECT = "demo-hearthline"
_ACCOUNT = f"sender@{PROJECT}.iam.gserviceaccount.com"
_AUDIENCE = "https://oauth2.googleapis.com/token"  # whatever the endpoint, the library signs for this one
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_MAX_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sink does with a message instead of taking it."""

    status: int = 200
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    reset: bool = False
    takes: bool = False
    """Whether the message reaches the phone although the sender is not told."""
    late: bool = False
    """Whether the answer comes only when hanging requests are released."""


def error(status: int, code: str | None, *, retry_after: str | None = None, field_name: str | None = None) -> Reply:
    """Return FCM's error document; ``field_name`` adds the violation of an ``INVALID_ARGUMENT``."""
    details: list[dict[str, Any]] = [{"@type": _FCM_ERROR, "errorCode": code}] if code else []
    if field_name:
        violations = [{"field": field_name, "description": "Invalid registration"}]
        details.append({"@type": _BAD_REQUEST, "fieldViolations": violations})
    names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
    names |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
    body = {"error": {"code": status, "message": "refused", "status": names[status], "details": details}}
    return Reply(status, body, {"Retry-After": retry_after} if retry_after else {})


UNREGISTERED = error(404, "UNREGISTERED")
INTERNAL = error(500, "INTERNAL")
UNAVAILABLE = error(503, "UNAVAILABLE")
QUOTA = error(429, "QUOTA_EXCEEDED")
HANG = Reply(hang=True)
RESET = Reply(reset=True)
LATE = Reply(takes=True, late=True)
TAKEN_THEN_RESET = Reply(reset=True, takes=True)


@cache
def _signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def write_account(directory: Path, token_uri: str) -> Path:
    """Write the file of a service account whose tokens come from ``token_uri`` and return its path."""
    pem = _signing_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = directory / "service-account.json"
    account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": _ACCOUNT,
        "token_uri": token_uri,
    }
    file.write_text(json.dumps(account))
    return file


Behaviour = Callable[[Mapping[str, Any]], Reply | None]


class FcmSink:
    """Takes messages as FCM would. ``behave`` may answer otherwise; ``messages`` are the taken ones, in order."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.attempts = 0
        self.tokens_issued = 0
        self.token_requests = 0
        self.token_lasts = 3600  # seconds
        self.token_endpoint_is_down = False
        self.token_endpoint_hangs = False
        self.behave: Behaviour = lambda _: None
        self.taken = asyncio.Condition()
        self.url = ""
        self._valid: set[str] = set()
        self._key = _signing_key()
        self._released = asyncio.Event()

    @property
    def screens(self) -> Counter[tuple[str, str]]:
        """How often each phone was sent something under each collapse key."""
        return Counter((target(message), message["android"]["collapse_key"]) for message in self.messages)

    def write_credentials(self, directory: Path) -> Path:
        """Write the service account file that this sink accepts and return its path."""
        return write_account(directory, f"{self.url}/token")

    def revoke_tokens(self) -> None:
        """Make every token given out so far worthless."""
        self._valid.clear()

    def release(self) -> None:
        """Let hanging requests end."""
        self._released.set()

    async def wait_for(self, count: int) -> None:
        """Return once ``count`` messages were taken."""
        await self.until(lambda: len(self.messages) >= count)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Return once something that requests change is true."""
        async with self.taken:
            await self.taken.wait_for(is_true)

    async def _token(self, request: web.Request) -> web.Response:
        async with self.taken:
            self.token_requests += 1
            self.taken.notify_all()
        if self.token_endpoint_hangs:
            await self._released.wait()
        if self.token_endpoint_is_down:
            return web.json_response({"error": "invalid_grant"}, status=400)
        form = await request.post()
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        # The sender's clock is the machine's; only the signature and the audience are of interest here.
        claims = jwt.decode(str(form["assertion"]), self._key.public_key(), algorithms=["RS256"], audience=_AUDIENCE)
        assert claims["iss"] == _ACCOUNT
        assert "firebase.messaging" in claims["scope"] or "cloud-platform" in claims["scope"]
        self.tokens_issued += 1
        token = f"token-{self.tokens_issued}"
        self._valid.add(token)
        return web.json_response({"access_token": token, "expires_in": self.token_lasts, "token_type": "Bearer"})

    async def _send(self, request: web.Request) -> web.StreamResponse:
        async with self.taken:
            self.attempts += 1
            self.taken.notify_all()
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._valid:
            return _response(error(401, None))
        message = (await request.json())["message"]
        problem = _problem(message)
        reply = error(400, "INVALID_ARGUMENT", field_name=problem) if problem else self.behave(message)
        if reply is None or reply.takes:
            async with self.taken:
                self.messages.append(message)
                self.taken.notify_all()
        if reply is not None and reply.late:
            await self._released.wait()
        if reply is None or reply.late:
            return web.json_response({"name": f"projects/{PROJECT}/messages/{len(self.messages)}"})
        if reply.hang:
            await self._released.wait()
        if reply.reset or reply.hang:
            assert request.transport is not None
            request.transport.abort()
        return _response(reply)

    def app(self) -> web.Application:
        """Return the sink as an application of aiohttp."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_post("/token", self._token)
        app.router.add_post(f"/v1/projects/{PROJECT}/messages:send", self._send)
        return app


def target(message: Mapping[str, Any]) -> str:
    """Return whom a message is for."""
    return str(message.get("fid") or message.get("token"))


def _response(reply: Reply) -> web.Response:
    return web.json_response(dict(reply.body), status=reply.status, headers=dict(reply.headers))


def _problem(message: Mapping[str, Any]) -> str | None:
    """Return the field FCM would refuse, if any."""
    if sum(name in message for name in ("fid", "token", "topic", "condition")) != 1 or not target(message):
        return "message"
    if not all(isinstance(value, str) for value in message.get("data", {}).values()):
        return "message.data"
    if len(message["apns"]["headers"]["apns-collapse-id"].encode()) > 64:
        return "message.apns"
    if len(json.dumps([message["notification"], message["data"]], ensure_ascii=False).encode()) > 4096:
        return "message.notification"
    return None if message["android"]["ttl"].endswith("s") else "message.android.ttl"


@asynccontextmanager
async def fcm_sink(port: int = 0, *, certificate: Certificate | None = None) -> AsyncIterator[FcmSink]:
    """Run a sink on the loopback address for as long as the block runs, with TLS if it is given a certificate."""
    sink = FcmSink()
    runner = web.AppRunner(sink.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        context = certificate.serving() if certificate else None
        site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024, ssl_context=context)
        await site.start()
        host, bound, *_ = runner.addresses[0]
        sink.url = f"{'https' if certificate else 'http'}://{host}:{bound}"
        yield sink
    finally:
        sink.release()
        await runner.cleanup()
