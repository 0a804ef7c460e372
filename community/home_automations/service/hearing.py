"""How automations hear what happens, and the time: changes of a home, events of care, and deadlines."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, failures
from app.identity.api import whereabouts
from community.home_automations import repository
from community.home_automations.models import HomeAutomationRun
from community.home_automations.repository import Alive
from community.home_automations.rules.definitions import CareEvent, Definition, uses_sun, watched
from community.home_automations.rules.engine import Firing, advance
from community.home_automations.rules.limits import (
    FOLDS_WITHIN,
    LATEST,
    MOST_DEPTH,
    MOST_FOLDED,
    MOST_RUNS,
    RUNS_WITHIN,
    OffReason,
)
from community.home_automations.rules.memory import AVAILABILITY, Care, Change, Heard
from community.home_automations.rules.sun import Place
from community.home_automations.service.running import enter, perform, switch_off_by_itself
from community.home_commands.rules import fits
from community.home_states.schemas import StateChange

log = structlog.get_logger(__name__)

_MOMENTARY: Final = frozenset({"event", "button", "device_automation"})
"""Of these each report tells of something that happened, though it may read as the one before."""


async def trigger(session: AsyncSession, changes: Sequence[StateChange]) -> None:
    """Let automations hear what changed, in the unit of work that stores it; homes without any cost one look."""
    entity_ids = {change.entity_id for change in changes}
    if not entity_ids:
        return
    ids = await repository.concerned(session, entity_ids)
    if not ids:
        return
    depths = await _depths(session, changes, entity_ids)
    heard = [_change(change, depths.get((change.entity_id, change.attribute, change.new), 0)) for change in changes]
    await _each_for_itself(session, ids, lambda one: _of(one.definition, heard))


async def hear_care(session: AsyncSession, resident_id: uuid.UUID, event: CareEvent, at: datetime) -> None:
    """Let the automations of a resident's own homes hear what happened in their care."""
    ids = await repository.waiting_for_care(session, resident_id)
    if ids:
        await _each_for_itself(session, ids, lambda _: [Care(event, at)])


async def look(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let automations see what time it is: what was due fires."""
    await _advance(session, ids, lambda _: [], until=clock.now())


async def places(session: AsyncSession, homes: Mapping[uuid.UUID, str]) -> dict[uuid.UUID, Place]:
    """Return where the homes of residents are, by resident; ``homes`` are their time zones."""
    found = await whereabouts(await session.connection(), homes) if homes else {}
    return {one: Place(zone, *found.get(one, (None, None))) for one, zone in homes.items()}


async def _each_for_itself(
    session: AsyncSession, ids: Sequence[uuid.UUID], hears: Callable[[Alive], list[Heard]]
) -> None:
    """Let automations hear at once; where one fails, each alone: what a home says is stored whatever they do,
    and what happens in somebody's care reaches the others.
    """
    try:
        async with session.begin_nested():
            await _advance(session, ids, hears, until=None)
    except Exception as error:
        if failures.is_excused(error):
            raise
        if len(ids) == 1:
            log.error("home_automation_failed", automation_id=str(ids[0]), error=failures.code_of(error))  # noqa: TRY400 - a traceback may hold data
            return
        for one in ids:
            await _each_for_itself(session, [one], hears)


async def _advance(
    session: AsyncSession, ids: Sequence[uuid.UUID], hears: Callable[[Alive], list[Heard]], until: datetime | None
) -> None:
    rows = await repository.alive(session, ids)
    under_sun = {one.owner.resident_id: one.place.time_zone for one in rows if uses_sun(one.definition)}
    found = await places(session, under_sun)
    for one in rows:
        if uses_sun(one.definition):
            at = found[one.owner.resident_id]
            one.place = Place(one.place.time_zone, at.latitude, at.longitude)
        if not one.is_home_active:
            await _end(session, one, "home_closed", {"kind": "home"}, clock.now())
            continue
        for firing in advance(one.definition, one.place, one.memory, hears(one), until):
            if one.is_on:
                await _decide(session, one, firing)
    await repository.remember(session, [one for one in rows if one.is_on])


async def _decide(session: AsyncSession, one: Alive, firing: Firing) -> None:
    now = clock.now()
    if not firing.is_met:
        await _not_met(session, one, firing)
        return
    one.not_met = {}
    late = now - firing.at
    if late > LATEST:
        await _enter(session, one, firing, "too_late")
        return
    because: OffReason | None = None
    if firing.depth >= MOST_DEPTH:
        because = "loop"
    elif await repository.runs_since(session, one.owner.id, now - RUNS_WITHIN) >= MOST_RUNS:
        because = "too_many_runs"
    if because is not None:
        run = await _enter(session, one, firing, "stopped")
        one.is_on = False
        await switch_off_by_itself(session, one.owner, because, run)
        return
    if one.definition.again == "restart":
        await repository.stop_waiting(session, one.owner.id)
    run = await _enter(session, one, firing, "running")
    await perform(session, one.owner, run, one.definition.actions, 0, timedelta(0))


async def _not_met(session: AsyncSession, one: Alive, firing: Firing) -> None:
    """Write down that nothing was done; while nothing else happens, the same is only counted."""
    outcome = orjson.dumps([firing.index, [condition.holds for condition in firing.conditions]]).decode()
    last = one.not_met.pop(outcome, None)
    if last is None or firing.at - datetime.fromisoformat(last["since"]) >= FOLDS_WITHIN:
        run = await _enter(session, one, firing, "not_met")
        last = {"run_id": str(run.id), "since": firing.at.isoformat()}
    else:
        await repository.count_again(session, uuid.UUID(last["run_id"]), firing.at)
    kept = sorted(one.not_met.items(), key=lambda item: item[1]["since"])[-(MOST_FOLDED - 1) :]
    one.not_met = {**dict(kept), outcome: last}


async def _enter(session: AsyncSession, one: Alive, firing: Firing, state: str) -> HomeAutomationRun:
    return await enter(
        session,
        one.owner,
        state,
        fired_at=firing.at,
        trigger=firing.trigger(),
        conditions=[condition.as_json() for condition in firing.conditions],
        depth=firing.depth,
    )


async def _end(session: AsyncSession, one: Alive, because: OffReason, why: Mapping[str, str], at: datetime) -> None:
    one.is_on = False
    run = await enter(session, one.owner, "stopped", fired_at=at, trigger=why)
    await switch_off_by_itself(session, one.owner, because, run)


async def _depths(
    session: AsyncSession, changes: Sequence[StateChange], entity_ids: set[uuid.UUID]
) -> dict[tuple[uuid.UUID, str, str | None], int]:
    """Return how many automations led to each change that reads as what one of them told the thing to do."""
    told = await repository.expected(session, entity_ids, min(change.at for change in changes))
    found: dict[tuple[uuid.UUID, str, str | None], int] = {}
    for change in changes:
        for effect in told:
            if effect.entity_id == change.entity_id and _is_its(change, effect.expected):
                key = (change.entity_id, change.attribute, change.new)
                found[key] = max(effect.depth, found.get(key, 0))
    return found


def _is_its(change: StateChange, expected: Mapping[str, str]) -> bool:
    if not expected:
        return True
    wanted = expected.get(change.attribute)
    return wanted is not None and fits({change.attribute: wanted}, {change.attribute: change.new})


def _change(change: StateChange, depth: int) -> Change:
    return Change(
        entity_id=change.entity_id,
        attribute=change.attribute,
        value=change.new,
        number=change.number,
        at=change.at,
        is_fresh=change.is_fresh,
        is_event=change.is_fresh and change.component in _MOMENTARY,
        depth=depth,
    )


def _of(definition: Definition, heard: Sequence[Change]) -> list[Heard]:
    keys = watched(definition)
    entities = {entity_id for entity_id, _ in keys}
    return [
        one
        for one in heard
        if (one.entity_id, one.attribute) in keys or (one.attribute == AVAILABILITY and one.entity_id in entities)
    ]
