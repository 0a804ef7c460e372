"""Rows of vital signs, really committed: a resident with a clinic, a clinician who is responsible, and limits."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor
from app.core.database import unit_of_work
from app.identity.api import ResidentSubject
from app.identity.models import Account, Community, Organization, Resident
from eldercare.vitals.models import READINGS, Reading, ResponsibleClinician, Threshold
from eldercare.vitals.repository import Batch, Source, keep
from eldercare.vitals.rules.codes import HEART_RATE
from eldercare.vitals.rules.identities import reading_id, source_key, tail_of
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """A resident, their operator, a clinic that looks after them, and how each signs in."""

    community: Community
    resident: Resident
    operator: Account
    clinic: Organization
    clinician: Account
    as_resident: Headers
    as_operator: Headers
    as_clinician: Headers

    @property
    def path(self) -> str:
        """Where the resident is found by others."""
        return f"/v1/residents/{self.resident.id}"


async def scene(*, responsible: bool = True) -> Scene:
    """Insert a resident with an operator's desk and a clinic whose clinician is responsible, unless told otherwise."""
    place = await identity.community()
    resident = await identity.resident(place, phone="+8613800000001")
    operator = await identity.operator(place, phone="+8613800000002")
    clinic = await identity.organization(place, "clinic")
    await identity.agreement(clinic, ["vitals:read", "vitals:write", "vitals:manage", "profile:read"])
    clinician = await identity.staff(clinic, "clinician", name="Clinician")
    if responsible:
        await responsible_clinician(place, clinician, clinic)
    return Scene(
        place,
        resident,
        operator,
        clinic,
        clinician,
        await sign_in_resident(resident),
        await sign_in(operator),
        await sign_in(clinician),
    )


async def responsible_clinician(place: Community, person: Account, of: Organization) -> ResponsibleClinician:
    """Insert who answers for a community's thresholds."""
    row = ResponsibleClinician(
        community_id=place.id,
        account_id=person.id,
        organization_id=of.id,
        named_by=person.id,
        named_at=clock.now(),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def threshold(resident: Resident, **values: Any) -> Threshold:
    """Insert limits for the heart rate (50 to 120), unless told otherwise."""
    defaults: dict[str, Any] = {
        "code": HEART_RATE,
        "number": 1,
        "low": 50.0,
        "high": 120.0,
        "hysteresis": 0.0,
        "needed": 1,
        "looked_at": 1,
        "fresh_for": timedelta(hours=24),
        "severity": 2,
        "set_by": resident.account_id,
        "set_at": clock.now(),
    }
    row = Threshold(community_id=resident.community_id, resident_id=resident.id, **(defaults | values))
    async with unit_of_work() as session:
        session.add(row)
    return row


async def reading(resident: Resident, value: float = 72, code: str = HEART_RATE, **values: Any) -> uuid.UUID:
    """Store a reading of the resident's own, measured now unless told otherwise, without judging it; return its id."""
    measured_at: datetime = values.get("measured_at", clock.now())
    identifier = reading_id(measured_at, tail_of(resident.id, source_key(resident.account_id, None), code))
    source = Source("person", resident.account_id, clock.now())
    subject = ResidentSubject(
        resident.id, resident.community_id, resident.account_id, "Asia/Shanghai", "active", relation="self"
    )
    batch = Batch([identifier], [code], [value], [measured_at], [None])
    async with unit_of_work() as session:
        await keep(session, actor_of(resident), subject, source, batch)
    return identifier


async def stored(identifier: uuid.UUID | str) -> Reading:
    """Return a reading as it is kept now."""
    async with unit_of_work() as session:
        return (await session.scalars(sa.select(Reading).where(READINGS.c.id == uuid.UUID(str(identifier))))).one()


def actor_of(resident: Resident) -> Actor:
    """Return the resident as an actor."""
    return Actor(kind="account", id=resident.account_id, community_id=resident.community_id, resident_id=resident.id)


def given(value: float | str = 72, code: str = HEART_RATE, unit: str = "/min", **values: Any) -> dict[str, Any]:
    """Return a reading as an app sends it, measured now unless told otherwise."""
    return {"code": code, "value": value, "unit": unit, "measured_at": clock.now().isoformat(), **values}
