"""What becomes of a referral when something becomes of its appointment."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from telemedicine.events import AppointmentCancelled, AppointmentStatusChanged
from telemedicine.referrals import repository
from telemedicine.referrals.models import Referral
from telemedicine.referrals.service.keeping import become

Fact = AppointmentCancelled | AppointmentStatusChanged


async def follow_appointments(session: AsyncSession, facts: Sequence[Fact]) -> None:
    """Have referrals follow their appointments: kept, the resident was seen; called off or missed, a time is wanted.

    What is told of an appointment that is not the referral's any more changes nothing.
    """
    referrals = await repository.based_on(session, [fact.aggregate_id for fact in facts])
    if not referrals:
        return
    rows = {row.id: row for row in await repository.locked(session, set(referrals.values()))}
    for fact in facts:
        if (row := rows.get(referrals.get(fact.aggregate_id, fact.id))) is not None:
            await _follow(session, row, fact)


async def _follow(session: AsyncSession, row: Referral, fact: Fact) -> None:
    status = "cancelled" if isinstance(fact, AppointmentCancelled) else fact.status
    is_its = row.appointment_id == fact.aggregate_id
    if status == "fulfilled" and ((row.state == "booked" and is_its) or row.state == "accepted"):
        await become(session, row, "seen", "nobody", None, appointment_id=fact.aggregate_id)
    elif status in ("cancelled", "noshow") and row.state == "booked" and is_its:
        news = "noshow" if status == "noshow" else "called_off"
        await become(session, row, "accepted", "nobody", None, news=news)
    elif status == "entered-in-error" and row.state in ("booked", "seen") and is_its:
        await become(session, row, "accepted", "nobody", None, news="called_off")
