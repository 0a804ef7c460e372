"""Regimens and doses as clinics' own systems ask for them: each function takes the actor and checks them."""

import uuid
from collections.abc import Collection
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest
from app.core.problems import Forbidden, NotFound
from app.identity.api import require_resident
from eldercare.medication.schemas.entries import DoseEntry, DoseQuery, RegimenEntry, RegimenQuery
from eldercare.medication.views import entries

READ: Final = "medication:read"
_ONE: Final = PageRequest(1, None)


async def find_regimens(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, query: RegimenQuery, page: PageRequest
) -> Page[RegimenEntry]:
    """Return a page of a resident's regimens that are looked for, the last first; leaves a trace.

    Raises ``NotFound``, ``Forbidden`` without ``medication:read``.
    """
    subject = await require_resident(connection, actor, resident_id, READ)
    return await entries.regimens(connection, actor, subject, query, page)


async def find_doses(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, query: DoseQuery, page: PageRequest
) -> Page[DoseEntry]:
    """Return a page of a resident's settled doses that are looked for, those due last first; leaves a trace.

    Raises ``NotFound``, ``Forbidden`` without ``medication:read``.
    """
    subject = await require_resident(connection, actor, resident_id, READ)
    return await entries.doses(connection, actor, subject, query, page)


async def read_regimen(connection: AsyncConnection, actor: Actor, regimen_id: uuid.UUID) -> RegimenEntry:
    """Return a regimen; raises as ``find_regimens``."""
    for resident_id in await entries.regimens_residents(connection, [regimen_id]):
        query = RegimenQuery(ids=[regimen_id])
        for found in (await find_regimens(connection, actor, resident_id, query, _ONE)).items:
            return found
    raise NotFound


async def read_dose(connection: AsyncConnection, actor: Actor, dose_id: uuid.UUID) -> DoseEntry:
    """Return a dose of which it is known what came of it; raises as ``find_doses``."""
    for resident_id in await entries.doses_residents(connection, [dose_id]):
        for found in (await find_doses(connection, actor, resident_id, DoseQuery(ids=[dose_id]), _ONE)).items:
            return found
    raise NotFound


async def residents_of_regimens(
    connection: AsyncConnection, actor: Actor, ids: Collection[uuid.UUID]
) -> list[uuid.UUID]:
    """Return those whose regimens they are, of the residents whose medication the actor may see."""
    return await _visible(connection, actor, await entries.regimens_residents(connection, ids))


async def residents_of_doses(connection: AsyncConnection, actor: Actor, ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return those whose doses they are, of the residents whose medication the actor may see."""
    return await _visible(connection, actor, await entries.doses_residents(connection, ids))


async def _visible(connection: AsyncConnection, actor: Actor, residents: list[uuid.UUID]) -> list[uuid.UUID]:
    found = []
    for resident_id in residents:
        try:
            await require_resident(connection, actor, resident_id, READ)
        except (NotFound, Forbidden):
            continue
        found.append(resident_id)
    return found
