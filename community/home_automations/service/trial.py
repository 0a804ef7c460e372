"""Trying an automation on what a home did in the last days: what it would have done, and why not."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.identity.api import trace_read, whereabouts
from community.home_automations.access import HomeSubject
from community.home_automations.rules.definitions import Definition, care_events, uses_sun, walk, watched
from community.home_automations.rules.engine import Firing, advance, begin
from community.home_automations.rules.memory import Change, Memory
from community.home_automations.rules.sun import Place
from community.home_automations.schemas import TrialFiring, TrialGive, TrialPublic
from community.home_automations.service.checking import check
from community.home_automations.views.history import heard

_SHOWN: Final = 100
MOST_JUDGED: Final = 50_000
"""Conditions looked at in one trial: some seconds' work, and more than a busy week of an ordinary automation takes."""


@dataclass(slots=True)
class _Replayed:
    """What came of going through a history: the latest firings, how many there were, and whether it was all of it."""

    latest: deque[Firing] = field(default_factory=lambda: deque(maxlen=_SHOWN))
    fired: int = 0
    not_met: int = 0
    is_complete: bool = True

    def add(self, firings: Iterable[Firing]) -> None:
        for one in firings:
            self.latest.append(one)
            self.fired += one.is_met
            self.not_met += not one.is_met


async def attempt(connection: AsyncConnection, actor: Actor, home: HomeSubject, data: TrialGive) -> TrialPublic:
    """Return what an automation would have done, by the same rules as if it had been there; nothing happens.

    Raises ``Malformed`` for what the home does not have or cannot do.
    """
    definition = data.definition
    await check(connection, home, definition, "/body/definition")
    await trace_read(connection, actor, home.subject, "home_automation:try", home.id)
    until = clock.now()
    since = until - data.lasts
    place = Place(home.time_zone)
    if uses_sun(definition):
        found = await whereabouts(connection, [home.resident_id])
        place = Place(home.time_zone, *found.get(home.resident_id, (None, None)))
    keys = watched(definition)
    entity_ids = {entity_id for entity_id, attribute in keys if attribute == "state"}
    history = await heard(connection, home.id, home.resident_id, entity_ids, since, until)
    memory = begin(definition, place, since, history.seen)
    # A busy week takes a second to go through: others do not wait for it.
    found_out = await asyncio.to_thread(_replay, definition, place, memory, history.changes, until)
    not_replayed = [
        name
        for name, is_missing in (
            ("care", bool(care_events(definition))),
            ("attributes", any(attribute != "state" for _, attribute in keys)),
        )
        if is_missing
    ]
    return TrialPublic(
        since=since,
        until=until,
        fired=found_out.fired,
        not_met=found_out.not_met,
        firings=[_shown(one) for one in found_out.latest],
        not_replayed=not_replayed,
        is_complete=history.is_complete and found_out.is_complete,
    )


def _replay(
    definition: Definition, place: Place, memory: Memory, changes: Sequence[Change], until: datetime
) -> _Replayed:
    """Go through a history change by change, as far as that takes a bounded time."""
    found = _Replayed()
    each = 1 + sum(1 for _ in walk(definition.conditions))
    for one in changes:
        if (found.fired + found.not_met) * each >= MOST_JUDGED:
            found.is_complete = False
            return found
        found.add(advance(definition, place, memory, [one]))
    found.add(advance(definition, place, memory, [], until))
    return found


def _shown(one: Firing) -> TrialFiring:
    return TrialFiring(
        at=one.at,
        trigger=one.trigger(),
        conditions=[condition.as_json() for condition in one.conditions],
        is_met=one.is_met,
    )
