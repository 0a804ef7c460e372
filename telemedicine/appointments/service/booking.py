"""Booking: a slot is held for five minutes, and confirmed. Whatever dies in between leaves a hold that ends."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.database import connection_of
from app.core.events import emit
from app.core.problems import Forbidden, NotFound
from app.identity.api import ResidentSubject
from app.reservations.api import HoldOver
from telemedicine.appointments import notices, repository, rules
from telemedicine.appointments.access import Subject, require_bookable, staff_of
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.problems import NotAllowedNow, TooManyAhead, TooManyHolds
from telemedicine.appointments.schemas import AppointmentCreate
from telemedicine.appointments.service import keeping, taking, visiting
from telemedicine.appointments.views import appointments as views
from telemedicine.clinics.access import works_for
from telemedicine.clinics.service.slots import Offer, offered
from telemedicine.clinics.views.offers import SlotQuery
from telemedicine.events import AppointmentExpired


@dataclass(frozen=True, slots=True)
class Held:
    """For whom slots are held, as what was looked for, until when, who asked for it, and whose wait it ends.

    ``based_on_id`` is the referral they are held for.
    """

    subject: ResidentSubject
    query: SlotQuery
    status: rules.Status
    until: datetime
    by: uuid.UUID
    waitlist_entry_id: uuid.UUID | None = None
    based_on_id: uuid.UUID | None = None


async def hold(session: AsyncSession, actor: Actor, data: AppointmentCreate) -> Any:
    """Hold a slot for five minutes and return the appointment it will be once it is confirmed, as ``hold_all`` does.

    Raises ``NotFound``, ``Forbidden``, ``ResidenceEnded``, ``NotOffered`` with what is free nearby,
    ``BookedElsewhere``, ``TooManyHolds``, ``TooManyAhead``.
    """
    connection = connection_of(session)
    subject = await require_bookable(connection, actor, data.resident_id)
    query = query_of(actor, subject, data.visit_type_id, data.practitioner_id, data.language)
    offer = await wanted_slot(connection, actor, subject, query, data.starts_at)
    await require_room(session, actor, subject, offer.organization_id)
    until = rules.hold_ends(offer.starts_at, clock.now())
    (row,) = await hold_all(session, actor, Held(subject, query, "pending", until, actor.id), [offer])
    return row


def query_of(
    actor: Actor,
    subject: ResidentSubject,
    visit_type_id: uuid.UUID,
    practitioner_id: uuid.UUID | None,
    language: str | None,
) -> SlotQuery:
    """Return what is looked for, as somebody who may book it for the subject."""
    return SlotQuery(
        community_id=subject.community_id,
        works_for=works_for(actor),
        visit_type_id=visit_type_id,
        practitioner_id=practitioner_id,
        language=language,
    )


async def wanted_slot(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, query: SlotQuery, starts_at: datetime
) -> Offer:
    """Return the wanted slot; raises ``NotFound``, ``NotOffered``, ``Forbidden`` for who may not book such visits."""
    offer = await offered(connection, query, starts_at)
    require_bookable_type(actor, subject, offer)
    return offer


def require_bookable_type(actor: Actor, subject: ResidentSubject, offer: Offer) -> None:
    """Raise ``Forbidden`` unless the actor may book visits of the type for the subject."""
    is_own = subject.relation == "self"
    if is_own or offer.organization_id in staff_of(actor) or offer.visit_type.bookable_by != "resident":
        return
    raise Forbidden("this is booked by the resident alone, or by the clinic")


async def require_room(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, organization_id: uuid.UUID
) -> None:
    """Raise ``TooManyHolds`` or ``TooManyAhead`` where one person would block a diary; the clinic books what it will.

    Who books for the same person at the same clinic meanwhile waits.
    """
    await repository.alone(session, subject.resident_id, organization_id)
    if subject.relation != "self" and organization_id in staff_of(actor):
        return
    now = clock.now()
    found = await repository.counts(session, subject.resident_id, organization_id, now)
    if found.holds >= rules.MOST_HOLDS:
        seconds = max(1, round((found.until - now).total_seconds()))
        raise TooManyHolds(most=rules.MOST_HOLDS, headers={"Retry-After": str(seconds)})
    if found.ahead >= rules.MOST_AHEAD:
        raise TooManyAhead(most=rules.MOST_AHEAD)


async def hold_all(session: AsyncSession, actor: Actor | None, held: Held, offers: Sequence[Offer]) -> list[Any]:
    """Hold slots, all or none, and return the appointments as ``views.public`` shows them; several are a series.

    Without an ``actor`` it is Hearthline itself that holds them.
    """
    series_id = clock.new_id() if len(offers) > 1 else None
    rows = [_appointment(held, offer, series_id) for offer in offers]
    subject = held.subject
    patient = await taking.patients_calendar(session, subject.community_id, subject.resident_id, subject.account_id)
    wanted = [taking.Wanted(row["id"], offer, held.query) for row, offer in zip(rows, offers, strict=True)]
    await taking.hold(session, wanted, patient, by=held.by, until=held.until)
    return [await repository.enter(session, row, actor) for row in rows]


def _appointment(held: Held, offer: Offer, series_id: uuid.UUID | None) -> dict[str, Any]:
    terms = offer.visit_type
    return {
        "id": clock.new_id(),
        "community_id": offer.community_id,
        "organization_id": offer.organization_id,
        "resident_id": held.subject.resident_id,
        "account_id": held.subject.account_id,
        "practitioner_id": offer.practitioner_id,
        "visit_type_id": terms.id,
        "location_id": offer.location_id,
        "series_id": series_id,
        "waitlist_entry_id": held.waitlist_entry_id,
        "based_on_id": held.based_on_id,
        "mode": terms.mode,
        "status": held.status,
        "starts_at": offer.starts_at,
        "ends_at": offer.ends_at,
        "time_zone": offer.time_zone,
        "language": held.query.language,
        "booked_by": held.by,
        "hold_until": held.until,
        "answer_within": offer.answer_within,
        "price_amount": terms.price.amount,
        "price_currency": terms.price.currency,
        "notice_period": terms.notice_period,
        "late_fee_amount": terms.late_fee_amount,
    }


async def confirm_one(session: AsyncSession, actor: Actor, subject: Subject) -> Any:
    """Book what is held, once; what is booked stays booked. Raises ``HoldOver``, ``NotAllowedNow``.

    Where the clinic keeps its own diary and another confirms, the clinic is asked, once, and it is booked by its yes.
    """
    rows = await repository.lock_some(session, [subject.id])
    if not rows:
        raise NotFound
    return (await confirm_rows(session, actor, rows))[0]


async def confirm_rows(session: AsyncSession, actor: Actor, rows: Sequence[Any]) -> list[Any]:
    """Book what is held of locked appointments, all of it; return them as ``views.public`` shows them, in their order.

    Raises ``HoldOver``, ``NotAllowedNow``.
    """
    now = clock.now()
    held: list[Any] = []
    changed: dict[uuid.UUID, Any] = {}
    for row in rows:
        if row.status == "booked":
            continue
        if row.status not in rules.HELD:
            raise NotAllowedNow(appointment_status=row.status)
        if row.hold_until is None or row.hold_until <= now:
            raise HoldOver
        by_clinic = row.organization_id in staff_of(actor) and row.resident_id != actor.resident_id
        if not rules.is_to_be_asked(row.answer_within, row.answered_at, by_clinic=by_clinic):
            held.append(row)
        elif row.asked_at is None:
            changed[row.id] = await _ask(session, actor, row, now)
    if held:
        await taking.book(session, held)
        visits = await visiting.arrange(session, held, actor.id)
        changed |= {row.id: await _book(session, actor, row, visits.get(row.id), now) for row in held}
    for row in held:
        await _end_wait(session, row)
    others = [row.id for row in rows if row.id not in changed]
    if others:
        changed |= {row.id: row for row in await views.rows(connection_of(session), others)}
    return [changed[row.id] for row in rows]


async def _ask(session: AsyncSession, actor: Actor, row: Any, now: datetime) -> Any:
    """Ask the clinic for what is held; it is kept until the clinic has had its time to answer."""
    asking = rules.asking(now, row.starts_at, row.answer_within)
    await taking.keep(session, row, asking.until)
    asked = await repository.ask(session, row, actor, asking, now)
    await keeping.untell(session, row.id)
    await keeping.tell(session, notices.REQUESTED, asked, f"requested:{asked.sequence}")
    return asked


async def _book(session: AsyncSession, actor: Actor, row: Any, visit_id: uuid.UUID | None, now: datetime) -> Any:
    remind_at = rules.first_reminder(row.starts_at, row.mode, now)
    booked = await repository.book(session, row, actor, remind_at=remind_at, visit_id=visit_id, now=now)
    if (
        row.waitlist_entry_id is not None or row.asked_at is not None
    ):  # who chose a time themselves was told nothing yet
        await keeping.untell(session, row.id)
    await keeping.tell(session, notices.BOOKED, booked, f"booked:{booked.sequence}" if row.was_booked else "booked")
    return booked


async def _end_wait(session: AsyncSession, row: Any) -> None:
    if row.waitlist_entry_id is not None:
        entry = await repository.locked_entry(session, row.waitlist_entry_id)
        entry.state, entry.closed_at = "closed", clock.now()
        await session.flush()


async def expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let go what nobody confirmed in time: of the calendars the kernel has let go of it by itself.

    Whoever let an offer pass goes to the end of the queue, and the next one is asked.
    """
    now = clock.now()
    for row in await repository.all_locked(session, ids):
        is_clinics = rules.awaits(row.status, row.asked_at, row.answered_at) == "clinic"
        news = keeping.become(row, "cancelled")
        row.cancelled_by = "nobody"
        if is_clinics:
            row.fee_amount = 0
        await keeping.remember(session, row, None, news)
        await emit(
            session,
            AppointmentExpired(
                aggregate_id=row.id,
                community_id=row.community_id,
                resident_id=row.resident_id,
                organization_id=row.organization_id,
            ),
        )
        if row.asked_at is not None:
            await keeping.untell(session, row.id)
            await keeping.tell(session, notices.LAPSED, row, f"lapsed:{row.sequence}")
            if row.was_booked:
                await keeping.emit_end(session, row, "nobody", was_held=True)
        await let_pass(session, row, now, is_theirs=not is_clinics)


async def let_pass(session: AsyncSession, row: Appointment, now: datetime, *, is_theirs: bool = True) -> None:
    """Put whoever let an offer pass at the end of the queue, and have the time offered to the next one.

    Who was refused it by the clinic (``is_theirs`` is false) keeps their place, and is not offered that time again.
    """
    if row.waitlist_entry_id is None:
        return
    entry = await repository.locked_entry(session, row.waitlist_entry_id)
    if entry.state == "offered":
        entry.passed = [*entry.passed, row.starts_at]
        entry.state = "waiting"
        if is_theirs:
            entry.queued_at = now
        if is_theirs and len(entry.passed) >= rules.MOST_PASSED:
            entry.state, entry.closed_at = "closed", now
    await session.flush()
    await repository.look_at(session, [row.organization_id], now)
