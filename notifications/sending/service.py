"""One flight: a batch of claimed deliveries is looked up, rendered, sent, and each outcome stored when it is known."""

import asyncio
import uuid
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Histogram

from app.core import clock, failures, wakeups
from app.core.database import unit_of_work
from app.core.settings import settings
from app.identity import api as identity
from notifications.channels import registry
from notifications.channels.ports import Message, Outcome
from notifications.delivery.rules import Lane, wake_channel
from notifications.sending import holding, repository, rules
from notifications.sending.patience import patience_with
from notifications.sending.preparing import attempt_of, prepare
from notifications.sending.repository import Claimed
from notifications.sending.rules import DELIVERED, Settlement
from notifications.sending.telling import tell

SETTLED = Counter("hearthline_deliveries", "Deliveries by what became of an attempt", ["channel", "outcome", "lane"])
LATENCY = Histogram(
    "hearthline_delivery_seconds",
    "From the writing of a notice to the provider having taken it",
    ["channel", "lane"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900),
)
LONGEST_FLIGHT = timedelta(minutes=3)  # then what has not landed is uncertain: nothing holds up a lane for ever
RENEWALS = 3  # tries in the time of a lease, so that one may fail

log = structlog.get_logger(__name__)


async def claim(lane: Lane, size: int) -> list[Claimed]:
    """Lease a batch of a lane in a transaction of its own, committed before anything leaves."""
    async with unit_of_work() as session:
        return await repository.claim(session, lane, size)


@dataclass(frozen=True, slots=True)
class _Flight:
    """A batch on its way. Renewing and settling take turns: two transactions at once could wait for each other."""

    lane: Lane
    aloft: dict[uuid.UUID, Claimed]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def land(
        self,
        landed: Sequence[tuple[Claimed, Settlement]],
        outcomes: Sequence[tuple[Message, Outcome]] = (),
        addressed_at: datetime | None = None,
    ) -> None:
        """Store what became of deliveries whose addresses were read at ``addressed_at``."""
        async with self.turn:
            for delivery, _ in landed:
                self.aloft.pop(delivery.id, None)
            await _settle(self.lane, landed, outcomes, addressed_at)

    async def keep(self) -> None:
        """Renew the leases of what has not landed, a few times in the length of one, until cancelled.

        A provider that takes longer than a lease is slow, not gone: another worker would send the same again.
        """
        while True:
            await asyncio.sleep(settings().worker.lease_seconds / RENEWALS)
            try:
                async with self.turn:
                    await self._renew()
            except Exception as error:  # noqa: BLE001 - there is another try before the lease ends
                log.warning("leases_not_renewed", lane=self.lane, error=failures.code_of(error))

    async def _renew(self) -> None:
        if self.aloft:
            async with unit_of_work() as session:
                ours = await repository.renew(session, list(self.aloft.values()))
            for lost in self.aloft.keys() - ours:  # somebody else's by now
                del self.aloft[lost]


async def fly(lane: Lane, claimed: Sequence[Claimed]) -> None:
    """Send what was claimed and store what became of each delivery; what it cannot store, the lease brings back."""
    taken = {delivery.id: delivery for delivery in claimed}
    flight = _Flight(lane, dict(taken))
    keeping = asyncio.create_task(flight.keep())
    addressed_at = clock.now()
    try:
        prepared = await holding.within_caps(await prepare(claimed))
        await flight.land([(delivery, found) for delivery, found in prepared if isinstance(found, Settlement)])
        messages = {found.delivery_id: found for _, found in prepared if isinstance(found, Message)}
        async for outcomes in _sent(list(messages.values())):
            answered = [(messages[outcome.delivery_id], outcome) for outcome in outcomes]
            now = clock.now()
            landed = [
                (taken[message.delivery_id], _landed(taken[message.delivery_id], message, outcome, now))
                for message, outcome in answered
            ]
            await flight.land(landed, answered, addressed_at)
    except Exception as error:  # noqa: BLE001 - one flight's failure must not end the lane
        log.error("flight_failed", lane=lane, error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


def _landed(delivery: Claimed, message: Message, outcome: Outcome, now: datetime) -> Settlement:
    patience = patience_with(delivery, confirms=registry.confirms(message, outcome))
    phones = message.installations
    if patience is not None and delivery.fallbacks and phones and all(phone.is_silent for phone in phones):
        patience = timedelta()  # who has not confirmed for so long is not waited for: the next channel goes at once
    return rules.settle(attempt_of(delivery, patience), outcome, now)


async def _sent(messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
    """Send over all channels at once and yield outcomes as they come in.

    A channel that raises leaves the rest of its messages uncertain, and so does the end of the longest flight.
    """
    by_channel: defaultdict[str, list[Message]] = defaultdict(list)
    for message in messages:
        by_channel[message.channel].append(message)
    landed: asyncio.Queue[Sequence[Outcome] | None] = asyncio.Queue()
    tasks = [asyncio.create_task(_send_over(name, batch, landed)) for name, batch in by_channel.items()]
    try:
        flying, missing = len(tasks), {message.delivery_id for message in messages}
        end = asyncio.get_running_loop().time() + LONGEST_FLIGHT.total_seconds()
        while flying:
            try:
                async with asyncio.timeout_at(end):
                    outcomes = await landed.get()
            except TimeoutError:
                log.error("flight_too_long", missing=len(missing))  # noqa: TRY400 - says all there is to say
                yield [Outcome(delivery_id, "uncertain", "flight_too_long") for delivery_id in missing]
                return
            if outcomes is None:
                flying -= 1
            else:
                missing.difference_update(outcome.delivery_id for outcome in outcomes)
                yield outcomes
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send_over(name: str, messages: Sequence[Message], landed: "asyncio.Queue[Sequence[Outcome] | None]") -> None:
    missing = {message.delivery_id for message in messages}
    try:
        async for outcomes in registry.channel(name).send(messages):
            missing.difference_update(outcome.delivery_id for outcome in outcomes)
            await landed.put(outcomes)
    except Exception as error:  # noqa: BLE001 - a channel's fault must not ground the other channels
        log.error("channel_failed", channel=name, error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        await landed.put([Outcome(delivery_id, "uncertain", failures.code_of(error)) for delivery_id in missing])
    finally:
        await landed.put(None)


async def _settle(
    lane: Lane,
    landed: Sequence[tuple[Claimed, Settlement]],
    outcomes: Sequence[tuple[Message, Outcome]] = (),
    addressed_at: datetime | None = None,
) -> None:
    """Store settlements in one transaction, with their fallbacks, the facts about them and what is known of phones."""
    if not landed:
        return
    async with unit_of_work() as session:
        ours = await repository.store(session, landed, await holding.join_digests(session, landed))
        kept = [
            (delivery, DELIVERED if ours[delivery.id] else settlement)
            for delivery, settlement in landed
            if delivery.id in ours
        ]
        falling_back = {delivery.id for delivery, settlement in kept if settlement.falls_back and delivery.fallbacks}
        if falling_back:
            await repository.fall_back(session, sorted(falling_back))
            wakeups.request(session, wake_channel(lane))
        await tell(
            session,
            [
                (
                    delivery,
                    settlement.told_as,
                    delivery.id not in falling_back and settlement.receipt_by is None,
                )
                for delivery, settlement in kept
                if settlement.is_over
            ],
        )
        gone = [phone for _, outcome in outcomes for phone in outcome.gone]
        if gone:
            await identity.remove_installations(session, gone, seen_until=addressed_at or clock.now())
        # Whose phone has confirmed already owes no receipt.
        unconfirmed = [
            phone
            for message, outcome in outcomes
            if not ours.get(outcome.delivery_id)
            for phone in registry.confirming_phones(message, outcome)
        ]
        if unconfirmed:
            await identity.await_receipts(session, unconfirmed)
    _count(lane, kept)


def _count(lane: Lane, kept: Sequence[tuple[Claimed, Settlement]]) -> None:
    now = clock.now()
    waited = {channel: LATENCY.labels(channel, lane) for channel in {delivery.channel for delivery, _ in kept}}
    settled: Counts[tuple[str, str]] = Counts()
    for delivery, settlement in kept:
        waits = "retry" if settlement.counts else "wait"
        settled[delivery.channel, waits if settlement.state == "queued" else settlement.state] += 1
        if settlement.state == "sent":
            waited[delivery.channel].observe(max(0.0, (now - clock.instant_of(delivery.id)).total_seconds()))
    for (channel, outcome), number in settled.items():
        SETTLED.labels(channel, outcome, lane).inc(number)
