"""A clinic with its own system, a doctor with hours, and a resident it looks after: what FHIR is asked about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from app.identity.models import Account, Community, Organization, Resident
from eldercare.api import SIGNS
from telemedicine.clinics.models import Clinic, Location, Practitioner, VisitType
from tests.factories import (
    eldercare_medication,
    eldercare_vitals,
    identity,
    sign_in,
    telemedicine,
    telemedicine_appointments,
    telemedicine_clinics,
    telemedicine_prescriptions,
    telemedicine_records,
    telemedicine_referrals,
    telemedicine_settlement,
)

SCOPES = ("appointments:manage", "profile:read", "vitals:read", "vitals:write")
FIRST = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
"""The first start of the doctor's: nine o'clock on Tuesday, in Shanghai."""
A_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everybody and everything there is."""

    place: Community
    organization: Organization
    clinic: Clinic
    location: Location
    doctor: Practitioner
    service: VisitType
    resident: Resident
    person: Account
    system: dict[str, str]
    """The headers of the clinic's own system."""

    @property
    def schedule(self) -> str:
        """Return the FHIR id of the doctor's schedule."""
        from app.fhir.keys import ScheduleKey, schedule_id  # noqa: PLC0415 - the world of the access matrix has none

        return schedule_id(ScheduleKey(self.doctor.id, self.service.id))


async def scene(**service: Any) -> Scene:
    """Insert the scene; the doctor is there on Tuesday mornings."""
    place = await identity.community()
    person = await identity.account(place, name="Grace", phone="+8613800000021")
    resident = await identity.resident(place, person=person)
    organization = await identity.organization(place, "clinic", name="Lake Clinic")
    await identity.agreement(organization, None, resident)
    clinic = await telemedicine_clinics.clinic(place, organization)
    doctor = await telemedicine_clinics.practitioner(clinic, specialties=["394802001"], sex="female")
    await telemedicine_clinics.hours(doctor, [2], "09:00", "12:00")
    return Scene(
        place,
        organization,
        clinic,
        await telemedicine_clinics.location(clinic),
        doctor,
        await telemedicine_clinics.visit_type(clinic, **service),
        resident,
        person,
        await sign_in.client_headers(organization, SCOPES),
    )


def wanted(of: Scene, in_slot: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the appointment a client sends to book a slot."""
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{in_slot['id']}"}],
        "participant": [{"actor": {"reference": f"Patient/{of.resident.id}"}, "status": "accepted"}],
        **changes,
    }


async def slots(client: httpx.AsyncClient, of: Scene, **parameters: Any) -> list[dict[str, Any]]:
    """Return the free slots a search finds."""
    answer = await client.get("/fhir/R4/Slot", params=parameters, headers=of.system)
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


async def book(client: httpx.AsyncClient, of: Scene, place: int = 0, **changes: Any) -> dict[str, Any]:
    """Book a slot as the clinic's system; return the appointment."""
    found = await slots(client, of, schedule=f"Schedule/{of.schedule}")
    answer = await client.post("/fhir/R4/Appointment", json=wanted(of, found[place], **changes), headers=of.system)
    assert answer.status_code == 201, answer.text
    booked: dict[str, Any] = answer.json()
    return booked


async def happened(of: Scene) -> None:
    """Insert what else there is of the resident: of each kind something, by clinics and by themselves."""
    clinician = await identity.staff(of.organization, "clinician", name="Edith")
    await identity.grant(of.resident, clinician, ["vitals:read"])
    answered = {"answer_within": timedelta(hours=4), "asked_at": FIRST - A_WEEK, "answered_at": FIRST - A_WEEK}
    await telemedicine_appointments.appointment(
        of.resident, of.doctor, of.service, FIRST - timedelta(days=1), status="fulfilled", **answered
    )
    for sign in SIGNS.values():
        await eldercare_vitals.reading(of.resident, 2 if sign.is_coded else sign.low, sign.code)
    treating = telemedicine.Scene(of.place, of.resident, of.person, of.organization, clinician)
    await telemedicine.consultation(treating)
    hospital = await telemedicine_referrals.hospital(treating)
    await telemedicine_referrals.referral(treating, hospital.organization)
    doctor = telemedicine.clinician_of(of.organization, clinician)
    for content in telemedicine_records.EVERY:
        await telemedicine_records.health_record(of.resident, content, by=doctor)
    await telemedicine_prescriptions.prescription(of.resident, of.organization, clinician)
    regimen = await eldercare_medication.regimen(of.resident, body=eldercare_medication.AS_NEEDED)
    await eldercare_medication.take(of.resident, regimen.id)
    await telemedicine_settlement.bill(of.resident, of.organization)
