"""Taking what homes report, a batch at a time, and what time itself makes of it."""

import asyncio
import itertools
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.home_states.repository import storing
from community.home_states.rules.standing import Heard, Outcome, Standing, after_hour, pass_time, take
from community.home_states.rules.traits import Traits
from community.home_states.schemas import StateChange

_RANDOM_BITS: Final = 30
TURN: Final = 200
"""Entities that are looked at before others in the process get a turn: a danger may be among them."""
_counter = itertools.count(secrets.randbits(_RANDOM_BITS))


def _reading_id(at: datetime) -> uuid.UUID:
    """Return an id that leads with ``at``; those of one process and one instant sort as they were made."""
    tail = (next(_counter) & 0xFFFFFFFF) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    return clock.id_of(at, tail)


async def take_reports(
    session: AsyncSession, reports: Mapping[uuid.UUID, tuple[Traits, Sequence[Heard]]]
) -> list[StateChange]:
    """Store what entities reported, each in the order it was heard, and return what changed.

    Locks the entities' rows in the order of their ids until the transaction ends.
    """
    if not reports:
        return []
    ids = sorted(reports)
    standings = await storing.lock_states(session, ids)
    if len(standings) < len(ids):
        first = {entity_id: reports[entity_id][1][0].at for entity_id in ids if entity_id not in standings}
        await storing.add_states(session, first)
        standings |= await storing.lock_states(session, list(first))
    outcome = Outcome(_reading_id, clock.now())
    taken: list[tuple[Traits, Standing]] = []
    for number, entity_id in enumerate(ids, 1):
        if number % TURN == 0:
            await asyncio.sleep(0)
        standing = standings.get(entity_id)
        if standing is None:
            continue  # removed meanwhile
        traits, heard = reports[entity_id]
        for one in heard:
            take(traits, standing, one, outcome)
        if standing.is_changed or standing.is_touched:
            taken.append((traits, standing))
    await _store(session, taken, outcome)
    return outcome.changes


async def let_time_pass(session: AsyncSession, traits: Mapping[uuid.UUID, Traits]) -> list[StateChange]:
    """Let happen what is due of entities whose rows are locked; return what changed."""
    standings = await storing.lock_states(session, sorted(traits))
    now = clock.now()
    outcome = Outcome(_reading_id, now)
    for entity_id, standing in standings.items():
        pass_time(traits[entity_id], standing, now, outcome)
    await _store(session, [(traits[entity_id], standing) for entity_id, standing in standings.items()], outcome)
    return outcome.changes


async def _store(session: AsyncSession, taken: Sequence[tuple[Traits, Standing]], outcome: Outcome) -> None:
    await storing.write_states(session, taken)
    await storing.add_readings(session, outcome.readings)
    sum_ats = {entity_id: max(after_hour(since), outcome.now) for entity_id, (_, since) in outcome.sums.items()}
    await storing.ask_for_sums(session, outcome.sums, sum_ats)
