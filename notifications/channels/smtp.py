"""Mail through an SMTP server: a few connections per batch, each used again, and what every reply code means."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from email.errors import MessageError

import structlog
from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from app.core import clock
from app.core.settings import Settings
from notifications.channels.mails import address_of, made
from notifications.channels.ports import Message, Outcome

BUSY_PAUSE = timedelta(minutes=1)  # after a 421: the server closes, whatever we want to send
_SERVICE_NOT_AVAILABLE = 421
_MAILBOX_UNAVAILABLE = 550
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_NO_SUCH_MAILBOX = re.compile(r"\b5\.1\.[016]\b")  # RFC 3463: bad destination, or its mailbox has moved

log = structlog.get_logger(__name__)


class SmtpChannel:
    """Hands mail to one server, which takes it from there."""

    def __init__(self, settings: Settings) -> None:
        if not settings.smtp.host or not settings.smtp.sender:
            raise ValueError("HEARTHLINE_SMTP_HOST or HEARTHLINE_SMTP_SENDER is missing")
        self._settings = settings.smtp
        self._sender = address_of(settings.smtp.sender).addr_spec
        self._tls = settings.smtp.tls_context()
        # A batch is leased: what is not begun in half of that time goes back, and nothing takes longer than the rest.
        self._patience = settings.worker.lease_seconds / 2 - 1

    async def send(self, messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
        """Send ``messages`` over a few connections and yield each one's outcome as it is known."""
        waiting = deque(messages)
        landed: asyncio.Queue[Outcome | None] = asyncio.Queue()
        begin_by = asyncio.get_running_loop().time() + self._patience
        lines = [
            asyncio.create_task(self._work_off(waiting, landed, begin_by))
            for _ in range(min(self._settings.connections, len(messages)))
        ]
        try:
            left, working = len(messages), len(lines)
            while working and left:
                came = [await landed.get()]
                while not landed.empty():
                    came.append(landed.get_nowait())
                working -= came.count(None)
                outcomes = [outcome for outcome in came if outcome is not None]
                left -= len(outcomes)
                if outcomes:
                    yield outcomes
            if left:
                raise RuntimeError("a connection's task ended before its mail had an outcome")
        finally:
            for line in lines:
                line.cancel()
            await asyncio.gather(*lines, return_exceptions=True)

    async def close(self) -> None:
        """Do nothing: no connection outlives its batch."""

    async def _work_off(
        self, waiting: deque[Message], landed: "asyncio.Queue[Outcome | None]", begin_by: float
    ) -> None:
        """Send one message after the other over one connection, opened anew when it was lost; ``None`` is the end."""
        client: SMTP | None = None
        try:
            while waiting:
                message = waiting.popleft()
                if asyncio.get_running_loop().time() >= begin_by:
                    await landed.put(Outcome(message.delivery_id, "wait", "server_slow", retry_at=clock.now()))
                    continue
                try:
                    client = client or self._client()
                    outcome = await self._sent(client, message)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's outcome
                    log.error("mail_failed", delivery_id=str(message.delivery_id), error=type(error).__name__)  # noqa: TRY400 - a traceback may hold data
                    if client is not None:
                        client.close()
                    outcome = Outcome(message.delivery_id, "uncertain", type(error).__name__)
                await landed.put(outcome)
        finally:
            landed.put_nowait(None)
            if client is not None:
                await _said_goodbye(client)

    def _client(self) -> SMTP:
        chosen = self._settings
        return SMTP(
            hostname=chosen.host,
            port=chosen.port or _PORTS[chosen.security],
            use_tls=chosen.security == "tls",
            start_tls=chosen.security == "starttls",
            tls_context=self._tls,
            username=chosen.username,
            password=chosen.password.get_secret_value() if chosen.password else None,
            local_hostname=self._sender.rpartition("@")[2],
            timeout=chosen.timeout,
        )

    async def _sent(self, client: SMTP, message: Message) -> Outcome:
        try:
            mail = made(message, self._settings)
        except (ValueError, IndexError, MessageError):
            return Outcome(message.delivery_id, "failed", "bad_address")
        deadline = asyncio.get_running_loop().time() + self._patience
        begun = await self._begun(client, message, deadline)
        if begun is not None:
            return begun
        try:
            async with asyncio.timeout_at(deadline):
                reply = await client.data(mail)
        except SMTPDataError as error:
            return await _refused(client, message, error)
        except (SMTPException, OSError) as error:
            # The server may have taken the mail and lost only the line on which it wanted to say so.
            client.close()
            return Outcome(message.delivery_id, "uncertain", type(error).__name__)
        return Outcome(message.delivery_id, "sent", provider_message_id=reply.message[:200])

    async def _begun(self, client: SMTP, message: Message, deadline: float) -> Outcome | None:
        """Say who writes to whom; return the outcome if it ended there. A connection that was idle may be gone."""
        was_connected = client.is_connected
        try:
            async with asyncio.timeout_at(deadline):
                if not was_connected:
                    await client.connect()
                await client.mail(self._sender)
                await client.rcpt(message.address or "")
        except (SMTPException, OSError) as error:
            if was_connected and isinstance(error, SMTPServerDisconnected):
                return await self._begun(client, message, deadline)
            return await _not_begun(client, message, error, was_connected=was_connected)
        return None


async def _not_begun(client: SMTP, message: Message, error: SMTPException | OSError, *, was_connected: bool) -> Outcome:
    """Return what it means that a mail did not come as far as its first byte: nothing of it was sent."""
    if not isinstance(error, SMTPResponseException):
        client.close()
        return Outcome(message.delivery_id, "retry", type(error).__name__)
    # A server that does not speak to us at all, or not under this name, says nothing about this message.
    speaks = was_connected or client.is_connected or error.code == _SERVICE_NOT_AVAILABLE
    if speaks and not isinstance(error, SMTPAuthenticationError):
        return await _refused(client, message, error)
    log.error("smtp_refused", code=error.code)
    client.close()
    return Outcome(message.delivery_id, "retry", f"SMTP_{error.code}")


async def _refused(client: SMTP, message: Message, error: SMTPResponseException) -> Outcome:
    """Return what a reply code means, and leave the connection ready for the next message."""
    if error.code == _SERVICE_NOT_AVAILABLE:
        client.close()
        return Outcome(message.delivery_id, "wait", "SMTP_421", retry_at=clock.now() + BUSY_PAUSE)
    try:
        await client.rset()
    except (SMTPException, OSError):
        client.close()
    if error.code == _MAILBOX_UNAVAILABLE and _NO_SUCH_MAILBOX.search(error.message):
        return Outcome(message.delivery_id, "failed", "no_such_mailbox")
    # 4xx passes: greylisting (RFC 6647), a full mailbox, a server that is busy.
    return Outcome(message.delivery_id, "failed" if error.code >= 500 else "retry", f"SMTP_{error.code}")


async def _said_goodbye(client: SMTP) -> None:
    if client.is_connected:
        with suppress(SMTPException, OSError):
            await client.quit()
    client.close()
