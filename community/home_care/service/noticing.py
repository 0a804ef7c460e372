"""What a batch of changes means: incidents, deadlines, who moved; in the unit of work that stores the changes."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.home_care import repository
from community.home_care.repository import Key
from community.home_care.rules import noticing as rules
from community.home_care.rules.acts import RANK, Act, Moved, Near, Raise, Settle, Unwatch, Watch
from community.home_care.rules.noticing import Surroundings
from community.home_care.rules.settings import Settings
from community.home_care.service.raising import raise_all, settle_all
from community.home_states.schemas import StateChange


@dataclass(slots=True)
class _Outcome:
    """What a batch comes to, whatever went on and off within it."""

    raised: dict[Key, Raise] = field(default_factory=dict)
    settled: dict[Key, None] = field(default_factory=dict)
    unwatched: dict[Key, None] = field(default_factory=dict)
    watched: dict[Key, Watch] = field(default_factory=dict)
    near: dict[tuple[uuid.UUID, uuid.UUID], datetime] = field(default_factory=dict)
    moved: dict[uuid.UUID, Moved] = field(default_factory=dict)
    everyday: dict[uuid.UUID, datetime] = field(default_factory=dict)


async def notice(session: AsyncSession, changes: Sequence[StateChange]) -> None:
    """Act on changes that were just stored: begin and end incidents, set and lift deadlines, tell who is about."""
    told = [one for one in changes if one.role in rules.ROLES and one.attribute == "state"]
    if not told:
        return
    homes = await repository.surroundings(session, {one.home_id for one in told})
    measured = [one.entity_id for one in told if one.role == "temperature"]
    units = await repository.units(session, measured) if measured else {}
    seen = {home_id: surroundings_of(row, units) for home_id, row in homes.items() if row.state == "active"}
    outcome = _Outcome()
    for change in told:
        home = seen.get(change.home_id)
        if home is not None:
            for act in rules.notice(change, home):
                _take(outcome, change.home_id, act, _open(homes[change.home_id]))
    await _write(session, homes, outcome)


def surroundings_of(row: Any, units: Mapping[uuid.UUID, str | None]) -> Surroundings:
    """Return what the rules ask of a home."""
    return Surroundings(
        zone=ZoneInfo(row.time_zone),
        lives_alone=row.lives_alone,
        settings=Settings.of(row.settings or {}),
        rooms={uuid.UUID(room_id): kind for room_id, kind in (row.rooms or {}).items()},
        seen_rooms=frozenset(row.seen_rooms or ()),
        units=units,
        usual_stay=(row.usual or {}).get("stay"),
        unattended={
            uuid.UUID(source): uuid.UUID(room) if room else None
            for kind, source, room in row.open or ()
            if kind == "stove_unattended"
        },
    )


def _open(row: Any) -> list[tuple[str, uuid.UUID]]:
    return [(kind, uuid.UUID(source)) for kind, source, _ in row.open or ()]


def _take(outcome: _Outcome, home_id: uuid.UUID, act: Act, is_open: Sequence[tuple[str, uuid.UUID]]) -> None:
    match act:
        case Raise() | Settle():
            _take_incident(outcome, home_id, act, is_open)
        case Watch():
            outcome.watched.setdefault(_key(home_id, act), act)
        case Unwatch():
            key = _key(home_id, act)
            outcome.unwatched[key] = None
            outcome.watched.pop(key, None)
        case Near():
            outcome.near[home_id, act.room_id] = act.check_at
        case Moved():
            outcome.moved[home_id] = act
            if act.is_everyday:
                outcome.everyday[home_id] = act.at


def _take_incident(
    outcome: _Outcome, home_id: uuid.UUID, act: Raise | Settle, is_open: Sequence[tuple[str, uuid.UUID]]
) -> None:
    key = _key(home_id, act)
    if isinstance(act, Raise):
        before = outcome.raised.get(key)
        if before is None or RANK[act.severity] > RANK[before.severity]:
            outcome.raised[key] = act
        outcome.settled.pop(key, None)
    elif key in outcome.raised or key[1:] in is_open:
        outcome.settled[key] = None


def _key(home_id: uuid.UUID, act: Raise | Settle | Watch | Unwatch) -> Key:
    return home_id, act.kind, act.entity_id or home_id


async def _write(session: AsyncSession, homes: Mapping[uuid.UUID, Any], outcome: _Outcome) -> None:
    await raise_all(session, homes, outcome.raised)
    if outcome.settled:
        await settle_all(session, list(outcome.settled), clock.now())
    if outcome.unwatched:
        await repository.unwatch(session, outcome.unwatched)
    if outcome.near:
        await repository.near(session, outcome.near)
    if outcome.watched:
        by_key = {key: homes[key[0]] for key in outcome.watched}
        await repository.watch(session, by_key, outcome.watched)
    if outcome.moved:
        await repository.moved(session, outcome.moved)
    if outcome.everyday:
        await repository.active(session, outcome.everyday, max(outcome.everyday.values()))
