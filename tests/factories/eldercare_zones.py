"""Zones and positions for tests: a resident who lets a relative see where they are, and fixes as a phone sends them."""

import math
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.sealing import unseal
from app.identity.api import require_resident
from app.identity.models import Account, Community, Grant, Resident
from eldercare.alarms.models import EVIDENCE_CONTEXT
from eldercare.safe_zones import jobs
from eldercare.safe_zones.models import SafeZone
from eldercare.safe_zones.rules.geometry import DEGREE
from eldercare.safe_zones.rules.identities import position_id
from eldercare.safe_zones.schemas import PositionsGive, SafeZoneWrite
from eldercare.safe_zones.service import positions, zones
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

HOME = (31.23, 121.47)
Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """A resident of a community on UTC, and a daughter who may set zones and see where they are, and the duty desk."""

    community: Community
    resident: Resident
    daughter: Account
    grant: Grant
    desk: Account

    @property
    def path(self) -> str:
        """Where the resident is found by others."""
        return f"/v1/residents/{self.resident.id}"

    async def as_resident(self) -> Headers:
        """Sign the resident in."""
        return await sign_in_resident(self.resident)

    async def as_daughter(self) -> Headers:
        """Sign the daughter in."""
        return await sign_in(self.daughter)


async def scene(*, scopes: tuple[str, ...] = ("location:read", "zones:manage", "alarms:read"), **values: Any) -> Scene:
    """Insert a resident, a daughter with a grant, and a dispatcher."""
    place = await identity.community(time_zone="UTC")
    resident = await identity.resident(place, phone="+8613800000001")
    desk = await identity.operator(place, "dispatcher", phone="+8613800000002")
    daughter = await identity.account(place, name="Daughter", phone="+8613800000003")
    grant = await identity.grant(resident, daughter, scopes, **values)
    return Scene(place, resident, daughter, grant, desk)


def agreed(**changes: Any) -> dict[str, Any]:
    """Return a zone of 300 m around home, at any time, left by two of three fixes."""
    shape = {"kind": "circle", "centre": {"latitude": HOME[0], "longitude": HOME[1]}, "radius": 300}
    return {"name": "Home", "shape": shape, **changes}


def fix(metres: float = 0, *, minutes: float = 0, at: datetime | None = None, **values: Any) -> dict[str, Any]:
    """Return a fix so many metres north of home, observed now (or so many minutes later), precise to 10 m."""
    observed_at = (at or clock.now()) + timedelta(minutes=minutes)
    return {
        "observed_at": observed_at.isoformat(),
        "latitude": HOME[0] + metres / DEGREE,
        "longitude": HOME[1],
        "accuracy": 10,
        **values,
    }


def square(side: float, *, around: tuple[float, float] = HOME) -> dict[str, Any]:
    """Return a polygon: a square of ``side`` metres around a place."""
    north, east = side / 2 / DEGREE, side / 2 / DEGREE / math.cos(math.radians(around[0]))
    ways = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
    corners = [{"latitude": around[0] + up * north, "longitude": around[1] + right * east} for up, right in ways]
    return {"kind": "polygon", "corners": corners}


def actor_of(resident: Resident) -> Actor:
    """Return the resident as an actor."""
    return Actor(kind="account", id=resident.account_id, community_id=resident.community_id, resident_id=resident.id)


async def zone(resident: Resident, **changes: Any) -> SafeZone:
    """Set a zone, as the resident does it: see ``agreed``."""
    async with unit_of_work() as session:
        actor = actor_of(resident)
        subject = await require_resident(await session.connection(), actor, resident.id, "zones:manage")
        return await zones.create_zone(session, actor, subject, SafeZoneWrite.model_validate(agreed(**changes)))


async def position(resident: Resident, given: dict[str, Any] | None = None) -> uuid.UUID:
    """Send a fix as the resident's phone does; return its id."""
    given = given or fix()
    async with unit_of_work() as session:
        actor = actor_of(resident)
        subject = await require_resident(await session.connection(), actor, resident.id, "location:write")
        await positions.take(session, actor, subject, PositionsGive.model_validate({"positions": [given]}))
    return position_id(resident.id, actor.id, None, datetime.fromisoformat(given["observed_at"]))


async def set_zone(client: httpx.AsyncClient, of: Scene, **changes: Any) -> dict[str, Any]:
    """Set a zone over HTTP, as the daughter does it."""
    answer = await client.post(f"{of.path}/safe-zones", headers=await of.as_daughter(), json=agreed(**changes))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def report(client: httpx.AsyncClient, of: Scene, *fixes: dict[str, Any], **body: Any) -> dict[str, Any]:
    """Send fixes over HTTP, as the resident's app does it."""
    sent = {"positions": list(fixes), **body}
    answer = await client.post("/v1/me/positions", headers=await of.as_resident(), json=sent)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def watch() -> int:
    """Let the worker look at silences that are due."""
    return await jobs.look()


async def signals() -> list[dict[str, Any]]:
    """Return what alarms were raised for, the evidence opened."""
    statement = sa.text(
        "SELECT s.kind, s.severity, s.origin_kind, s.origin_id, s.evidence, s.alarm_id, a.state, s.occurred_at"
        " FROM eldercare_alarm_signal s JOIN eldercare_alarm a ON a.id = s.alarm_id ORDER BY s.id"
    )
    async with reading() as connection:
        rows = (await connection.execute(statement)).mappings().all()
    return [{**row, "evidence": orjson.loads(unseal(row["evidence"], EVIDENCE_CONTEXT))} for row in rows]


async def kinds() -> list[str]:
    """Return the kinds of signals raised, in their order."""
    return [signal["kind"] for signal in await signals()]


async def count(table: str) -> int:
    """Return how many rows a table of ours has."""
    async with reading() as connection:
        return int(await connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)
