"""What happens in the room of a video visit becomes the appointment's status; what a person wrote down stands."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from telemedicine.appointments import repository, rules
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.service import following_up, keeping
from telemedicine.consultations.rules import opens_at
from telemedicine.events import (
    ConsultationAwaited,
    ConsultationClosed,
    ConsultationNoteSigned,
    ConsultationStarted,
)

Fact = ConsultationAwaited | ConsultationStarted | ConsultationClosed | ConsultationNoteSigned


async def follow_visits(session: AsyncSession, facts: Sequence[Fact]) -> None:
    """Write down what became of the appointments whose visits these facts tell of.

    A visit that nobody came to changes nothing: from here, a network that failed looks like somebody who stayed away.
    """
    told = [(fact.appointment_id, fact) for fact in facts if fact.appointment_id is not None]
    rows = {row.id: row for row in await repository.all_locked(session, {one for one, _ in told})}
    for appointment_id, fact in told:
        row = rows.get(appointment_id)
        if row is None:
            continue  # it was erased meanwhile
        if isinstance(fact, ConsultationNoteSigned):
            if fact.follow_up_days is not None:
                await following_up.suggest(session, row, fact.follow_up_days)
        else:
            await _follow(session, row, fact)


async def _follow(
    session: AsyncSession, row: Appointment, fact: ConsultationAwaited | ConsultationStarted | ConsultationClosed
) -> None:
    happened: rules.Happening | None = None
    match fact:
        case ConsultationAwaited():
            # Before the room opens they waited for an earlier time; after the end it is for a person to say.
            is_for_this = opens_at(row.starts_at) <= fact.occurred_at <= row.ends_at
            happened = "awaited" if is_for_this else None
        case ConsultationStarted():
            happened = "met"
        case ConsultationClosed(state="ended", met=True):
            happened = "parted"
    for status in rules.ways(row.status, happened) if happened else ():
        if row.status == "noshow":
            row.fee_amount = 0
        news = keeping.become(row, status)
        await keeping.remember(session, row, None, news)
        await keeping.emit_status(session, row)
        await keeping.untell(session, row.id)
