"""Readings as others than the app ask for them: each function takes the actor and checks them."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor, system_actor
from app.core.paging import Page, PageRequest
from app.identity.api import require_resident
from eldercare.vitals.schemas import ReadingPublic, ReadingQuery, ReadingsTaken
from eldercare.vitals.service import readings as _readings
from eldercare.vitals.views import readings as reading_views


async def reading(connection: AsyncConnection, actor: Actor, reading_id: uuid.UUID) -> tuple[uuid.UUID, ReadingPublic]:
    """Return a reading and whose it is; raises ``NotFound``, ``Forbidden`` without ``vitals:read``."""
    resident_id = await reading_views.whose(connection, reading_id)
    subject = await require_resident(connection, actor, resident_id, "vitals:read")
    return resident_id, await reading_views.reading(connection, actor, subject, reading_id)


async def readings_known(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, reading_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, ReadingPublic]:
    """Return those of some readings that are the resident's, by their ids; raises as ``readings``."""
    subject = await require_resident(connection, actor, resident_id, "vitals:read")
    return await reading_views.some_readings(connection, actor, subject, reading_ids)


async def readings(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, page: PageRequest, query: ReadingQuery
) -> Page[ReadingPublic]:
    """Return a page of a resident's readings that are wanted, the latest first.

    Raises ``NotFound``, ``Forbidden`` without ``vitals:read``.
    """
    subject = await require_resident(connection, actor, resident_id, "vitals:read")
    return await reading_views.list_readings(connection, actor, subject, page, query)


async def shared_readings(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    page: PageRequest,
    query: ReadingQuery,
) -> Page[ReadingPublic]:
    """Return a page of a resident's readings that are wanted, to whom somebody who may has shown it; with a trace.

    Whether that is so is for the caller to have asked.
    """
    subject = await require_resident(connection, system_actor(actor.community_id), resident_id, "vitals:read")
    return await reading_views.list_readings(connection, actor, subject, page, query)


async def record_readings(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, given: Sequence[Any]
) -> ReadingsTaken:
    """Keep readings of a resident, all or none of them, and judge what they mean.

    Raises ``NotFound``, ``Forbidden`` without ``vitals:write``, ``ResidenceEnded``, ``ReadingsRefused``,
    ``ReadingsContradict``.
    """
    subject = await require_resident(await session.connection(), actor, resident_id, "vitals:write")
    return await _readings.take(session, actor, subject, "atomic", given)
