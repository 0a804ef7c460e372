"""Push: each of a person's phones through the provider it registered with, their answers combined to one outcome."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from app.core import clock, failures
from notifications.channels.http import CRITICAL_PAUSE, as_they_come
from notifications.channels.ports import Answer, Message, Outcome, PushAddress, PushProvider, Result

# From best to worst: what a person's several phones answered becomes one outcome.
_ORDER = ("sent", "unavailable", "quota", "paused", "failed", "gone")
_NOT_CONFIGURED = Answer("failed", "provider_not_configured")

log = structlog.get_logger(__name__)


class PushChannel:
    """Sends to every installation of a person; the message is sent when one of them took it."""

    def __init__(self, providers: Mapping[str, PushProvider]) -> None:
        self._providers = providers
        # Of no concern to critical messages: the service says of each whether it takes it.
        self._paused_until: dict[str, datetime] = {}

    def send(self, messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
        """Post ``messages`` at once and yield outcomes as they come in."""
        return as_they_come(self._send(message) for message in messages)

    async def close(self) -> None:
        """Close the providers' connections."""
        for provider in self._providers.values():
            await provider.close()

    async def _send(self, message: Message) -> Outcome:
        phones = message.installations
        if len(phones) == 1:  # nearly everybody: no further task for it
            return _combined(message, [await self._post(message, phones[0])])
        return _combined(message, await asyncio.gather(*(self._post(message, phone) for phone in phones)))

    async def _post(self, message: Message, installation: PushAddress) -> Answer:
        provider = self._providers.get(installation.provider)
        if provider is None:
            return _NOT_CONFIGURED
        service = provider.service_of(installation)
        critical = message.urgency == "critical"
        now = clock.now()
        paused_until = self._paused_until.get(service, now)
        if now < paused_until and not critical:
            return Answer("paused", "quota_paused", retry_after=paused_until - now)
        try:
            answer = await provider.post(message, installation)
        except Exception as error:  # noqa: BLE001 - one phone's post must not take others down
            log.error("push_failed", delivery_id=str(message.delivery_id), error=failures.code_of(error))  # noqa: TRY400 - a traceback may hold data
            return Answer("unavailable", failures.code_of(error))
        if answer.verdict == "quota" and answer.retry_after is not None:
            if critical:
                return replace(answer, retry_after=min(answer.retry_after, CRITICAL_PAUSE))
            now = clock.now()
            self._paused_until[service] = max(now + answer.retry_after, self._paused_until.get(service, now))
        return answer


def _combined(message: Message, answers: Sequence[Answer]) -> Outcome:
    gone, taken = (
        tuple(
            installation.installation_id
            for installation, answer in zip(message.installations, answers, strict=True)
            if answer.verdict == verdict
        )
        for verdict in ("gone", "sent")
    )
    best = min(answers, key=lambda answer: _ORDER.index(answer.verdict))
    if best.verdict == "sent":
        return Outcome(message.delivery_id, "sent", provider_message_id=best.message_id, gone=gone, taken=taken)
    if best.verdict in ("failed", "gone"):
        return Outcome(message.delivery_id, "failed", best.code, gone=gone)
    retry_at = clock.now() + best.retry_after if best.retry_after is not None else None
    result: Result = "wait" if best.verdict == "paused" else "retry"
    return Outcome(message.delivery_id, result, best.code, retry_at=retry_at, gone=gone)
