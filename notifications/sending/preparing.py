"""From deliveries to messages: people are looked up, choices kept, texts rendered; some end here."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, failures
from app.core.database import reading
from app.identity import api as identity
from notifications.broadcasts.notices import ANNOUNCEMENT, BROADCAST_ID
from notifications.broadcasts.views import cancelled
from notifications.channels.ports import BROWSER, Message, Outcome, PushAddress, WebPushSubscription
from notifications.opt_outs.repository import opted_out
from notifications.preferences.rules import Choices
from notifications.preferences.views import choices_of
from notifications.sending import holding, rules
from notifications.sending.attaching import attached
from notifications.sending.repository import Claimed
from notifications.sending.rules import Attempt, Hours, Settlement
from notifications.templates.names import names_of
from notifications.templates.notices import notices
from notifications.templates.rendering import CannotRender, Reader, render, render_unnamed, words

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
    cancelled: set[str] = field(default_factory=set)


async def prepare(claimed: Sequence[Claimed]) -> list[tuple[Claimed, Message | Settlement]]:
    """Return what is to be done with each delivery; one of which nothing can be made keeps no other on the ground.

    Raises what the database raises when it is at fault.
    """
    try:
        async with reading() as connection:
            known = await _look_up(connection, claimed)
        found = [(delivery, _prepare_one(delivery, known)) for delivery in claimed]
        carrying = await attached([message for _, message in found if isinstance(message, Message)])
        return [(delivery, carrying.get(delivery.id, made)) for delivery, made in found]
    except Exception as error:
        if failures.is_excused(error):
            raise
        if len(claimed) > 1:
            middle = len(claimed) // 2
            return [*await prepare(claimed[:middle]), *await prepare(claimed[middle:])]
        (delivery,) = claimed
        reason = failures.code_of(error)
        log.error("delivery_not_prepared", delivery_id=str(delivery.id), error=reason, place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        return [(delivery, Settlement("parked", error=reason))]


async def _look_up(connection: AsyncConnection, claimed: Sequence[Claimed]) -> _Surroundings:
    accounts = {delivery.account_id for delivery in claimed}
    known = notices()
    speaking = ((known[item.notice_key], item.variables) for item in claimed if item.notice_key in known)
    found = _Surroundings(await identity.people(connection, accounts), await names_of(connection, speaking))
    pushed = {delivery.account_id for delivery in claimed if delivery.channel == "push"}
    if pushed:
        for phone in await identity.installations(connection, list(pushed)):
            if phone.provider is not None:
                found.installations[phone.account_id].append(_push_address(phone, phone.provider))
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
    announced = {item.data[BROADCAST_ID] for item in claimed if item.notice_key == ANNOUNCEMENT.key}
    if announced:
        found.cancelled.update(await cancelled(connection, announced))
    return found


def _push_address(phone: identity.PushTarget, provider: str) -> PushAddress:
    given = phone.web_push
    subscription = WebPushSubscription(given.endpoint, given.p256dh, given.auth) if given else None
    is_silent = rules.is_silent(phone.unconfirmed_since, clock.now())
    return PushAddress(phone.id, provider, phone.platform, phone.fid, phone.token, subscription, is_silent)


def attempt_of(delivery: Claimed, patience: timedelta | None = None) -> Attempt:
    """Return what is decided by; ``patience`` is how long to wait for a receipt if it was sent."""
    has_fallback = bool(delivery.fallbacks)
    notice = notices().get(delivery.notice_key)
    within = (notice.patience if notice else None) or rules.FALL_BACK_WITHIN
    return Attempt(
        delivery.channel,
        delivery.urgency,
        delivery.attempts,
        delivery.expires_at,
        has_fallback,
        patience,
        within,
        is_awaited=notice is not None and notice.is_awaited,
    )


def _prepare_one(delivery: Claimed, known: _Surroundings) -> Message | Settlement:
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
    if delivery.delivered_at is not None:  # the phone said so; whoever sent it did not live to
        return Settlement("sent", counts=False)
    person = known.people.get(delivery.account_id)
    if delivery.expires_at <= clock.now():
        return Settlement("expired", error="expired", counts=False)
    if delivery.was_sending and not rules.may_repeat(attempt_of(delivery)):
        return Settlement("parked", error="uncertain")
    active = person is not None and person.state == "active"
    if not active or delivery.data.get(BROADCAST_ID) in known.cancelled:
        return Settlement("suppressed", error="cancelled" if active else "recipient_inactive", counts=False)
    if delivery.notice_key not in notices():
        return Settlement("parked", error="unknown_notice")
    return None


def _unusable(delivery: Claimed, known: _Surroundings) -> str | None:
    """Return why the person cannot be reached over the delivery's channel, if so."""
    if delivery.channel == "push" and not _phones(delivery, known):
        return "phones_silent" if known.installations[delivery.account_id] else "unreachable"
    if delivery.channel == "voice" and delivery.account_id in known.not_to_be_called:
        return "channel_not_suitable"
    return None


def _phones(delivery: Claimed, known: _Surroundings) -> tuple[PushAddress, ...]:
    """Return the phones to push to: of what is critical all, however silent.

    Of the rest without the silent ones, unless those are all there is and no other channel is.
    """
    phones = known.installations[delivery.account_id]
    if delivery.urgency == "critical":
        return tuple(phones)
    heard = [phone for phone in phones if not phone.is_silent]
    return tuple(heard or ([] if delivery.fallbacks else phones))


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
        return rules.settle(attempt_of(delivery), waiting, now)
    return value


def _message(delivery: Claimed, person: identity.PersonPublic, known: _Surroundings, address: str | None) -> Message:
    reader = Reader(person.name, person.language, person.time_zone)
    notice = notices()[delivery.notice_key]
    text = render(notice, delivery.channel, reader, delivery.variables, known.names)
    phones = _phones(delivery, known) if delivery.channel == "push" else ()
    unnamed = None
    if any(phone.platform == BROWSER for phone in phones):
        plain = render_unnamed(notice, delivery.channel, reader, delivery.variables, known.names)
        unnamed = plain.title, plain.body
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
        installations=phones,
        address=address,
        variables=words(notice, reader, delivery.variables, known.names) if delivery.channel == "sms" else {},
        unnamed=unnamed,
    )
