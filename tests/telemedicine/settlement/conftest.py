"""A clinic that bills, a resident it has seen who is insured, and what each of them asks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio

from app import assembly
from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account
from telemedicine.clinics.models import Practitioner, VisitType
from telemedicine.settlement import jobs
from tests.factories import identity, sign_in, telemedicine, telemedicine_clinics
from tests.factories.telemedicine import Scene
from tests.factories.telemedicine_appointments import appointment
from tests.factories.telemedicine_records import COVERAGE, health_record

Body = dict[str, Any]
Headers = dict[str, str]
TERMS: Body = {"city": "shanghai", "tier": "secondary", "currency": "CNY", "payment_days": 30}
INSURED: Body = COVERAGE | {"insurer": "上海市城乡居民基本医疗保险"}


@dataclass
class Desk:
    """Who asks, and how."""

    client: httpx.AsyncClient
    scene: Scene
    coordinator: Account
    practitioner: Practitioner
    visit_type: VisitType
    resident: Headers
    clinic: Headers

    @property
    def path(self) -> str:
        return f"/v1/clinics/{self.scene.clinic.id}"

    async def post(self, path: str, body: Body | None = None, who: Headers | None = None) -> httpx.Response:
        return await self.client.post(path, headers=who or self.clinic, json=body or {})

    async def did(self, path: str, body: Body | None = None) -> Body:
        answer = await self.post(f"{self.path}/{path}", body)
        assert answer.status_code in (200, 201, 202), answer.text
        found: Body = answer.json()
        return found

    async def refused(self, path: str, body: Body | None = None) -> tuple[int, str]:
        answer = await self.post(f"{self.path}/{path}", body)
        return answer.status_code, answer.json()["code"]

    async def seen(self, path: str, who: Headers | None = None) -> Body:
        answer = await self.client.get(path, headers=who or self.clinic)
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    async def bill(self, bill: Body) -> Body:
        return await self.seen(f"{self.path}/bills/{bill['id']}")

    async def price(self, code: str, amount: int, **values: Any) -> Body:
        given = {"code": code, "name": {"en": code.title(), "zh-CN": code}, "amount": amount, **values}
        return await self.did("charge-items", given)

    async def held(self, *, days: int = 1, status: str = "fulfilled") -> Body:
        """Insert an appointment that was kept and return what is said to bill it."""
        starts_at = clocks.now() - timedelta(days=days)
        kept = await appointment(self.scene.resident, self.practitioner, self.visit_type, starts_at, status=status)
        return {"origin_kind": "appointment", "origin_id": str(kept.id)}

    async def issued(self, *codes: str, days: int = 1) -> Body:
        lines = [{"code": code} for code in codes or ("visit",)]
        drafted = await self.did("bills", await self.held(days=days) | {"lines": lines})
        return await self.did(f"bills/{drafted['id']}/issue")

    async def claimed(self, bill: Body, **values: Any) -> Body:
        await self.did(f"bills/{bill['id']}/claims", values)
        await work()
        return await self.bill(bill)

    async def pay(self, bill: Body, amount: int, **values: Any) -> httpx.Response:
        path = f"/v1/organizations/{self.scene.clinic.id}/charges/{bill['charge']['id']}/payments"
        return await self.post(path, {"kind": "cash", "amount": amount, "currency": "CNY", **values})


async def work() -> None:
    """Run what the worker does for bills until nothing is left to do."""
    await settle([*RELAY_JOBS, *jobs.JOBS])


@pytest_asyncio.fixture(loop_scope="session")
async def desk(client: httpx.AsyncClient, clock: ManualClock) -> Desk:
    assembly.load_tables()
    install_subscribers(assembly.SUBSCRIBERS)
    scene = await telemedicine.scene()
    clinic = await telemedicine_clinics.clinic(scene.place, scene.clinic)
    coordinator = await identity.staff(scene.clinic, "coordinator", name="Iris")
    await health_record(scene.resident, INSURED)
    found = Desk(
        client,
        scene,
        coordinator,
        await telemedicine_clinics.practitioner(clinic, scene.clinician),
        await telemedicine_clinics.visit_type(clinic),
        await sign_in.sign_in(scene.account),
        await sign_in.sign_in(coordinator, second_factor=True),
    )
    answer = await client.put(f"{found.path}/billing-terms", headers=found.clinic, json=TERMS)
    assert answer.status_code == 200, answer.text
    first = (clock.now() - timedelta(days=60)).isoformat()
    await found.price("visit", 15_000, valid_from=first, visit_type_id=str(found.visit_type.id))
    await found.price("private-room", 10_000, valid_from=first)
    await found.price("vaccination", 3_000, valid_from=first)
    return found
