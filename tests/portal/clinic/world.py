"""A clinic as its pages show it: a desk, a doctor, patients who are booked and who walk in, a hospital to refer to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Account, Community, Organization, Resident
from telemedicine.appointments.models import Appointment
from telemedicine.clinics.models import Clinic, Department, Practitioner, VisitType
from telemedicine.queues.models import QueueTicket
from tests.factories import identity, telemedicine, telemedicine_appointments, telemedicine_records
from tests.factories import telemedicine_clinics as clinics


@dataclass(frozen=True)
class Ward:
    """Who works at the clinic and whom it sees."""

    place: Community
    organization: Organization
    clinic: Clinic
    desk: Account
    doctor: Account
    nurse: Account
    practitioner: Practitioner
    visit_type: VisitType
    department: Department
    booked: Resident
    walks_in: Resident
    appointment: Appointment

    @property
    def address(self) -> str:
        """Return where the clinic's pages are."""
        return f"/portal/clinic/{self.organization.id}"

    @property
    def scene(self) -> telemedicine.Scene:
        """Return the doctor with who walks in, for factories that want that."""
        return telemedicine.Scene(self.place, self.walks_in, None, self.organization, self.doctor)  # type: ignore[arg-type]


async def ward(
    names: tuple[str, ...] = ("Grace", "Walter", "Dr Lin"),
    *,
    called: str = "Lake Clinic",
    time_zone: str = "Asia/Shanghai",
    language: str = "en",
    **booking: Any,
) -> Ward:
    """Insert the clinic: somebody is booked in a while, somebody else may walk in.

    Who works there reads ``language``: pages are in the language of the account.
    """
    place = await identity.community(time_zone=time_zone)
    organization = await identity.organization(place, "clinic", name=called[:100])
    clinic = await clinics.clinic(place, organization)
    await identity.agreement(organization)
    desk = await _staff(organization, "coordinator", "Desk", language)
    doctor = await _staff(organization, "clinician", names[2], language)
    nurse = await _staff(organization, "clinician", "Nurse", language)
    practitioner = await clinics.practitioner(clinic, doctor, name=names[2][:100])
    await clinics.hours(practitioner, range(1, 8), "00:00", "23:30")
    visit_type = await clinics.visit_type(clinic, mode="in_person")
    booked, walks_in = [
        await identity.resident(place, person=await identity.account(place, name=name), emergency_notes=names[0])
        for name in names[:2]
    ]
    appointment = await telemedicine_appointments.appointment(booked, practitioner, visit_type, _soon(), **booking)
    return Ward(
        place,
        organization,
        clinic,
        desk,
        doctor,
        nurse,
        practitioner,
        visit_type,
        await clinics.department(clinic),
        booked,
        walks_in,
        appointment,
    )


async def _staff(of: Organization, role: str, name: str, language: str) -> Account:
    async with unit_of_work() as session:
        place = await session.get_one(Community, of.community_id)
    person = await identity.account(place, name=name, language=language)
    await identity.membership(of, person, role)
    return person


def _soon() -> datetime:
    """Return an instant of today at the clinic, a little ahead of now."""
    return clock.now() + timedelta(minutes=5)


async def reads(account: Account, language: str) -> None:
    """Let somebody read another language."""
    async with unit_of_work() as session:
        (await session.get_one(Account, account.id)).language = language


async def number(of: Ward, resident: Resident, **values: Any) -> QueueTicket:
    """Insert a number of the clinic's own line for somebody."""
    defaults: dict[str, Any] = {
        "line_id": of.organization.id,
        "local_date": clock.now().astimezone(_zone(of)).date(),
        "number": 1,
    }
    row = QueueTicket(
        community_id=of.place.id,
        organization_id=of.organization.id,
        resident_id=resident.id,
        account_id=resident.account_id,
        **defaults | values,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


def _zone(of: Ward) -> ZoneInfo:

    return ZoneInfo(of.clinic.time_zone)


async def allergic(resident: Resident) -> None:
    """Let somebody say that they are allergic to penicillin."""
    await telemedicine_records.health_record(resident, telemedicine_records.ALLERGY)
