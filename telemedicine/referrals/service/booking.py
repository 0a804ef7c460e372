"""The time of a referral: chosen by the resident or a clinic, taken and written down in one step, or not at all."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.problems import FieldError, Malformed
from app.identity.api import ResidenceEnded
from telemedicine.appointments.rules import hold_ends
from telemedicine.appointments.service import booking
from telemedicine.clinics.access import works_for
from telemedicine.clinics.service.slots import offered
from telemedicine.clinics.views.offers import SlotQuery
from telemedicine.referrals import repository
from telemedicine.referrals.access import Subject
from telemedicine.referrals.models import Referral
from telemedicine.referrals.problems import NotAmongOffers, ReferralStands
from telemedicine.referrals.rules.states import may_become
from telemedicine.referrals.schemas.referrals import OfferedTime
from telemedicine.referrals.service import keeping
from telemedicine.referrals.service.answering import stored
from telemedicine.referrals.service.residents import resident_of


async def book(session: AsyncSession, subject: Subject, data: OfferedTime, if_match: int | None) -> Referral:
    """Book a time at the clinic that accepted, and return the referral.

    What the clinic offered may be booked though visits of that type are otherwise its own to book. Raises
    ``ResidenceEnded``, ``StaleVersion``, ``ReferralStands``, ``NotAmongOffers``, ``Malformed`` for a time elsewhere,
    and what booking an appointment raises; then all is as it was.
    """
    resident = await resident_of(session, subject)
    if resident.state != "active":
        raise ResidenceEnded
    row = await repository.lock(session, subject.id)
    keeping.check_version(row, if_match)
    if not may_become(row.state, "booked"):  # type: ignore[arg-type]  # the table's check allows no other
        raise ReferralStands(referral_state=row.state, changed_at=row.changed_at.isoformat())
    if row.offers and stored(data) not in row.offers:
        raise NotAmongOffers(offers=row.offers)
    by_clinic = [row.to_organization_id] if row.offers or subject.side == "to" else []
    query = SlotQuery(
        community_id=row.community_id,
        works_for=[*works_for(subject.actor), *by_clinic],
        visit_type_id=data.visit_type_id,
        practitioner_id=data.practitioner_id,
    )
    offer = await offered(await session.connection(), query, data.starts_at)
    if offer.organization_id != row.to_organization_id:
        error = FieldError("/body/visit_type_id", "nothing of the clinic that accepted", "another_clinic")
        raise Malformed(errors=[error])
    if not by_clinic:
        booking.require_bookable_type(subject.actor, resident, offer)
    await booking.require_room(session, subject.actor, resident, offer.organization_id)
    until: datetime = hold_ends(offer.starts_at, clock.now())
    held = booking.Held(resident, query, "pending", until, subject.actor.id, based_on_id=row.id)
    booked = await booking.confirm_rows(
        session, subject.actor, await booking.hold_all(session, subject.actor, held, [offer])
    )
    await keeping.become(session, row, "booked", subject.side, subject.actor, appointment_id=booked[0].id)
    await keeping.wait_from(session, row, booked[0].ends_at)
    return row
