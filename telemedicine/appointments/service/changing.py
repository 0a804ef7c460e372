"""Changes: another time, calling off, and what became of it."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.sealing import seal
from telemedicine.appointments import notices, repository, rules
from telemedicine.appointments.access import Subject
from telemedicine.appointments.models import CANCEL_REASON, Appointment
from telemedicine.appointments.problems import AnswerTooLate, NotAllowedNow
from telemedicine.appointments.schemas import AppointmentAnswer, AppointmentCancel, AppointmentMove, AppointmentOutcome
from telemedicine.appointments.service import answering, booking, keeping, sessions, taking, visiting
from telemedicine.clinics.access import works_for
from telemedicine.clinics.service.slots import offered
from telemedicine.clinics.views.offers import SlotQuery

_ANSWERED: Final[Mapping[rules.Answer, rules.Status]] = {
    "accepted": "booked",
    "declined": "cancelled",
    "tentative": "proposed",
}


async def reschedule(session: AsyncSession, actor: Actor, subject: Subject, data: AppointmentMove) -> Appointment:
    """Give an appointment another time, or somebody else, in one step; what it was stays in its history.

    Its own time is not in the way of the new one. A move to where it is changes nothing.
    Whoever moves later than the notice they owe, owes the fee. A clinic that keeps its own diary is asked for the new
    time; another time than it is asked for, which it sets, is proposed to the resident. Raises ``NotAllowedNow``,
    ``NotOffered``, ``BookedElsewhere``, ``ConsultationUnderWay``, ``AnswerTooLate``; then all is as it was.
    """
    connection = await session.connection()
    row = await repository.locked(session, subject.id)
    now = clock.now()
    is_asked = rules.awaits(row.status, row.asked_at, row.answered_at) == "clinic"
    if not (row.status == "booked" or is_asked) or rules.has_begun(row.starts_at, now):
        raise NotAllowedNow(appointment_status=row.status)
    if row.hold_until is not None and row.hold_until <= now:
        raise AnswerTooLate(until=row.hold_until.isoformat())
    practitioner_id = data.practitioner_id or row.practitioner_id
    if (data.starts_at, practitioner_id) == (row.starts_at, row.practitioner_id):
        return row
    old = await taking.reservations_of(session, [row])
    query = SlotQuery(
        community_id=row.community_id,
        works_for=works_for(actor),
        visit_type_id=row.visit_type_id,
        practitioner_id=practitioner_id,
        language=row.language,
        given_up=frozenset({one.id for one in old}.union(await sessions.held_alone(session, old))),
        moved_from=(row.starts_at, row.practitioner_id),
    )
    offer = await offered(connection, query, data.starts_at)
    patient = await taking.patients_calendar(session, row.community_id, row.resident_id, row.account_id)
    before = row.starts_at
    asking, until = None, None
    # Who has asked already asks again, though the clinic may have given its diary away meanwhile.
    within = offer.answer_within or (row.answer_within if is_asked else None)
    if within is not None and subject.by != "clinic":
        asking = rules.asking(now, offer.starts_at, within)
        until = asking.until
    elif is_asked:
        until = rules.choice_ends(offer.starts_at, now)
    await taking.move(session, taking.Wanted(row.id, offer, query), old, patient, by=actor.id, until=until)
    row.fee_amount = max(row.fee_amount, rules.fee_for(subject.by, before, now, row.notice_period, row.late_fee_amount))
    row.practitioner_id, row.location_id = offer.practitioner_id, offer.location_id
    row.starts_at, row.ends_at, row.time_zone = offer.starts_at, offer.ends_at, offer.time_zone
    row.sequence, row.accepted_at = row.sequence + 1, None
    row.answer_within = within
    if asking is not None:
        await answering.ask_again(session, actor, row, asking, now)
    elif until is not None:
        await answering.repropose(session, actor, row, until, now)
    else:
        keeping.set_reminder(row, now)
        row.consultation_id = (await visiting.arrange(session, [row], actor.id)).get(row.id)
        await keeping.remember(session, row, actor, "moved")
        await keeping.emit_move(session, row)
        await keeping.untell(session, row.id)
        await keeping.tell(session, notices.MOVED, row, f"moved:{row.sequence}", from_starts_at=before)
    return row


async def answer(session: AsyncSession, actor: Actor, subject: Subject, data: AppointmentAnswer) -> Appointment:
    """Answer, as the clinic, what it was asked for; the same answer once more changes nothing.

    Raises ``AnswerTooLate`` once the time was let go, ``NotAllowedNow`` for what awaits no answer (any more), and of
    another time what ``reschedule`` raises.
    """
    row = await repository.locked(session, subject.id)
    is_theirs = row.answered_at is not None and row.cancelled_by in (None, "clinic")
    if is_theirs and row.status == _ANSWERED[data.answer] and data.starts_at in (None, row.starts_at):
        return row
    if row.asked_at is not None and row.cancelled_by == "nobody":
        raise AnswerTooLate(until=row.updated_at.isoformat())
    if rules.awaits(row.status, row.asked_at, row.answered_at) != "clinic":
        raise NotAllowedNow("the clinic is not asked for this", appointment_status=row.status)
    if row.hold_until is not None and row.hold_until <= clock.now():
        raise AnswerTooLate(until=row.hold_until.isoformat())
    if data.answer == "declined":
        return await cancel(session, actor, subject, AppointmentCancel(reason=data.reason))
    if data.starts_at is not None:
        other = AppointmentMove(starts_at=data.starts_at, practitioner_id=data.practitioner_id)
        if (other.starts_at, other.practitioner_id or row.practitioner_id) == (row.starts_at, row.practitioner_id):
            raise Malformed(errors=[FieldError("/body/starts_at", "this is the time that was asked for", "same_time")])
        return await reschedule(session, actor, subject, other)
    session.expunge(row)  # it is booked by a statement, which the row as it was read knows nothing of
    await booking.confirm_one(session, actor, subject)
    return await repository.locked(session, subject.id)


async def cancel(session: AsyncSession, actor: Actor, subject: Subject, data: AppointmentCancel) -> Appointment:
    """Call an appointment off, or let a hold go; its time is free at once. What is called off already stays so.

    Whoever does it later than the notice they owe, owes the fee; the clinic owes none. Raises ``NotAllowedNow``.
    """
    row = await repository.locked(session, subject.id)
    if row.status == "cancelled":
        return row
    now = clock.now()
    is_held = row.status in rules.HELD
    is_known = not is_held or row.asked_at is not None
    is_refused = subject.by == "clinic" and rules.awaits(row.status, row.asked_at, row.answered_at) == "clinic"
    if subject.by == "patient" and not rules.may_call_off(row.status, row.mode, row.starts_at, now):
        raise NotAllowedNow("its time has come: the clinic says what became of it", appointment_status=row.status)
    if is_refused and row.hold_until is not None and row.hold_until <= now:
        raise AnswerTooLate(until=row.hold_until.isoformat())
    news = keeping.become(row, "cancelled")
    row.cancelled_by = subject.by
    row.sequence += 1
    if is_refused:
        row.answered_at, row.fee_amount = now, 0
    if not is_held:
        row.fee_amount = max(
            row.fee_amount, rules.fee_for(subject.by, row.starts_at, now, row.notice_period, row.late_fee_amount)
        )
    if data.reason:
        row.cancel_reason = seal(data.reason, CANCEL_REASON)
    await visiting.end(session, row)
    if is_held:
        await booking.let_pass(session, row, now, is_theirs=not is_refused)
    await taking.give_back(session, await taking.reservations_of(session, [row]))
    await keeping.remember(session, row, actor, news, data.reason)
    if is_known:
        await keeping.emit_end(session, row, subject.by, was_held=is_held)
    await keeping.untell(session, row.id)
    if row.account_id != actor.id and is_known:
        notice = notices.DECLINED if is_refused else notices.CANCELLED
        await keeping.tell(session, notice, row, "cancelled")
    return row


async def set_outcome(session: AsyncSession, actor: Actor, subject: Subject, data: AppointmentOutcome) -> Appointment:
    """Write down what became of an appointment; the same once more changes nothing.

    Who does not come owes the fee, as whoever calls it off too late does, but for video visits; for what never should
    have been nobody owes any. Raises
    ``NotAllowedNow``, also for somebody who is said not to have come before they can be.
    """
    row = await repository.locked(session, subject.id)
    if row.status == data.status:
        return row
    now = clock.now()
    if data.status == "noshow" and not rules.may_be_missed(row.mode, row.starts_at, row.ends_at, now):
        raise NotAllowedNow("they can still come", appointment_status=row.status)
    was = row.status
    news = keeping.become(row, data.status)
    if data.status == "noshow":
        row.fee_amount = max(row.fee_amount, rules.missed_fee(row.mode, row.late_fee_amount))
    elif was == "noshow" or data.status == "entered-in-error":
        row.fee_amount = 0
    if data.status in rules.GIVES_BACK:
        row.sequence += 1
        await taking.give_back(session, await taking.reservations_of(session, [row]))
    if data.status in rules.GIVES_BACK | {"fulfilled"}:
        await visiting.end(session, row)
    await keeping.remember(session, row, actor, news, data.reason)
    await keeping.emit_status(session, row)
    await keeping.untell(session, row.id)
    return row
