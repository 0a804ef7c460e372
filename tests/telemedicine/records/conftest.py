"""A resident whom a clinic has seen, and what each of them asks of the health record."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest_asyncio

from app.core.clock import ManualClock
from tests.factories import identity, sign_in
from tests.factories import telemedicine as factory
from tests.factories.telemedicine import Scene

Body = dict[str, Any]
Headers = dict[str, str]


@dataclass
class Desk:
    """Who asks, and how."""

    client: httpx.AsyncClient
    scene: Scene
    resident: Headers
    clinician: Headers
    relative: Headers
    others: str = field(init=False)

    def __post_init__(self) -> None:
        self.others = f"/v1/residents/{self.scene.resident.id}/health-records"

    def path(self, who: Headers) -> str:
        return "/v1/me/health-records" if who is self.resident else self.others

    async def enter(self, who: Headers, content: Body) -> httpx.Response:
        return await self.client.post(self.path(who), headers=who, json={"content": content})

    async def entered(self, who: Headers, content: Body) -> Body:
        answer = await self.enter(who, content)
        assert answer.status_code == 201, answer.text
        found: Body = answer.json()
        return found

    async def correct(self, who: Headers, record_id: str, content: Body, **headers: str) -> httpx.Response:
        path = f"{self.path(who)}/{record_id}"
        return await self.client.put(
            path, headers=who | headers, json={"content": content, "reason": "It was Wisteria"}
        )

    async def withdraw(self, who: Headers, record_id: str) -> httpx.Response:
        path = f"{self.path(who)}/{record_id}/entered-in-error"
        return await self.client.post(path, headers=who, json={"reason": "Another patient's"})

    async def get(self, who: Headers, rest: str = "", **query: Any) -> Body:
        answer = await self.client.get(f"{self.path(who)}{rest}", headers=who, params=query)
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    async def ids(self, who: Headers, **query: Any) -> list[str]:
        return [item["id"] for item in (await self.get(who, **query))["items"]]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(client: httpx.AsyncClient, clock: ManualClock) -> Desk:
    scene = await factory.scene()
    await factory.consultation(scene)
    relative = await identity.account(scene.place, name="Daughter")
    await identity.grant(scene.resident, relative, ["records:read", "records:write"])
    return Desk(
        client,
        scene,
        await sign_in.sign_in(scene.account),
        await sign_in.sign_in(scene.clinician, second_factor=True),
        await sign_in.sign_in(relative),
    )
