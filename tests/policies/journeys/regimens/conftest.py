"""A clinic that prescribes, and the people who keep a resident's medication plan."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account
from eldercare.medication import jobs as medication
from eldercare.regimen_proposals import jobs as proposals
from notifications.inbox.models import INBOX
from tests.factories import eldercare_medication as made
from tests.factories import identity, sign_in
from tests.telemedicine.prescriptions import conftest as clinic
from tests.telemedicine.prescriptions.conftest import Body, Headers, desk

__all__ = ["desk"]

RAMIPRIL: Final[Body] = {
    "medication": {"coding": {"system": "http://www.whocc.no/atc", "code": "C09AA05"}, "text": "Ramipril 5 mg"},
    "dosage": "1 tablet in the morning",
    "dose": {"value": 1, "unit": "{tablet}"},
    "timing": {"frequency": 1},
}
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
PLAN: Final[Body] = {
    "quantity": 1,
    "unit": "{tablet}",
    "timing": "times",
    "times": ["08:00"],
    "starts_on": "2026-03-02",
}


@dataclass
class Plan:
    """The clinic's desk, and whoever confirms."""

    desk: clinic.Desk
    clock: ManualClock
    coordinator: Account
    daughter: Account

    @property
    def resident(self) -> Headers:
        return self.desk.resident

    async def settled(self) -> None:
        """Let everything that is due happen."""
        await settle((*RELAY_JOBS, *proposals.JOBS, *medication.JOBS))

    async def later(self, at: datetime) -> None:
        """Go on to an instant; who was signed in signs in again."""
        self.clock.set(at)
        self.desk.clinician = await sign_in.sign_in(self.desk.scene.clinician, second_factor=True)
        self.desk.resident = await sign_in.sign_in(self.desk.scene.account)
        await self.settled()

    async def signed(self, content: Body = RAMIPRIL, **values: Any) -> Body:
        """Sign a prescription, and let what follows happen."""
        prescription = await self.desk.signed(content, **values)
        await self.settled()
        return prescription

    async def open(self) -> Body:
        """Return the one proposal that is open."""
        (found,) = await self.desk.seen(self.resident, "/v1/me/regimen-proposals", state="proposed")
        return found

    async def answer(self, proposal: Body, what: str, body: Body, who: Headers | None = None) -> Any:
        """Answer a proposal."""
        path = f"/v1/residents/{self.desk.scene.resident.id}/regimen-proposals/{proposal['id']}/{what}"
        return await self.desk.ask(who or self.resident, path, body)

    async def confirmed(self, **changes: Any) -> Body:
        """Confirm what is open, and return the regimen."""
        answer = await self.answer(await self.open(), "confirmation", PLAN | changes)
        assert answer.status_code == 200, answer.text
        await self.settled()
        return await self.regimen(answer.json()["regimen_id"])

    async def regimen(self, regimen_id: str) -> Body:
        """Return a regimen."""
        answer = await self.desk.client.get(f"/v1/me/regimens/{regimen_id}", headers=self.resident)
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    async def doses(self, regimen: Body) -> list[str]:
        """Return day, hour (in Shanghai) and state of a regimen's doses."""
        rows = [row for row in await made.doses(self.desk.scene.resident) if str(row.regimen_id) == regimen["id"]]
        return [f"{row.due_at.astimezone(SHANGHAI):%d %H:%M} {row.state}" for row in rows]

    async def told(self, notice: str) -> set[uuid.UUID]:
        """Return whom a notice of eldercare reached."""
        return set(await self.heard(f"eldercare.{notice}"))

    async def heard(self, notice: str) -> list[uuid.UUID]:
        """Return whom a notice reached, each as often as it did."""
        async with reading() as connection:
            found = sa.select(INBOX.c.account_id).where(INBOX.c.notice_key == notice)
            return list(await connection.scalars(found))


@pytest_asyncio.fixture(loop_scope="session")
async def plan(desk: clinic.Desk, clock: ManualClock) -> Plan:
    scene = desk.scene
    agency = await identity.organization(scene.place, "care_agency")
    await identity.agreement(agency, None, scene.resident)
    coordinator = await identity.staff(agency, "coordinator", name="Chien-Shiung")
    daughter = await made.relative(scene.resident, scopes=["medication:read", "medication:manage"])
    return Plan(desk, clock, coordinator, daughter)
