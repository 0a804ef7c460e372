"""A community clinic that treats a resident, and a hospital that knows nothing of them yet; referrals and questions."""

import uuid
from dataclasses import dataclass
from typing import Any

from app.core.database import unit_of_work
from app.identity.models import Account, Organization
from telemedicine.clinics.models import Practitioner, VisitType
from telemedicine.records.access import require_records
from telemedicine.referrals.schemas.questions import QuestionAsk
from telemedicine.referrals.schemas.referrals import ReferralCreate
from telemedicine.referrals.service import questions, requesting
from tests.factories import identity, telemedicine, telemedicine_clinics

Body = dict[str, Any]
Headers = dict[str, str]

HEART: Body = {"coding": {"system": "http://snomed.info/sct", "code": "394579002", "display": "Cardiology"}}
WHY: Body = {"service": HEART, "reason": "Murmur, the Wisteria sort; please see"}


@dataclass(frozen=True, slots=True)
class Hospital:
    """A clinic that is asked, who works there, and what can be booked."""

    organization: Organization
    clinician: Account
    clerk: Account
    practitioner: Practitioner
    service: VisitType


async def hospital(of: telemedicine.Scene, name: str = "Hospital", **service: Any) -> Hospital:
    """Insert a hospital of the community that has no agreement with anybody; somebody is there on Tuesday mornings."""
    organization = await identity.organization(of.place, "clinic", name=name)
    clinic = await telemedicine_clinics.clinic(of.place, organization)
    clinician = await identity.staff(organization, "clinician", name="Ada")
    practitioner = await telemedicine_clinics.practitioner(clinic, clinician)
    await telemedicine_clinics.hours(practitioner, [2], "09:00", "12:00")
    return Hospital(
        organization,
        clinician,
        await identity.staff(organization, "coordinator", name="Clerk"),
        practitioner,
        await telemedicine_clinics.visit_type(clinic, **{"mode": "in_person"} | service),
    )


async def referral(of: telemedicine.Scene, to: Organization, **values: Any) -> uuid.UUID:
    """Request a referral as the clinic's clinician, who has to treat the resident; return its id."""
    actor = telemedicine.clinician_of(of.clinic, of.clinician)
    async with unit_of_work() as session:
        subject = await require_records(await session.connection(), actor, of.resident.id, "records:write")
        data = ReferralCreate.model_validate({"content": WHY, "to_organization_id": to.id, **values})
        return (await requesting.create(session, subject, data)).id


async def question(of: telemedicine.Scene, to: Organization) -> uuid.UUID:
    """Ask a clinic about the resident as the clinic's clinician; return the question's id."""
    actor = telemedicine.clinician_of(of.clinic, of.clinician)
    async with unit_of_work() as session:
        subject = await require_records(await session.connection(), actor, of.resident.id, "records:write")
        data = QuestionAsk.model_validate({"specialty": HEART, "text": "Would you?", "to_organization_id": to.id})
        return (await questions.ask(session, subject, data)).id
