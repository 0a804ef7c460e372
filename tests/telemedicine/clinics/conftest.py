"""A clinic with somebody who works in the mornings, who keeps it, and who looks for a time."""

from dataclasses import dataclass

import httpx
import pytest_asyncio

from app.core.clock import ManualClock
from app.identity.models import Account, Community, Organization, Resident
from telemedicine.clinics.models import Clinic, Practitioner, VisitType
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics

Headers = dict[str, str]


@dataclass(frozen=True)
class Scene:
    """Shanghai; the practitioner is there on weekdays from 9 to 12, for half hours by video."""

    place: Community
    organization: Organization
    clinic: Clinic
    doctor: Account
    practitioner: Practitioner
    visit_type: VisitType
    keeper: Headers
    clinician: Headers
    resident: Headers
    keepers_account: Account
    grace: Resident

    @property
    def path(self) -> str:
        """Return the path of the clinic."""
        return f"/v1/clinics/{self.organization.id}"


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock) -> Scene:
    place = await identity.community()
    organization = await identity.organization(place, "clinic", name="Lake Clinic")
    clinic = await clinics.clinic(place, organization)
    doctor = await identity.staff(organization, "clinician", name="Dr Lin")
    practitioner = await clinics.practitioner(clinic, doctor, specialties=["cardiology"], sex="female")
    await clinics.hours(practitioner, range(1, 6), "09:00", "12:00")
    keeper = await identity.staff(organization, "coordinator")
    grace = await identity.resident(place)
    return Scene(
        place,
        organization,
        clinic,
        doctor,
        practitioner,
        await clinics.visit_type(clinic),
        await sign_in.sign_in(keeper, second_factor=True),
        await sign_in.sign_in(doctor, second_factor=True),
        await sign_in.sign_in_resident(grace),
        keeper,
        grace,
    )
