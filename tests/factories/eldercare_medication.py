"""Medication for tests: regimens made through the service, and a look at what became of their doses."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.identity.api import ResidentSubject, require_resident
from app.identity.models import Account, Community, Resident
from eldercare.medication.models import DOSES, Regimen
from eldercare.medication.schemas.doses import AsNeededDose, DosePublic, DoseRecord
from eldercare.medication.schemas.regimens import RegimenChange, RegimenCreate
from eldercare.medication.service import recording, regimens, withdrawing
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import identity

SAID: dict[str, Any] = {
    "drug": {"name": "Metformin", "strength": "500 mg", "form": "tablet", "route": "oral"},
    "quantity": 1,
    "unit": "{tablet}",
    "timing": "times",
    "times": ["08:30"],
    "starts_on": "2026-01-01",
    "time_zone": "UTC",
    "dose_window": "PT1H",
    "reminders": ["PT20M"],
}
"""A tablet every day at 08:30 UTC, waited for an hour, with one more reminder after twenty minutes."""
AS_NEEDED: dict[str, Any] = {
    "drug": {"name": "Paracetamol"},
    "quantity": 1,
    "unit": "{tablet}",
    "timing": "as_needed",
    "starts_on": "2026-01-01",
    "min_interval": "PT4H",
    "daily_maximum": 3,
}
"""Up to three tablets within 24 hours, four hours apart."""


self_actor = check_ins.self_actor


def actor_of(person: Account) -> Actor:
    """Return a person without a residence or a membership as the one who acts."""
    return Actor(kind="account", id=person.id, community_id=person.community_id)


async def subject_of(resident: Resident, actor: Actor | None = None) -> ResidentSubject:
    """Return the resident as the subject of what ``actor`` (default: they themselves) does."""
    async with reading() as connection:
        return await require_resident(connection, actor or self_actor(resident), resident.id, "medication:read")


async def regimen(resident: Resident, *, body: dict[str, Any] | None = None, **changes: Any) -> Regimen:
    """Agree a regimen with the resident: see ``SAID``."""
    subject = await subject_of(resident)
    data = RegimenCreate.model_validate((body or SAID) | changes)
    async with unit_of_work() as session:
        return await regimens.create(session, self_actor(resident), subject, data)


async def change(resident: Resident, regimen_id: uuid.UUID, **changes: Any) -> Regimen:
    """Give a regimen a new version."""
    subject = await subject_of(resident)
    data = RegimenChange.model_validate(SAID | changes)
    async with unit_of_work() as session:
        return await regimens.change(session, self_actor(resident), subject, regimen_id, data, None)


async def record(
    resident: Resident, dose_id: uuid.UUID, status: str = "taken", *, by: Account | None = None, **more: object
) -> DosePublic:
    """Record what came of a dose, as the resident or as somebody else who gave it."""
    actor = actor_of(by) if by else self_actor(resident)
    how = {"how": "gave"} if by else {}
    data = DoseRecord.model_validate({"status": status, **how, **more})
    subject = await subject_of(resident, actor)
    async with unit_of_work() as session:
        return await recording.record(session, actor, subject, dose_id, data)


async def withdraw(resident: Resident, dose_id: uuid.UUID, *, by: Account | None = None) -> None:
    """Withdraw what was recorded of a dose, as the resident or as somebody else."""
    actor = actor_of(by) if by else self_actor(resident)
    subject = await subject_of(resident, actor)
    async with unit_of_work() as session:
        await withdrawing.withdraw(session, actor, subject, dose_id)


async def take(resident: Resident, regimen_id: uuid.UUID, **more: object) -> DosePublic:
    """Record a dose the resident took as needed."""
    data = AsNeededDose.model_validate(more)
    subject = await subject_of(resident)
    async with unit_of_work() as session:
        return await recording.record_as_needed(session, self_actor(resident), subject, regimen_id, data)


async def doses(resident: Resident | None = None) -> Sequence[sa.Row[Any]]:
    """Return the doses (of a resident), in the order due."""
    statement = sa.select(DOSES).order_by(DOSES.c.due_at, DOSES.c.id)
    if resident is not None:
        statement = statement.where(DOSES.c.resident_id == resident.id)
    async with reading() as connection:
        return (await connection.execute(statement)).all()


async def dose(dose_id: uuid.UUID) -> sa.Row[Any]:
    """Return one dose as it stands."""
    async with reading() as connection:
        return (await connection.execute(sa.select(DOSES).where(DOSES.c.id == dose_id))).one()


async def states(resident: Resident) -> list[str]:
    """Return day, time (UTC) and state of a resident's doses."""
    return [f"{row.due_at:%d %H:%M} {row.state}" for row in await doses(resident)]


async def relative(
    resident: Resident, *, name: str = "Daughter", scopes: Sequence[str] = ("medication:read", "medication:record")
) -> Account:
    """Insert somebody of the resident's circle whom they let see their medication and record doses."""
    async with unit_of_work() as session:
        place = await session.get_one(Community, resident.community_id)
    person = await identity.account(place, name=name)
    await check_ins.in_circle(resident, person)
    if scopes:
        await identity.grant(resident, person, list(scopes))
    return person


WINDOW = timedelta(hours=1)
