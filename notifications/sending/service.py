"""One flight: a batch of claimed deliveries is looked up, rendered, sent, and each outcome stored when it is known."""

import asyncio
import uuid
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, failures, wakeups
from app.core.database import reading, unit_of_work
from app.identity import api as identity
from notifications.channels import registry
from notifications.channels.ports import Message, Outcome, PushAddress
from notifications.delivery.rules import Lane, wake_channel
from notifications.events import DeliverySettled
from notifications.opt_outs.repository import opted_out
from notifications.preferences.rules import Choices
from notifications.preferences.views import choices_of
from notifications.sending import holding, repository, rules
from notifications.sending.repository import Claimed
from notifications.sending.rules import Attempt, Hours, Settlement
from notifications.templates.names import names_of
from notifications.templates.notices import notices
from notifications.templates.rendering import CannotRender, Reader, render, words

SETTLED = Counter("hearthline_deliveries", "Deliveries by what became of an attempt", ["channel", "outcome", "lane"])
LATENCY = Histogram(
    "hearthline_delivery_seconds",
    "From the writing of a notice to the provider having taken it",
    ["channel", "lane"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900),
)
_CAPABILITIES = {"sms": "sms", "voice": "voice", "mail": "email"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What a batch needs to know about people: read once, by the ids the batch speaks of."""

    people: dict[uuid.UUID, identity.PersonPublic]
    names: dict[uuid.UUID, str]
    installations: defaultdict[uuid.UUID, list[PushAddress]] = field(default_factory=lambda: defaultdict(list))
    contact_points: dict[uuid.UUID, list[identity.ContactPointPublic]] = field(default_factory=dict)
    not_to_be_called: set[uuid.UUID] = field(default_factory=set)
    opted_out: set[str] = field(default_factory=set)
    choices: dict[uuid.UUID, Choices] = field(default_factory=dict)


async def claim(lane: Lane, size: int) -> list[Claimed]:
    """Lease a batch of a lane in a transaction of its own, committed before anything leaves."""
    async with unit_of_work() as session:
        return await repository.claim(session, lane, size)


async def fly(lane: Lane, claimed: Sequence[Claimed]) -> None:
    """Send what was claimed and store what became of each delivery; what it cannot store, the lease brings back."""
    flight = {delivery.id: delivery for delivery in claimed}
    addressed_at = clock.now()
    try:
        prepared = await holding.within_caps(await _prepared(claimed))
        grounded = [(delivery, found) for delivery, found in prepared if isinstance(found, Settlement)]
        await _settle(lane, grounded, (), addressed_at)
        messages = [found for _, found in prepared if isinstance(found, Message)]
        async for outcomes in _sent(messages):
            now = clock.now()
            landed = [
                (flight[outcome.delivery_id], rules.settle(_attempt(flight[outcome.delivery_id]), outcome, now))
                for outcome in outcomes
            ]
            gone = [phone for outcome in outcomes for phone in outcome.gone]
            await _settle(lane, landed, gone, addressed_at)
    except Exception as error:  # noqa: BLE001 - one flight's failure must not end the lane
        log.error("flight_failed", lane=lane, error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data


async def _prepared(claimed: Sequence[Claimed]) -> list[tuple[Claimed, Message | Settlement]]:
    """Return what is to be done with each delivery; one of which nothing can be made keeps no other on the ground.

    Raises what the database raises when it is at fault.
    """
    try:
        async with reading() as connection:
            known = await _look_up(connection, claimed)
        return [(delivery, _prepare(delivery, known)) for delivery in claimed]
    except Exception as error:
        if failures.is_excused(error):
            raise
        if len(claimed) > 1:
            middle = len(claimed) // 2
            return [*await _prepared(claimed[:middle]), *await _prepared(claimed[middle:])]
        (delivery,) = claimed
        reason = failures.code_of(error)
        log.error("delivery_not_prepared", delivery_id=str(delivery.id), error=reason, place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        return [(delivery, Settlement("parked", error=reason))]


async def _look_up(connection: AsyncConnection, claimed: Sequence[Claimed]) -> _Surroundings:
    accounts = {delivery.account_id for delivery in claimed}
    known = notices()
    speaking = ((known[item.notice_key], item.variables) for item in claimed if item.notice_key in known)
    people = await identity.people(connection, accounts)
    found = _Surroundings(people, await names_of(connection, speaking, people))
    pushed = {delivery.account_id for delivery in claimed if delivery.channel == "push"}
    if pushed:
        for phone in await identity.installations(connection, list(pushed)):
            address = PushAddress(phone.id, phone.fid, phone.token, phone.platform)
            found.installations[phone.account_id].append(address)
    addressed = {delivery.account_id for delivery in claimed if delivery.channel in _CAPABILITIES}
    if addressed:
        found.contact_points.update(await identity.contact_points(connection, addressed))
    called = {delivery.account_id for delivery in claimed if delivery.channel == "voice"}
    if called:
        found.not_to_be_called.update(await identity.not_to_be_called(connection, called))
    texted = {item.account_id for item in claimed if item.channel == "sms" and item.urgency != "critical"}
    numbers = {point.value for account_id in texted for point in found.contact_points.get(account_id, ())}
    found.opted_out.update(await opted_out(connection, numbers))
    choosing = {delivery.account_id for delivery in claimed if delivery.urgency != "critical"}
    if choosing:
        found.choices.update(await choices_of(connection, choosing))
    return found


def _attempt(delivery: Claimed) -> Attempt:
    has_fallback = bool(delivery.fallbacks)
    return Attempt(delivery.channel, delivery.urgency, delivery.attempts, delivery.expires_at, has_fallback)


def _prepare(delivery: Claimed, known: _Surroundings) -> Message | Settlement:
    """Return the message of a delivery, or what becomes of it if there is nothing to send."""
    grounded = _grounded(delivery, known)
    if grounded is not None:
        return grounded
    person = known.people[delivery.account_id]
    silenced = holding.chosen(delivery, known.choices.get(person.account_id), person.time_zone)
    if silenced is not None:
        return silenced
    if unusable := _unusable(delivery, known):
        return Settlement("failed", error=unusable)
    address = None
    if delivery.channel in _CAPABILITIES:
        found = _address(delivery, known, person.time_zone)
        if isinstance(found, Settlement):
            return found
        address = found
    try:
        return _message(delivery, person, known, address)
    except CannotRender as error:
        log.error("notice_cannot_be_rendered", delivery_id=str(delivery.id), error=str(error))  # noqa: TRY400 - it may hold data
        return Settlement("parked", error="cannot_render")


def _grounded(delivery: Claimed, known: _Surroundings) -> Settlement | None:
    """Return why a delivery is not even tried, if so."""
    person = known.people.get(delivery.account_id)
    if delivery.expires_at <= clock.now():
        return Settlement("expired", error="expired", counts=False)
    if delivery.was_sending and not rules.may_repeat(delivery.channel, delivery.urgency):
        return Settlement("parked", error="uncertain")
    if person is None or person.state != "active":
        return Settlement("suppressed", error="recipient_inactive", counts=False)
    if delivery.notice_key not in notices():
        return Settlement("parked", error="unknown_notice")
    return None


def _unusable(delivery: Claimed, known: _Surroundings) -> str | None:
    """Return why the person cannot be reached over the delivery's channel, if so."""
    if delivery.channel == "push" and not known.installations[delivery.account_id]:
        return "unreachable"
    if delivery.channel == "voice" and delivery.account_id in known.not_to_be_called:
        return "channel_not_suitable"
    return None


def _address(delivery: Claimed, known: _Surroundings, time_zone: str) -> str | Settlement:
    """Return the number or address to use; at any hour if it is critical or that very contact point was asked for."""
    now = clock.now()
    able = [
        point
        for point in known.contact_points.get(delivery.account_id, ())
        if delivery.contact_point_id in (None, point.id) and _CAPABILITIES[delivery.channel] in point.capabilities
    ]
    if delivery.channel == "sms" and delivery.urgency != "critical" and able:
        able = [point for point in able if point.value not in known.opted_out]
        if not able:
            return Settlement("failed", error="opted_out")
    choices = [
        (
            now
            if delivery.urgency == "critical" or delivery.contact_point_id is not None
            else rules.usable_at(Hours(point.usable_from, point.usable_until), time_zone, now),
            point.value,
        )
        for point in able
    ]
    found = rules.soonest(choices)
    if found is None:
        return Settlement("failed", error="unreachable")
    usable, value = found
    if usable > now:
        waiting = Outcome(delivery.id, "wait", "outside_hours", retry_at=usable)
        return rules.settle(_attempt(delivery), waiting, now)
    return value


def _message(delivery: Claimed, person: identity.PersonPublic, known: _Surroundings, address: str | None) -> Message:
    reader = Reader(person.name, person.language, person.time_zone)
    notice = notices()[delivery.notice_key]
    text = render(notice, delivery.channel, reader, delivery.variables, known.names)
    return Message(
        delivery_id=delivery.id,
        notice_id=delivery.notice_id,
        notice_key=delivery.notice_key,
        community_id=delivery.community_id,
        account_id=delivery.account_id,
        recipient_name=person.name,
        category=delivery.category,
        urgency=delivery.urgency,
        channel=delivery.channel,
        title=text.title,
        body=text.body,
        language=text.language,
        collapse_key=delivery.collapse_key,
        expires_at=delivery.expires_at,
        data=delivery.data,
        installations=tuple(known.installations[delivery.account_id]) if delivery.channel == "push" else (),
        address=address,
        variables=words(notice, reader, delivery.variables, known.names) if delivery.channel == "sms" else {},
    )


async def _sent(messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
    """Send over all channels at once and yield outcomes as they come in; one that raises leaves the rest uncertain."""
    by_channel: defaultdict[str, list[Message]] = defaultdict(list)
    for message in messages:
        by_channel[message.channel].append(message)
    landed: asyncio.Queue[Sequence[Outcome] | None] = asyncio.Queue()
    tasks = [asyncio.create_task(_send_over(name, batch, landed)) for name, batch in by_channel.items()]
    try:
        flying = len(tasks)
        while flying:
            outcomes = await landed.get()
            if outcomes is None:
                flying -= 1
            else:
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
    lane: Lane, landed: Sequence[tuple[Claimed, Settlement]], gone: Sequence[uuid.UUID], addressed_at: datetime
) -> None:
    """Store settlements in one transaction, with their fallbacks, the facts about them and the phones that are gone."""
    if not landed:
        return
    async with unit_of_work() as session:
        ours = await repository.store(session, landed, await holding.join_digests(session, landed))
        kept = [(delivery, settlement) for delivery, settlement in landed if delivery.id in ours]
        falling_back = {
            delivery.id
            for delivery, settlement in kept
            if settlement.state in ("failed", "parked") and delivery.fallbacks
        }
        if falling_back:
            await repository.fall_back(session, sorted(falling_back))
            wakeups.request(session, wake_channel(lane))
        facts = [
            _fact(delivery, settlement, delivery.origin_id, is_final=delivery.id not in falling_back)
            for delivery, settlement in kept
            if settlement.is_over and delivery.origin_id is not None
        ]
        if facts:
            await repository.tell(session, facts)
        await holding.conclude_digests(session, kept, falling_back)
        if gone:
            await identity.remove_installations(session, gone, seen_until=addressed_at)
    _count(lane, kept)


def _fact(delivery: Claimed, settlement: Settlement, origin_id: uuid.UUID, *, is_final: bool) -> DeliverySettled:
    return DeliverySettled(
        aggregate_id=origin_id,
        community_id=delivery.community_id,
        delivery_id=delivery.id,
        notice_id=delivery.notice_id,
        account_id=delivery.account_id,
        origin_kind=delivery.origin_kind or "",
        notice_key=delivery.notice_key,
        channel=delivery.channel,
        outcome=rules.TOLD[settlement.state],
        is_final=is_final,
    )


def _count(lane: Lane, kept: Sequence[tuple[Claimed, Settlement]]) -> None:
    now = clock.now()
    waited = {channel: LATENCY.labels(channel, lane) for channel in {delivery.channel for delivery, _ in kept}}
    settled: Counts[tuple[str, str]] = Counts()
    for delivery, settlement in kept:
        settled[delivery.channel, "retry" if settlement.state == "queued" else settlement.state] += 1
        if settlement.state == "sent":
            waited[delivery.channel].observe(max(0.0, (now - clock.instant_of(delivery.id)).total_seconds()))
    for (channel, outcome), number in settled.items():
        SETTLED.labels(channel, outcome, lane).inc(number)
