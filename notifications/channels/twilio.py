"""Text messages and calls through Twilio, or any provider that speaks its REST API, over pooled connections."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import orjson
import structlog

from app.core import clock, failures
from app.core.later import Later
from app.core.sending_settings import TwilioSettings
from notifications.channels.http import CRITICAL_PAUSE, as_they_come
from notifications.channels.ports import Message, Outcome
from notifications.channels.twilio_messages import Answer, call, text_message, understand

if TYPE_CHECKING:
    import httpx
else:
    httpx = Later("httpx")

CONNECTIONS: Final = 20  # per lane: the provider refuses an account that asks for too much at once
CONNECT_SECONDS: Final = 5.0
# A message that did not get a connection by then was not tried. With the other times this stays within a lease.
QUEUE_SECONDS: Final = 15.0
BUSY_PAUSE: Final = timedelta(seconds=5)

log = structlog.get_logger(__name__)


class TwilioChannel:
    """Sends one kind of message: ``sms`` or ``voice``."""

    def __init__(self, kind: Literal["sms", "voice"], settings: TwilioSettings) -> None:
        if settings.account_sid is None or settings.auth_token is None:
            raise ValueError("HEARTHLINE_TWILIO_ACCOUNT_SID or HEARTHLINE_TWILIO_AUTH_TOKEN is missing")
        self._kind = kind
        self._settings = settings
        resource = "Messages" if kind == "sms" else "Calls"
        self._url = f"{settings.endpoint.rstrip('/')}/2010-04-01/Accounts/{settings.account_sid}/{resource}.json"
        self._auth = httpx.BasicAuth(settings.account_sid, settings.auth_token.get_secret_value())
        # Critical messages have connections of their own, and no quota that was used up holds them up.
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._paused_until: datetime | None = None

    def send(self, messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
        """Post ``messages`` at once over pooled connections and yield outcomes as they come in."""
        return as_they_come(self._sent(message) for message in messages)

    async def close(self) -> None:
        """Close the connections."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.aclose()

    async def _sent(self, message: Message) -> Outcome:
        try:
            return await self._send(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's outcome and no other's
            log.error("message_failed", channel=self._kind, error=failures.code_of(error))  # noqa: TRY400 - a traceback may hold data
            return Outcome(message.delivery_id, "uncertain", failures.code_of(error))

    async def _send(self, message: Message) -> Outcome:
        now = clock.now()
        critical = message.urgency == "critical"
        if not critical and self._paused_until is not None and now < self._paused_until:
            return Outcome(message.delivery_id, "wait", "quota_paused", retry_at=self._paused_until)
        form = text_message(message, self._settings, now) if self._kind == "sms" else call(message, self._settings)
        try:
            response = await self._client(critical=critical).post(self._url, data=form)
        except httpx.PoolTimeout:
            return Outcome(message.delivery_id, "wait", "busy", retry_at=clock.now() + BUSY_PAUSE)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            return Outcome(message.delivery_id, "retry", type(error).__name__)
        except httpx.HTTPError as error:  # the request was on its way: nobody knows whether it was taken
            return Outcome(message.delivery_id, "uncertain", type(error).__name__)
        document: object = None
        with suppress(orjson.JSONDecodeError):  # a proxy's error page: the status says enough
            document = orjson.loads(response.content)
        parsed = document if isinstance(document, dict) else {}
        answer = understand(response.status_code, response.headers, parsed, clock.now())
        return self._outcome(message, answer, critical=critical)

    def _outcome(self, message: Message, answer: Answer, *, critical: bool) -> Outcome:
        if answer.verdict == "sent":
            return Outcome(message.delivery_id, "sent", provider_message_id=answer.sid)
        if answer.verdict == "failed":
            return Outcome(message.delivery_id, "failed", answer.code)
        now = clock.now()
        retry_at = now + answer.retry_after if answer.retry_after is not None else None
        if answer.verdict == "quota" and retry_at is not None:
            if critical:
                retry_at = min(retry_at, now + CRITICAL_PAUSE)
            else:
                self._paused_until = max(retry_at, self._paused_until or now)
        log.warning("provider_refused", channel=self._kind, code=answer.code)
        return Outcome(message.delivery_id, "retry", answer.code, retry_at=retry_at)

    def _client(self, *, critical: bool) -> "httpx.AsyncClient":
        client = self._clients.get(critical)
        if client is None:
            timeout = httpx.Timeout(self._settings.timeout, connect=CONNECT_SECONDS, pool=QUEUE_SECONDS)
            limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
            # What the environment says about proxies and credentials is meant for other programs.
            client = httpx.AsyncClient(auth=self._auth, timeout=timeout, limits=limits, trust_env=False)
            self._clients[critical] = client
        return client
