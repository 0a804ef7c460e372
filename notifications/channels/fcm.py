"""Push through Firebase Cloud Messaging (HTTP v1): our own pooled send loop on the SDK's credentials."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime

import orjson

from app.core import clock
from app.core.settings import PushSettings
from notifications.channels.fcm_messages import MAX_PAYLOAD, Answer, content, target, understand
from notifications.channels.fcm_token import AccessToken, TokenUnavailable
from notifications.channels.ports import Message, Outcome, PushAddress
from notifications.channels.posting import Poster, Unanswered

REPORT_SECONDS = 0.1  # what is done by then is told; a phone that takes long holds up nobody's outcome
CONNECTIONS = 100  # per lane
# From best to worst: what a person's several phones answered becomes one outcome.
_ORDER = ("sent", "unavailable", "quota", "token", "failed", "gone")


class FcmChannel:
    """Sends to every installation of a person; the message is sent when one of them took it."""

    def __init__(self, settings: PushSettings) -> None:
        if not settings.fcm_project:
            raise ValueError("HEARTHLINE_PUSH_FCM_PROJECT is missing")
        self._url = f"{settings.fcm_endpoint}/v1/projects/{settings.fcm_project}/messages:send"
        self._timeout = settings.fcm_timeout
        self._token = AccessToken(settings)
        # Critical messages have connections of their own: they never wait for one that a bulk message holds.
        self._posters: dict[bool, Poster] = {}
        # Nor do they wait for the quota that bulk messages used up: FCM says of each message whether it takes it.
        self._paused_until: dict[bool, datetime] = {}

    async def send(self, messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
        """Post ``messages`` at once over pooled connections and yield outcomes as they come in."""
        pending = {asyncio.create_task(self._send(message)) for message in messages}
        try:
            while pending:
                done, pending = await asyncio.wait(pending, timeout=REPORT_SECONDS)
                if done:
                    yield [task.result() for task in done]
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def close(self) -> None:
        """Close the connections."""
        while self._posters:
            _, poster = self._posters.popitem()
            await poster.close()

    async def _send(self, message: Message) -> Outcome:
        now = clock.now()
        critical = message.urgency == "critical"
        paused_until = self._paused_until.get(critical, now)
        if now < paused_until:
            return Outcome(message.delivery_id, "wait", "quota_paused", retry_at=paused_until)
        shared = content(message, now)
        if len(orjson.dumps(shared["notification"])) + len(orjson.dumps(shared["data"])) > MAX_PAYLOAD:
            return Outcome(message.delivery_id, "failed", "message_too_big")
        posts = [self._post(shared, installation, critical=critical) for installation in message.installations]
        # Nearly everybody has one phone: no further task for it.
        answers = [await posts[0]] if len(posts) == 1 else await asyncio.gather(*posts)
        return self._combined(message, answers)

    def _combined(self, message: Message, answers: Sequence[Answer]) -> Outcome:
        now = clock.now()
        gone = tuple(
            installation.installation_id
            for installation, answer in zip(message.installations, answers, strict=True)
            if answer.verdict == "gone"
        )
        for answer in answers:
            if answer.verdict == "quota" and answer.retry_after is not None:
                critical = message.urgency == "critical"
                self._paused_until[critical] = max(now + answer.retry_after, self._paused_until.get(critical, now))
        best = min(answers, key=lambda answer: _ORDER.index(answer.verdict))
        if best.verdict == "sent":
            return Outcome(message.delivery_id, "sent", provider_message_id=best.message_id, gone=gone)
        if best.verdict in ("failed", "gone"):
            return Outcome(message.delivery_id, "failed", best.code, gone=gone)
        retry_at = now + best.retry_after if best.retry_after is not None else None
        return Outcome(message.delivery_id, "retry", best.code, retry_at=retry_at, gone=gone)

    async def _post(self, shared: dict[str, object], installation: PushAddress, *, critical: bool) -> Answer:
        body = orjson.dumps({"message": {**target(installation), **shared}})
        answer = await self._try(body, critical=critical)
        if answer.verdict == "token":  # it was revoked or ran out on the way: once more with a new one
            answer = await self._try(body, critical=critical)
        return answer

    async def _try(self, body: bytes, *, critical: bool) -> Answer:
        try:
            token = await self._token.current()
        except TokenUnavailable:
            return Answer("unavailable", "token_unavailable")
        try:
            reply = await self._poster(critical=critical).post(body, f"Bearer {token}")
        except Unanswered as error:
            return Answer("unavailable", error.code)
        document: object = None
        with suppress(orjson.JSONDecodeError):  # a proxy's error page: the status says enough
            document = orjson.loads(reply.body)
        parsed = document if isinstance(document, dict) else {}
        answer = understand(reply.status, reply.headers, parsed, clock.now())
        if answer.verdict == "token":
            self._token.reject(token)
        return answer

    def _poster(self, *, critical: bool) -> Poster:
        poster = self._posters.get(critical)
        if poster is None:
            poster = self._posters[critical] = Poster(self._url, connections=CONNECTIONS, timeout=self._timeout)
        return poster
