"""Handing a person what is held about them; each time leaves an entry in the audit trail."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any, Final

from app.core import audit, clock, privacy
from app.core.access import Actor
from app.core.database import reading, take_time, unit_of_work
from app.identity.api import agreed_grants, require_fresh_sign_in, resident_of_account
from app.policies.journeys.export.rules import TABLES, bundle
from app.policies.journeys.export.schemas import ExportedTable, PersonalExport

# Deliveries have no index by person, which would slow every notice of every morning: all of three months is read.
_LONGEST_STATEMENT: Final = timedelta(minutes=2)
_one_at_a_time = asyncio.Semaphore(1)
"""Of a process: requests need its other connections, and its memory."""


async def all_of_oneself(actor: Actor) -> PersonalExport:
    """Return everything about the actor, by table.

    Raises ``FreshSignInNeeded`` and ``SecondFactorNeeded``.
    """
    resident_id = await _admitted(actor, "export:read")
    async with _one_at_a_time, unit_of_work() as session:
        await take_time(session, _LONGEST_STATEMENT)
        found = await privacy.export_subject(session, _subjects(actor, resident_id))
    declared = {str(table.name): said for table, said in privacy.declarations().items()}
    return PersonalExport(
        exported_at=clock.now(),
        tables={
            name: ExportedTable(
                purpose=declared[name].purpose,
                basis=basis.label if (basis := declared[name].basis) else "",
                health_data=said.label if (said := declared[name].sensitive) else None,
                kept=declared[name].retention.in_words(),
                recipients=[recipient.value for recipient in declared[name].recipients],
                rows=rows,
            )
            for name, rows in found.items()
        },
    )


async def bundle_of_oneself(actor: Actor) -> dict[str, Any]:
    """Return the actor's health record as a FHIR R4 Bundle; raises as ``all_of_oneself``."""
    resident_id = await _admitted(actor, "export:read_fhir")
    async with _one_at_a_time, reading() as connection:
        found = await privacy.export_subject(connection, _subjects(actor, resident_id), TABLES)
        agreed = await agreed_grants(connection, resident_id) if resident_id else {}
    return bundle(found, agreed, clock.new_id(), clock.now())


async def _admitted(actor: Actor, action: str) -> uuid.UUID | None:
    """Return the id of the resident the actor is, if they are one; what follows is on record before it is read."""
    async with unit_of_work() as session:
        await require_fresh_sign_in(session, actor)
        resident_id = await resident_of_account(session, actor.id)
        await audit.record(session, actor, action, resident_id=resident_id)
    return resident_id


def _subjects(actor: Actor, resident_id: uuid.UUID | None) -> list[uuid.UUID]:
    return [actor.id] if resident_id is None else [actor.id, resident_id]
