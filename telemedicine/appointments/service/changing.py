"""Changes: another time, calling off, and what became of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.events import emit
from app.core.sealing import seal
from telemedicine.appointments import notices, repository, rules
from telemedicine.appointments.access import Subject
from telemedicine.appointments.models import CANCEL_REASON, Appointment
from telemedicine.appointments.problems import NotAllowedNow
from telemedicine.appointments.schemas import AppointmentCancel, AppointmentMove, AppointmentOutcome
from telemedicine.appointments.service import booking, keeping, sessions, taking, visiting
from telemedicine.clinics.access import works_for
from telemedicine.clinics.service.slots import offered
from telemedicine.clinics.views.offers import SlotQuery
from telemedicine.events import AppointmentCancelled, AppointmentMoved


async def reschedule(session: AsyncSession, actor: Actor, subject: Subject, data: AppointmentMove) -> Appointment:
    """Give an appointment another time, or somebody else, in one step; what it was stays in its history.

    Its own time is not in the way of the new one. A move to where it is changes nothing.
    Whoever moves later than the notice they owe, owes the fee. Raises ``NotAllowedNow``, ``NotOffered``,
    ``BookedElsewhere``, ``ConsultationUnderWay``; then all is as it was.
    """
    connection = await session.connection()
    row = await repository.locked(session, subject.id)
    now = clock.now()
    if row.status != "booked" or rules.has_begun(row.starts_at, now):
        raise NotAllowedNow(appointment_status=row.status)
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
    await taking.move(session, taking.Wanted(row.id, offer, query), old, patient, by=actor.id)
    before = row.starts_at
    row.fee_amount = max(row.fee_amount, rules.fee_for(subject.by, before, now, row.notice_period, row.late_fee_amount))
    row.practitioner_id, row.location_id = offer.practitioner_id, offer.location_id
    row.starts_at, row.ends_at, row.time_zone = offer.starts_at, offer.ends_at, offer.time_zone
    row.sequence, row.accepted_at = row.sequence + 1, None
    keeping.set_reminder(row, now)
    row.consultation_id = (await visiting.arrange(session, [row], actor.id)).get(row.id)
    await keeping.remember(session, row, actor, "moved")
    await emit(
        session,
        AppointmentMoved(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.organization_id,
        ),
    )
    await keeping.untell(session, row.id)
    await keeping.tell(session, notices.MOVED, row, f"moved:{row.sequence}", from_starts_at=before)
    return row


async def cancel(session: AsyncSession, actor: Actor, subject: Subject, data: AppointmentCancel) -> Appointment:
    """Call an appointment off, or let a hold go; its time is free at once. What is called off already stays so.

    Whoever does it later than the notice they owe, owes the fee; the clinic owes none. Raises ``NotAllowedNow``.
    """
    row = await repository.locked(session, subject.id)
    if row.status == "cancelled":
        return row
    now = clock.now()
    is_held = row.status in rules.HELD
    if subject.by == "patient" and (row.status not in rules.AHEAD or rules.has_begun(row.starts_at, now)):
        raise NotAllowedNow("its time has come: the clinic says what became of it", appointment_status=row.status)
    news = keeping.become(row, "cancelled")
    row.cancelled_by = subject.by
    row.sequence += 1
    if not is_held:
        row.fee_amount = max(
            row.fee_amount, rules.fee_for(subject.by, row.starts_at, now, row.notice_period, row.late_fee_amount)
        )
    if data.reason:
        row.cancel_reason = seal(data.reason, CANCEL_REASON)
    await visiting.end(session, row)
    if is_held:
        await booking.let_pass(session, row, now)
    await taking.give_back(session, await taking.reservations_of(session, [row]), actor.id)
    await keeping.remember(session, row, actor, news, data.reason)
    if not is_held:
        await emit(
            session,
            AppointmentCancelled(
                aggregate_id=row.id,
                community_id=row.community_id,
                resident_id=row.resident_id,
                organization_id=row.organization_id,
                by=subject.by,
            ),
        )
    await keeping.untell(session, row.id)
    if row.account_id != actor.id and not is_held:
        await keeping.tell(session, notices.CANCELLED, row, "cancelled")
    return row


async def set_outcome(session: AsyncSession, actor: Actor, subject: Subject, data: AppointmentOutcome) -> Appointment:
    """Write down what became of an appointment; the same once more changes nothing.

    Who does not come owes the fee, as whoever calls it off too late does, but for video visits. Raises
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
    elif was == "noshow":
        row.fee_amount = 0
    if data.status in rules.GIVES_BACK:
        row.sequence += 1
        await taking.give_back(session, await taking.reservations_of(session, [row]), actor.id)
    if data.status in rules.GIVES_BACK | {"fulfilled"}:
        await visiting.end(session, row)
    await keeping.remember(session, row, actor, news, data.reason)
    await keeping.emit_status(session, row)
    await keeping.untell(session, row.id)
    return row
