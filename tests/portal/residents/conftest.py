"""A resident about whom there is something on every tab, and people who look at them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest_asyncio
from fastapi import FastAPI

from app.core import clock
from app.core.clock import ManualClock
from app.core.database import Database
from app.identity.models import Account, Community, Grant, Organization, Resident
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as medication
from tests.factories import eldercare_visits as visits
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity
from tests.factories import telemedicine_appointments as telemedicine
from tests.factories import telemedicine_clinics as clinics
from tests.portal.ground import visitor

TABS = ("timeline", "vitals", "doses", "visits", "home", "appointments", "circle", "consent")
EVERYTHING = (
    "profile:read",
    "contacts:read",
    "check_ins:read",
    "check_ins:manage",
    "alarms:read",
    "vitals:read",
    "vitals:write",
    "medication:read",
    "medication:record",
    "visits:read",
    "home:activity",
    "appointments:manage",
    "circle:read",
    "messages:read",
)


@dataclass
class Looked:
    """A resident, an agency that serves them, and a daughter who was granted nothing yet."""

    app: FastAPI
    place: Community
    resident: Resident
    person: Account
    agency: Organization
    daughter: Account

    @property
    def address(self) -> str:
        """Where the pages about the resident are."""
        return f"/portal/residents/{self.resident.id}"

    async def lets(self, *scopes: str, kind: str = "consent") -> Grant:
        """Let the daughter see or do something."""
        return await identity.grant(self.resident, self.daughter, scopes, kind=kind)

    def browser(self, account: Account, *, language: str = "en") -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """Return a browser in which the account is signed in."""
        return visitor(self.app, account, language=language)


async def looked_at(app: FastAPI, name: str = "Grace", written: str = "Tea at eight") -> Looked:
    """Insert a resident of that name with something on every tab, in which people wrote that text."""
    place = await identity.community()
    person = await identity.account(place, name=name, phone="+8613800000001")
    resident = await identity.resident(place, person=person, emergency_notes=written)
    agency = await identity.organization(place, "care_agency", name=f"Agency {name}"[:100])
    await identity.agreement(agency, ["visits:read", "visits:manage", "vitals:read", "profile:read"], resident)
    daughter = await identity.account(place, name=f"Dora {name}"[:100], phone="+8613800000002")
    await alarms.circle_member(resident, daughter, relationship=written[:60])
    await medication.regimen(
        resident, drug={"name": name[:80], "instructions": written}, times=["16:30"], time_zone="Asia/Shanghai"
    )
    plan = await visits.care_plan(resident, agency, title="At home", tasks=[{"text": written}])
    await visits.single(plan, clock.now() + timedelta(hours=3), account_id=person.id)
    for hours in (1, 30, 60):
        measured_at = clock.now() - timedelta(hours=hours)
        await vitals.reading(resident, 71 + hours, measured_at=measured_at)
        await vitals.reading(resident, 131, "8480-6", measured_at=measured_at)
        await vitals.reading(resident, 84, "8462-4", measured_at=measured_at)
    await vitals.threshold(resident, low=50.0, high=100.0)
    await check_ins.plan(resident)
    clinic = await clinics.clinic(place)
    doctor = await clinics.practitioner(clinic, name=name[:100])
    kind = await clinics.visit_type(clinic, name={"en": written[:60], "zh-CN": "初诊"})
    await telemedicine.appointment(resident, doctor, kind, clock.now() + timedelta(days=2))
    return Looked(app, place, resident, person, agency, daughter)


@pytest_asyncio.fixture(loop_scope="session")
async def looked(app: FastAPI, database: Database, clock: ManualClock) -> AsyncIterator[Looked]:
    """Hand out the scene; it is a Monday, four in the afternoon where the resident lives."""
    del database, clock
    yield await looked_at(app)
