"""Handing a person what is held about them; each time leaves an entry in the audit trail."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, privacy
from app.core.access import Actor
from app.identity.api import require_fresh_sign_in, resident_of_account
from app.policies.journeys.export.rules import bundle
from app.policies.journeys.export.schemas import ExportedTable, PersonalExport


async def all_of_oneself(session: AsyncSession, actor: Actor) -> PersonalExport:
    """Return everything about the actor, by table.

    Raises ``FreshSignInNeeded`` and ``SecondFactorNeeded``.
    """
    found = await _found(session, actor, "export:read")
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


async def bundle_of_oneself(session: AsyncSession, actor: Actor) -> dict[str, Any]:
    """Return the actor's health record as a FHIR R4 Bundle; raises as ``all_of_oneself``."""
    return bundle(await _found(session, actor, "export:read_fhir"), clock.new_id(), clock.now())


async def _found(session: AsyncSession, actor: Actor, action: str) -> dict[str, list[privacy.Row]]:
    await require_fresh_sign_in(session, actor)
    resident_id = await resident_of_account(session, actor.id)
    subjects: list[uuid.UUID] = [actor.id] if resident_id is None else [actor.id, resident_id]
    await audit.record(session, actor, action, resident_id=resident_id)
    return await privacy.export_subject(session, subjects)
