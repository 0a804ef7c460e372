"""A resident whom a clinic treats, a clinician who may prescribe, and what each of them asks."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest_asyncio

from app.core.clock import ManualClock
from telemedicine.clinics.models import Practitioner
from tests.factories import sign_in, telemedicine, telemedicine_clinics
from tests.factories.telemedicine import Scene
from tests.factories.telemedicine_prescriptions import AMOXICILLIN

Body = dict[str, Any]
Headers = dict[str, str]
TODAY = date(2026, 3, 2)


@dataclass
class Desk:
    """Who asks, and how."""

    client: httpx.AsyncClient
    scene: Scene
    practitioner: Practitioner
    resident: Headers
    clinician: Headers

    @property
    def path(self) -> str:
        return f"/v1/residents/{self.scene.resident.id}/prescriptions"

    async def ask(self, who: Headers, path: str, body: Body | None = None) -> httpx.Response:
        return await self.client.post(path, headers=who, json=body or {})

    async def draft(self, content: Body = AMOXICILLIN, **values: Any) -> Body:
        answer = await self.ask(self.clinician, self.path, {"content": content, **values})
        assert answer.status_code == 201, answer.text
        found: Body = answer.json()
        return found

    async def act(self, prescription: Body, action: str, body: Body | None = None) -> httpx.Response:
        return await self.ask(self.clinician, f"{self.path}/{prescription['id']}/{action}", body)

    async def signed(self, content: Body = AMOXICILLIN, **values: Any) -> Body:
        answer = await self.act(await self.draft(content, **values), "signature")
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    async def seen(self, who: Headers, path: str, **query: Any) -> list[Body]:
        answer = await self.client.get(path, headers=who, params=query)
        assert answer.status_code == 200, answer.text
        items: list[Body] = answer.json()["items"]
        return items


@pytest_asyncio.fixture(loop_scope="session")
async def desk(client: httpx.AsyncClient, clock: ManualClock) -> Desk:
    scene = await telemedicine.scene()
    await telemedicine.consultation(scene)
    clinic = await telemedicine_clinics.clinic(scene.place, scene.clinic)
    return Desk(
        client,
        scene,
        await telemedicine_clinics.practitioner(clinic, scene.clinician),
        await sign_in.sign_in(scene.account),
        await sign_in.sign_in(scene.clinician, second_factor=True),
    )
