"""The clinic of the tests of clinics, and what residents do there."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from app import assembly
from app.core.database import reading
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.reservations import jobs as reservation_jobs
from app.reservations.api import recount
from telemedicine.appointments import jobs
from tests.telemedicine.clinics.conftest import Scene, scene

__all__ = ["Scene", "scene"]

SHANGHAI = ZoneInfo("Asia/Shanghai")
TUESDAY = date(2026, 3, 3)
Body = dict[str, Any]


def at(text: str, day: date = TUESDAY) -> datetime:
    """Return the instant of a wall time in Shanghai."""
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=SHANGHAI).astimezone(UTC)


@dataclass
class Desk:
    """What people ask of the API about appointments."""

    client: httpx.AsyncClient
    scene: Scene

    async def post(self, path: str, headers: Mapping[str, str], body: Body | None = None) -> httpx.Response:
        return await self.client.post(f"/v1{path}", json=body or {}, headers=dict(headers))

    async def get(self, path: str, headers: Mapping[str, str]) -> Body:
        answer = await self.client.get(f"/v1{path}", headers=dict(headers))
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    async def ask(self, headers: Mapping[str, str], starts_at: datetime, **values: Any) -> httpx.Response:
        """Ask for a slot with the scene's practitioner."""
        given = {
            "visit_type_id": self.scene.visit_type.id,
            "practitioner_id": self.scene.practitioner.id,
            "starts_at": starts_at.isoformat(),
        } | values
        return await self.post(
            "/appointments", headers, {name: str(value) for name, value in given.items() if value is not None}
        )

    async def held(self, headers: Mapping[str, str], starts_at: datetime, **values: Any) -> Body:
        answer = await self.ask(headers, starts_at, **values)
        assert answer.status_code == 201, answer.text
        found: Body = answer.json()
        return found

    async def act(self, headers: Mapping[str, str], appointment_id: str, action: str, body: Body | None = None) -> Body:
        answer = await self.post(f"/appointments/{appointment_id}/{action}", headers, body)
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    async def act_on_series(self, headers: Mapping[str, str], series_id: str) -> Body:
        answer = await self.post(f"/appointment-series/{series_id}/confirmation", headers)
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    async def booked(self, headers: Mapping[str, str], starts_at: datetime, **values: Any) -> Body:
        held = await self.held(headers, starts_at, **values)
        return await self.act(headers, held["id"], "confirmation")


@pytest.fixture
def desk(client: httpx.AsyncClient, scene: Scene) -> Desk:
    assembly.load_tables()
    install_subscribers(assembly.SUBSCRIBERS)
    return Desk(client, scene)


async def work() -> None:
    """Run what the worker does for appointments until nothing is left to do."""
    await settle([*RELAY_JOBS, *jobs.JOBS, *reservation_jobs.JOBS])


async def no_drift() -> None:
    """Hold the calendars against each other."""
    async with reading() as connection:
        assert await recount(connection) == []


def ids(rows: list[Body]) -> list[uuid.UUID]:
    return [uuid.UUID(row["id"]) for row in rows]
