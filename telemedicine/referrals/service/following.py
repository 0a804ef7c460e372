"""What becomes of a referral when something becomes of its appointment."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from telemedicine.events import (
    AppointmentCancelled,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentRequestEnded,
    AppointmentStatusChanged,
)
from telemedicine.referrals import repository
from telemedicine.referrals.models import Referral
from telemedicine.referrals.service.keeping import become, wait_from

_Ended = AppointmentCancelled | AppointmentExpired | AppointmentRequestEnded
Fact = _Ended | AppointmentMoved | AppointmentStatusChanged


async def follow_appointments(session: AsyncSession, facts: Sequence[Fact]) -> None:
    """Have referrals follow their appointments: kept, the resident was seen; called off or missed, a time is wanted.

    So is one where a clinic that keeps its own diary refused the time, or let it lapse without an answer. What is told
    of an appointment that is not the referral's any more changes nothing.
    """
    appointments = await repository.based_on(session, [fact.aggregate_id for fact in facts])
    if not appointments:
        return
    referrals = await repository.locked(session, {of.based_on_id for of in appointments.values()})
    rows = {row.id: row for row in referrals}
    for fact in facts:
        of = appointments.get(fact.aggregate_id)
        if of is not None and (row := rows.get(of.based_on_id)) is not None:
            await _follow(session, row, fact, of.ends_at)


async def _follow(session: AsyncSession, row: Referral, fact: Fact, ends_at: datetime) -> None:
    is_its = row.appointment_id == fact.aggregate_id
    if isinstance(fact, AppointmentMoved):
        if row.state == "booked" and is_its:
            await wait_from(session, row, ends_at)
        return
    status = fact.status if isinstance(fact, AppointmentStatusChanged) else "cancelled"
    if status == "fulfilled" and ((row.state == "booked" and is_its) or row.state == "accepted"):
        await become(session, row, "seen", "nobody", None, appointment_id=fact.aggregate_id)
    elif status in ("cancelled", "noshow") and row.state == "booked" and is_its:
        news = "noshow" if status == "noshow" else "called_off"
        await become(session, row, "accepted", "nobody", None, news=news)
    elif status == "entered-in-error" and row.state in ("booked", "seen") and is_its:
        await become(session, row, "accepted", "nobody", None, news="called_off")
