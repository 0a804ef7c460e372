"""A resident whom a clinic treats, a hospital it refers to, and what each of them asks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio

from app.core.clock import ManualClock
from tests.factories import identity, sign_in, telemedicine, telemedicine_clinics, telemedicine_referrals
from tests.factories.telemedicine import Scene
from tests.factories.telemedicine_referrals import WHY, Body, Headers, Hospital


@dataclass
class Desk:
    """Who asks, and how."""

    client: httpx.AsyncClient
    clock: ManualClock
    scene: Scene
    hospital: Hospital
    resident: Headers
    clinician: Headers
    doctor: Headers
    clerk: Headers

    @property
    def path(self) -> str:
        return f"/v1/residents/{self.scene.resident.id}/referrals"

    async def ask(self, who: Headers, path: str, body: Body | None = None, status: int | None = 200) -> Body:
        """Post something, hold the answer to its status, and return it."""
        answer = await self.client.post(path, headers=who, json=body or {})
        assert answer.status_code == status, answer.text
        found: Body = answer.json()
        return found

    async def refer(self, **values: Any) -> Body:
        body = {"content": WHY, "to_organization_id": str(self.hospital.organization.id), **values}
        return await self.ask(self.clinician, self.path, body, 201)

    async def act(self, who: Headers, referral: Body, action: str, body: Body | None = None, status: int = 200) -> Body:
        return await self.ask(who, f"/v1/referrals/{referral['id']}/{action}", body, status)

    async def look(self, who: Headers, path: str, status: int = 200, **query: Any) -> Body:
        answer = await self.client.get(path, headers=who, params=query)
        assert answer.status_code == status, answer.text
        found: Body = answer.json()
        return found

    async def show(self, who: Headers, referral: Body, status: int = 200) -> Body:
        return await self.look(who, f"/v1/referrals/{referral['id']}", status)

    def time(self, starts_at: str = "2026-03-03T01:00:00Z") -> Body:
        """Return a time of the hospital's: nine o'clock on Tuesday, in Shanghai."""
        return {
            "practitioner_id": str(self.hospital.practitioner.id),
            "visit_type_id": str(self.hospital.service.id),
            "starts_at": starts_at,
        }

    async def later(self, by: timedelta) -> None:
        """Let time pass, and have everybody sign in again."""
        self.clock.advance(by)
        self.resident = await sign_in.sign_in(self.scene.account)
        self.clinician = await sign_in.sign_in(self.scene.clinician, second_factor=True)
        self.doctor = await sign_in.sign_in(self.hospital.clinician, second_factor=True)
        self.clerk = await sign_in.sign_in(self.hospital.clerk, second_factor=True)

    async def other(self, role: str = "clinician", kind: str = "clinic") -> Headers:
        """Return somebody of an organization that has nothing to do with it."""
        organization = await identity.organization(self.scene.place, kind, name="Other")
        await identity.agreement(organization)
        return await sign_in.sign_in(await identity.staff(organization, role), second_factor=True)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(client: httpx.AsyncClient, clock: ManualClock) -> Desk:
    scene = await telemedicine.scene()
    await telemedicine.consultation(scene)
    await telemedicine_clinics.clinic(scene.place, scene.clinic)
    hospital = await telemedicine_referrals.hospital(scene)
    found = Desk(client, clock, scene, hospital, {}, {}, {}, {})
    await found.later(timedelta())
    return found
