"""A loopback Twilio: takes text messages and calls as its REST API does, and reports back, signed, as it does."""

import asyncio
import base64
import hashlib
import hmac
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from aiohttp import web
from pydantic import SecretStr

from app.core.sending_settings import MessageSettings, TwilioSettings
from app.core.settings import Settings, install_settings
from notifications.api import close_channels

ACCOUNT = "AC" + "0" * 32
TOKEN = "token-of-the-tests"
NUMBER = "+15005550006"
SERVICE = "MG" + "0" * 32


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sink does with a request instead of taking it."""

    status: int = 201
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    reset: bool = False
    takes: bool = False
    """Whether the message goes out although the sender is not told."""


def error(status: int, code: int, *, retry_after: str | None = None) -> Reply:
    """Return Twilio's error document."""
    body = {"code": code, "message": "refused", "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return Reply(status, body | {"status": status}, {"Retry-After": retry_after} if retry_after else {})


UNAUTHENTICATED = error(401, 20003)
INVALID_NUMBER = error(400, 21211)
NOT_MOBILE = error(400, 21614)
OPTED_OUT = error(400, 21610)
BUSY = error(429, 20429, retry_after="30")
BROKEN = Reply(500, {})
HANG = Reply(hang=True)
TAKEN_THEN_HANGS = Reply(hang=True, takes=True)
RESET = Reply(reset=True)
TAKEN_THEN_RESET = Reply(reset=True, takes=True)

Form = dict[str, str]
Behaviour = Callable[[Form], Reply | None]


def sign(url: str, form: Mapping[str, str], token: str = TOKEN) -> str:
    """Return the signature of a request as the provider's documentation computes it."""
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class TwilioSink:
    """Takes messages and calls. ``behave`` may answer otherwise; ``client`` is where it reports to."""

    def __init__(self) -> None:
        self.messages: list[Form] = []
        self.calls: list[Form] = []
        self.attempts = 0
        self.behave: Behaviour = lambda _: None
        self.url = ""
        self.taken = asyncio.Condition()
        self._released = asyncio.Event()

    async def report(
        self, client: httpx.AsyncClient, url: str, form: Mapping[str, str], *, signature: str | None = None
    ) -> httpx.Response:
        """Post a form to one of our public addresses, signed unless a ``signature`` is given."""
        parts = urlsplit(url)
        headers = {"X-Twilio-Signature": sign(url, form) if signature is None else signature}
        return await client.post(f"{parts.path}?{parts.query}", data=dict(form), headers=headers)

    async def message_status(
        self, client: httpx.AsyncClient, message: Form, status: str, **more: str
    ) -> httpx.Response:
        """Report the status of a message it took."""
        form = {"MessageSid": message["sid"], "MessageStatus": status, "SmsStatus": status, "To": message["To"]}
        return await self.report(client, message["StatusCallback"], {**form, **more})

    async def pick_up(self, client: httpx.AsyncClient, call: Form, **more: str) -> ET.Element:
        """Fetch what a call says when somebody picks up."""
        form = {"CallSid": call["sid"], "CallStatus": "in-progress", "To": call["To"], **more}
        return _twiml(await self.report(client, call["Url"], form))

    async def press(
        self, client: httpx.AsyncClient, call: Form, spoken: ET.Element, key: str, **more: str
    ) -> ET.Element:
        """Press a key while a call says what was fetched; return what it says then."""
        gather = spoken.find("Gather")
        assert gather is not None
        form = {"CallSid": call["sid"], "CallStatus": "in-progress", "Digits": key, "To": call["To"], **more}
        return _twiml(await self.report(client, gather.attrib["action"], form))

    async def hang_up(self, client: httpx.AsyncClient, call: Form, status: str = "completed") -> None:
        """Report that a call ended."""
        form = {"CallSid": call["sid"], "CallStatus": status, "To": call["To"]}
        assert (await self.report(client, call["StatusCallback"], form)).status_code == 204

    async def wait_for(self, count: int) -> None:
        """Return once ``count`` messages and calls were taken."""
        async with self.taken:
            await self.taken.wait_for(lambda: len(self.messages) + len(self.calls) >= count)

    def release(self) -> None:
        """Let hanging requests end."""
        self._released.set()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.attempts += 1
        expected = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        form = {name: str(value) for name, value in (await request.post()).items()}
        is_call = request.path.endswith("/Calls.json")
        if request.headers.get("Authorization") != f"Basic {expected}":
            return _response(UNAUTHENTICATED)
        problem = _problem(form, is_call=is_call)
        reply = error(400, problem) if problem else self.behave(form)
        sid = f"{'CA' if is_call else 'SM'}{self.attempts:032x}"
        if reply is None or reply.takes:
            async with self.taken:
                (self.calls if is_call else self.messages).append({**form, "sid": sid})
                self.taken.notify_all()
        if reply is None:
            return web.json_response({"sid": sid, "status": "queued", "account_sid": ACCOUNT}, status=201)
        if reply.hang:
            await self._released.wait()
        if reply.reset or reply.hang:
            assert request.transport is not None
            request.transport.abort()
        return _response(reply)

    def app(self) -> web.Application:
        """Return the sink as an application of aiohttp."""
        app = web.Application()
        for resource in ("Messages", "Calls"):
            app.router.add_post(f"/2010-04-01/Accounts/{ACCOUNT}/{resource}.json", self._take)
        return app


def _response(reply: Reply) -> web.Response:
    return web.json_response(dict(reply.body), status=reply.status, headers=dict(reply.headers))


def _problem(form: Form, *, is_call: bool) -> int | None:
    """Return the code with which the provider would refuse a form, if it would."""
    if not form.get("To", "").startswith("+"):
        return 21604
    if is_call:
        return None if form.get("From") and form.get("Url") else 21205
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return 21603
    if not (form.get("Body") or form.get("ContentSid")):
        return 21602
    return None if 1 <= int(form.get("ValidityPeriod", "1")) <= 36_000 else 21621


def _twiml(response: httpx.Response) -> ET.Element:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/xml")
    document = ET.fromstring(response.text)
    assert document.tag == "Response"
    return document


@asynccontextmanager
async def twilio_sink() -> AsyncIterator[TwilioSink]:
    """Run a sink on the loopback address for as long as the block runs."""
    sink = TwilioSink()
    runner = web.AppRunner(sink.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        host, port, *_ = runner.addresses[0]
        sink.url = f"http://{host}:{port}"
        yield sink
    finally:
        sink.release()
        await runner.cleanup()


@asynccontextmanager
async def twilio_provider(settings: Settings, **values: Any) -> AsyncIterator[TwilioSink]:
    """Run a sink and make it this process's provider of text messages and calls."""
    await close_channels()
    async with twilio_sink() as sink:
        given: dict[str, Any] = {
            "account_sid": ACCOUNT,
            "auth_token": SecretStr(TOKEN),
            "from_number": NUMBER,
            "endpoint": sink.url,
            "timeout": 0.3,
        }
        chosen = {
            "twilio": TwilioSettings(**(given | values)),
            "messages": MessageSettings(sms="twilio", voice="twilio"),
        }
        install_settings(settings.model_copy(update=chosen))
        yield sink
        install_settings(settings)
        await close_channels()
