"""Web Push: straight to the push service of each browser (or UnifiedPush distributor), encrypted for it alone."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from app.core import clock, vapid
from app.core.later import Later
from app.core.outbound import AddressForbidden, check_url, is_forbidden, outbound_session
from app.core.settings import Settings
from notifications.channels.http import Connections
from notifications.channels.ports import Answer, Message, PushAddress
from notifications.channels.receipt_tokens import Pushed, token
from notifications.channels.web_push_messages import (
    MAX_CONTENT,
    PROOF_LIFE,
    encrypt,
    headers,
    payload,
    proof,
    understand,
)

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = Later("aiohttp")

_MOST_PROOFS = 1_000  # services are few, but clients name them
BUSY_PAUSE: Final = timedelta(seconds=5)
_REFUSED = Answer("failed", "address_refused")
_BUSY = Answer("paused", "busy", retry_after=BUSY_PAUSE)

QUEUE_SECONDS: Final = 45.0  # for a free connection: what did not get one by then was not tried
CONNECTIONS: Final = 100  # per lane; one push service that answers slowly holds no more than half of them


class _Exchange:
    """The time one call may take: a while for a connection, then ``seconds`` for everything, names looked up and all.

    Counted in all, not between two bytes: who drips them would hold a lane for as long as it likes.
    """

    def __init__(self, seconds: float) -> None:
        self.limit = asyncio.timeout(QUEUE_SECONDS)
        self.has_begun = False
        self._seconds = seconds

    def begin(self) -> None:
        """Let the time of the call itself run from now on."""
        if not self.has_begun:
            self.has_begun = True
            self.limit.reschedule(asyncio.get_running_loop().time() + self._seconds)


async def _begin(_: "aiohttp.ClientSession", context: Any, __: object) -> None:
    context.trace_request_ctx.begin()


class WebPushProvider:
    """Posts to the endpoints that browsers gave us; their addresses are not trusted."""

    def __init__(self, settings: Settings) -> None:
        key, self._subject = vapid.private_key(), settings.webpush.subject
        if key is None or self._subject is None:
            raise ValueError("HEARTHLINE_WEBPUSH_PRIVATE_KEY or HEARTHLINE_WEBPUSH_SUBJECT is missing")
        self._key = key
        self._allow_private = settings.webpush.allow_private
        self._timeout = settings.webpush.timeout
        self._connections = Connections(self._make_session)
        self._proofs: dict[str, tuple[str, datetime]] = {}

    def service_of(self, installation: PushAddress) -> str:
        """Return the push service the subscription is at."""
        return _origin(installation.web_push.endpoint) if installation.web_push else ""

    async def post(self, message: Message, installation: PushAddress) -> Answer:
        """Post ``message`` to the subscription of the phone or browser."""
        subscription = installation.web_push
        if subscription is None:
            return Answer("failed", "no_subscription")
        receipt = token(Pushed(message.delivery_id, installation.installation_id))
        content = payload(message, receipt, installation.platform)
        if len(content) > MAX_CONTENT:
            return Answer("failed", "message_too_big")
        try:
            check_url(subscription.endpoint, allow_private=self._allow_private)
            body = encrypt(content, subscription)
        except AddressForbidden:
            return _REFUSED
        except ValueError:
            return Answer("gone", "bad_keys")  # nothing can ever be sent to it
        return await self._call(message, subscription.endpoint, body)

    async def _call(self, message: Message, endpoint: str, body: bytes) -> Answer:
        now = clock.now()
        sent = headers(message, now) | {"Authorization": self._proof(_origin(endpoint), now)}
        session = self._connections.session(critical=message.urgency == "critical")
        exchange = _Exchange(self._timeout)
        try:
            async with (
                exchange.limit,
                session.post(
                    endpoint, data=body, headers=sent, allow_redirects=False, trace_request_ctx=exchange
                ) as answer,
            ):
                return understand(answer.status, answer.headers, clock.now())
        except TimeoutError:
            return Answer("unavailable", "timeout") if exchange.has_begun else _BUSY
        except (aiohttp.ClientError, ValueError) as error:  # ValueError: a URL the client cannot make sense of
            refused = is_forbidden(error)
            return _REFUSED if refused else Answer("unavailable", type(error).__name__)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    def _make_session(self) -> "aiohttp.ClientSession":
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_start.append(_begin)
        trace.on_connection_reuseconn.append(_begin)
        return outbound_session(
            self._allow_private, total=None, most=CONNECTIONS, most_per_host=CONNECTIONS // 2, traces=(trace,)
        )

    def _proof(self, origin: str, now: datetime) -> str:
        known = self._proofs.get(origin)
        if known is None or known[1] <= now:
            if len(self._proofs) >= _MOST_PROOFS:
                self._proofs.clear()
            known = proof(self._key, origin, self._subject or "", now), now + PROOF_LIFE / 2
            self._proofs[origin] = known
        return known[0]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
