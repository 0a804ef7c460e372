"""Signing up: a place at once or in the line, held until its money is there; what nobody takes in time goes on."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import seal
from app.core.turns import take_turns
from app.identity.api import ResidentSubject, accounts_in
from app.reservations.api import PoolExhausted, Portion, allocate, confirm_allocations, extend_allocations, pools
from community.trips import notices, repository, rules
from community.trips.access import Participation, require_joiner
from community.trips.models import CONTACTS, NEEDS, Trip, TripParticipant
from community.trips.problems import (
    AlreadySignedUp,
    CompanionNeeded,
    NoVolunteer,
    OnAnotherTrip,
    ParticipationNotOpen,
    SignUpOver,
    TripFull,
    TripNotOpen,
    TripPriceChanged,
)
from community.trips.rules import Companion
from community.trips.schemas import SignUpTerms, TripSignUp
from community.trips.service import paying
from community.trips.service.changing import HEARTHLINE, By, begin, change
from community.trips.service.telling import tell, waiting


async def sign_up(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: TripSignUp) -> TripParticipant:
    """Sign a resident up, alone or with somebody of their own; where there is no place they wait, if they say so.

    Raises as ``join`` does, and ``CompanionNeeded`` for somebody who goes along with one alone.
    """
    if data.needs.companion and not data.with_companion:
        raise CompanionNeeded
    companion: Companion = "own" if data.with_companion else "none"
    return await join(session, actor, subject, data.trip_id, data, companion, waits=data.waits)


async def join(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    trip_id: uuid.UUID,
    data: SignUpTerms,
    companion: Companion,
    *,
    waits: bool = False,
) -> TripParticipant:
    """Take a place for a resident, and a seat for their companion; return how it stands.

    With a card it is held until the bank has answered. Nobody overtakes the line: who wants what others wait for waits
    too. Raises ``NotFound``, ``TripNotOpen``, ``SignUpOver``, ``TripPriceChanged``, ``TripFull``, ``AlreadySignedUp``,
    ``OnAnotherTrip``, ``Malformed`` for the account of a stranger, and what billing refuses.
    """
    trip = await repository.locked_trip(session, trip_id)
    now = clock.now()
    if trip.community_id != subject.community_id or trip.state == "draft":
        raise NotFound("there is no such trip")
    if trip.state != "open":
        raise TripNotOpen(trip_state=trip.state)
    if now >= trip.sign_up_until:
        raise SignUpOver(closed_at=trip.sign_up_until.isoformat())
    if data.total != trip.price_amount:
        raise TripPriceChanged(total=trip.price_amount, currency=trip.currency)
    await _require_known(session, trip, data)
    row = _participant(actor, subject, trip, data, companion)
    await _require_time(session, row)
    queued = await repository.waiting_for(session, trip.id, _place(row), row.seats)
    if queued or not await _take_place(session, trip, row, now):
        if not waits:
            raise await _full(session, trip, queued)
        row.state, row.waiting_since = "waiting", now
    known = await repository.add(session, row)
    if known is not None:
        raise AlreadySignedUp(participation_id=str(known))
    row = await repository.locked(session, row.id)
    await begin(session, row, By("resident", actor))
    if row.state == "held":
        await _pay(session, trip, row, actor.id)
    return row


async def _take_place(session: AsyncSession, trip: Trip, row: TripParticipant, now: datetime) -> bool:
    hold_until = rules.hold_ends(now, trip.starts_at)
    try:
        row.allocation_ids = await allocate(
            session, portions(trip, row), origin_kind=rules.ORIGIN, hold_until=hold_until + rules.KEEPING
        )
    except PoolExhausted:
        return False
    row.state, row.hold_until = "held", hold_until
    return True


async def _full(session: AsyncSession, trip: Trip, queued: int) -> TripFull:
    left = await pools(await session.connection(), [trip.seat_pool_id, trip.wheelchair_pool_id])
    seats, wheelchairs = left[trip.seat_pool_id].left, left[trip.wheelchair_pool_id].left
    return TripFull(seats_left=seats, wheelchair_places_left=wheelchairs, waiting=queued)


async def accompany(session: AsyncSession, row: TripParticipant, volunteer_id: uuid.UUID | None) -> None:
    """Have a volunteer accompany somebody who has just joined: the one they wish for, or the first who is free.

    The trip is locked: of two who want the last one has them. Raises ``NoVolunteer``.
    """
    volunteer = await repository.free_volunteer(session, row.trip_id, volunteer_id, row.account_id)
    if volunteer is None:
        raise NoVolunteer
    volunteer.participant_id = row.id
    await session.flush()
    await tell(session, notices.ACCOMPANYING, row, [volunteer.account_id], f"accompanying:{row.id}")


async def accept(session: AsyncSession, actor: Actor, subject: Participation) -> TripParticipant:
    """Take a place that was offered; taken already, it stays so.

    Raises ``Forbidden``, ``ParticipationNotOpen`` where it was not offered or not answered in time, ``OnAnotherTrip``,
    and what billing refuses.
    """
    await require_joiner(await session.connection(), actor, subject.resident_id)
    trip = await repository.locked_trip(session, subject.trip_id)
    row = await repository.locked(session, subject.id)
    if row.state in ("held", "going"):
        return row
    now = clock.now()
    if trip.state != "open" or row.state != "offered" or row.answer_by is None or row.answer_by <= now:
        raise ParticipationNotOpen(participation_state=row.state if row.state != "offered" else "expired")
    await _require_time(session, row)
    hold_until = rules.hold_ends(now, trip.starts_at)
    await extend_allocations(session, row.allocation_ids, hold_until + rules.KEEPING)
    await change(session, row, "accept", By("resident", actor), hold_until=hold_until)
    await _pay(session, trip, row, actor.id)
    return row


async def _pay(session: AsyncSession, trip: Trip, row: TripParticipant, payer: uuid.UUID) -> None:
    if await paying.authorize(session, row, payer):
        await enter(session, trip, row)


async def enter(session: AsyncSession, trip: Trip, row: TripParticipant) -> None:
    """Have a place be somebody's whose money is there, and take it. Raises ``ParticipationNotOpen``, ``HoldOver``."""
    await confirm_allocations(session, row.allocation_ids)
    await change(session, row, "confirm", HEARTHLINE)
    await paying.take(session, trip, row)
    await tell(session, notices.CONFIRMED, row, await waiting(session, row), "confirmed")


async def expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let go of places whose money did not come, or that were offered and not taken: the next one hears of it."""
    for row in await repository.all_locked(session, ids):
        await change(session, row, "expire", HEARTHLINE)
        await paying.give_back(session, row, "held", None, "expired")
        await tell(session, notices.EXPIRED, row, await waiting(session, row), "expired")


async def offer(session: AsyncSession, trip_id: uuid.UUID) -> None:
    """Offer what is free of a trip to those who wait, in their order.

    Who waits longest is not overtaken: where there is not enough for them, nobody behind them has a part of it.
    """
    trip = await repository.locked_trip(session, trip_id)
    now = clock.now()
    answer_by = rules.offer_ends(now, trip.starts_at)
    if trip.state != "open" or answer_by is None:
        return
    kept: set[uuid.UUID] = set()
    for row in await repository.line(session, trip_id):
        wanted = portions(trip, row)
        of = {one.pool_id for one in wanted}
        if of & kept:
            kept |= of
        else:
            try:
                allocated = await allocate(
                    session, wanted, origin_kind=rules.ORIGIN, hold_until=answer_by + rules.KEEPING
                )
            except PoolExhausted:
                kept |= of
            else:
                await change(session, row, "offer", HEARTHLINE, allocation_ids=allocated, answer_by=answer_by)
                told = await waiting(session, row)
                await tell(session, notices.OFFERED, row, told, f"offered:{row.version}", until=answer_by)
        if kept >= {trip.seat_pool_id, trip.wheelchair_pool_id}:
            break


def portions(trip: Trip, row: TripParticipant) -> list[Portion]:
    """Return what somebody takes of the bus: a seat or a place for a wheelchair, and a seat for who comes with them."""
    found = [Portion(trip.wheelchair_pool_id, 1, row.id)] if row.place == "wheelchair" else []
    return [*found, *([Portion(trip.seat_pool_id, row.seats, row.id)] if row.seats else [])]


def _place(row: TripParticipant) -> rules.Place:
    return "wheelchair" if row.place == "wheelchair" else "seat"


async def _require_time(session: AsyncSession, row: TripParticipant) -> None:
    """Raise ``OnAnotherTrip`` where somebody goes along on another at that time.

    One such question after the other for each resident: a constraint holds the same, but says nothing that helps.
    """
    await take_turns(session, [f"community.trips:{row.resident_id}"])
    other = await repository.at_that_time(session, row)
    if other is not None:
        raise OnAnotherTrip(participation_id=str(other))


async def _require_known(session: AsyncSession, trip: Trip, data: SignUpTerms) -> None:
    named = {contact.account_id for contact in data.contacts if contact.account_id is not None}
    if named and await accounts_in(await session.connection(), trip.community_id, named) != named:
        raise Malformed(errors=[FieldError("/body/contacts", "nobody of this community", "unknown_id")])


def _participant(
    actor: Actor, subject: ResidentSubject, trip: Trip, data: SignUpTerms, companion: Companion
) -> TripParticipant:
    place: rules.Place = "wheelchair" if data.needs.wheelchair else "seat"
    contacts: list[dict[str, Any]] = [contact.model_dump(mode="json") for contact in data.contacts]
    return TripParticipant(
        community_id=trip.community_id,
        organization_id=trip.organization_id,
        trip_id=trip.id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        signed_up_by=actor.id,
        starts_at=trip.starts_at,
        ends_at=trip.ends_at,
        state="waiting",
        place=place,
        companion=companion,
        seats=(place == "seat") + (companion != "none"),
        needs=seal(orjson.dumps(data.needs.model_dump(mode="json")).decode(), NEEDS),
        contacts=seal(orjson.dumps(contacts).decode(), CONTACTS),
        total_amount=trip.price_amount,
        currency=trip.currency,
        payment_method=data.payment_method,
        payment_method_id=data.payment_method_id,
    )
