"""Calling off: one who does not go along, by rule; or the whole trip, for everybody, at no cost to them."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed
from community.events import TripCalledOff
from community.trips import notices, repository, rules
from community.trips.access import Participation, TripSubject, require_joiner
from community.trips.models import Trip, TripParticipant
from community.trips.problems import TripNotOpen, TripUnderWay
from community.trips.schemas import CallOffGive, ParticipationCancel
from community.trips.service import paying
from community.trips.service.changing import HEARTHLINE, By, change
from community.trips.service.telling import leaders, organizer, tell, tell_of_trip, waiting
from community.trips.service.volunteering import let_go


async def cancel(
    session: AsyncSession, actor: Actor, subject: Participation, data: ParticipationCancel
) -> TripParticipant:
    """Call off that somebody goes along, for the side the actor stands on: the resident's first.

    Called off already, it stays so. Raises ``ParticipationNotOpen``, ``TripNotOpen`` where the whole trip is off and
    everybody is paid back anyway, ``TripUnderWay`` once the bus has left, ``Forbidden`` for who may see it alone,
    ``Malformed`` for another side's reason.
    """
    side = subject.side(*(("resident", "organizer", "operator") if subject.may_join else ("organizer", "operator")))
    if side == "resident":
        await require_joiner(await session.connection(), actor, subject.resident_id)
    trip = await repository.locked_trip(session, subject.trip_id)
    row = await repository.locked(session, subject.id)
    if row.state == "cancelled":
        return row
    if trip.state == "called_off":
        raise TripNotOpen(trip_state=trip.state)
    if row.state in rules.TRAVELLING and clock.now() >= trip.starts_at:
        raise TripUnderWay
    if data.reason not in rules.GIVEN_REASONS[side]:
        known = ", ".join(sorted(rules.GIVEN_REASONS[side]))
        raise Malformed(errors=[FieldError("/body/reason", f"you can say: {known}", "other_side")])
    await end_one(session, trip, row, By(side, actor), data.reason, data.note)
    return row


async def end_one(
    session: AsyncSession,
    trip: Trip,
    row: TripParticipant,
    by: By,
    reason: rules.CancelReason,
    note: str | None = None,
) -> None:
    """Call off that somebody goes along who is locked; what they paid beyond the fee is given back."""
    was = row.state
    terms = (rules.free_until(trip.starts_at, trip.notice_period), trip.late_percent)
    owed = rules.fee(row.total_amount, terms, clock.now(), was, by.who)  # type: ignore[arg-type]  # held to them
    await change(
        session,
        row,
        "cancel",
        by,
        reason=reason,
        note=note,
        cancelled_by=by.who,
        cancel_reason=reason,
        fee_amount=owed,
    )
    await paying.give_back(session, row, was, by.id, reason)
    told = [account for account in await waiting(session, row) if account != by.id]
    if by.who == "resident" and was == "going":
        told += await organizer(session, row)
    await tell(session, notices.CANCELLED, row, told, "cancelled")


async def call_off_trip(session: AsyncSession, actor: Actor, subject: TripSubject, data: CallOffGive) -> None:
    """Call the whole trip off. Who was to go along is told and paid back by the worker, however many they are.

    Called off already, it stays so. Raises ``TripNotOpen``, ``TripUnderWay`` once the bus has left.
    """
    trip = await repository.locked_trip(session, subject.id)
    if trip.state == "called_off":
        return
    if trip.state not in ("draft", "open"):
        raise TripNotOpen(trip_state=trip.state)
    now = clock.now()
    if trip.state == "open" and now >= trip.starts_at:
        raise TripUnderWay
    trip.state, trip.call_off_reason, trip.close_at = "called_off", data.reason, None
    for stop in await repository.stops_of(session, trip.id):
        stop.look_at = None
    await session.flush()
    await repository.mark_called_off(session, trip.id, now)
    await audit.record(session, actor, "trip_plan:call_off", object_id=trip.id, details={"reason": data.reason})
    await emit(
        session,
        TripCalledOff(aggregate_id=trip.id, community_id=trip.community_id, organization_id=trip.organization_id),
    )
    told = [*await leaders(session, trip.id, trip), *await let_go(session, trip.id)]
    await tell_of_trip(session, notices.OFF, trip, told, "off", trip.starts_at)


async def call_off(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell a batch of those whose trip is off, and give back all they paid."""
    for row in await repository.all_locked(session, ids):
        row.call_off_at = None
        was = row.state
        if not rules.may("call_off", was, "hearthline"):  # type: ignore[arg-type]  # a check constraint holds it
            continue
        await change(session, row, "call_off", HEARTHLINE)
        await paying.give_back(session, row, was, None, "called_off")
        await tell(session, notices.CALLED_OFF, row, await waiting(session, row), "called_off")
    await session.flush()
