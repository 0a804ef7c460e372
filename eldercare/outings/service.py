"""Raising alarms for who is missing on a trip, each once, and ending them when it is known where they are."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import system_actor
from eldercare.alarms.repository import find_by_client_key
from eldercare.alarms.service import raise_alarms
from eldercare.outings import rules, views
from eldercare.outings.rules import Missing
from eldercare.signals.repository import take_turns
from eldercare.signals.service import stand_down


async def missing_on_trip(session: AsyncSession, missing: Sequence[Missing]) -> list[Missing]:
    """Raise an alarm for everyone in remote care who is missing, and return those who are not: others look for them.

    Told of again it changes nothing.
    """
    in_care = await views.in_remote_care(await session.connection(), {one.resident_id for one in missing})
    new = [
        one
        for one in sorted(missing, key=lambda one: one.id)  # in one order: each is a lock
        if one.resident_id in in_care and await find_by_client_key(session, one.resident_id, one.id) is None
    ]
    if new:
        await raise_alarms(session, [rules.signal(one) for one in new])
    return [one for one in missing if one.resident_id not in in_care]


async def found_on_trip(session: AsyncSession, found: Mapping[uuid.UUID, tuple[uuid.UUID, datetime]]) -> set[uuid.UUID]:
    """End the alarms of residents who are missing no longer: resident → how they go along, and since when.

    Returns those who are not in remote care: others have looked for them.
    """
    connection = await session.connection()
    looked_for = await views.looked_for(connection, found)
    if looked_for:
        await take_turns(session, looked_for)  # all of them before any alarm is locked
    for resident_id in sorted(looked_for):
        participation_id, at = found[resident_id]
        actor = system_actor(looked_for[resident_id])
        word = rules.found(participation_id, at)
        await stand_down(session, actor, resident_id, word=word, reason="found_on_trip")
    return found.keys() - await views.in_remote_care(connection, found)
