"""When an automation fires: the one function that both the live home and a trial run go through.

Time goes by in the order of what happens: before a change is heard, whatever fell due until then fires; so that it
makes no difference in how many pieces a history is heard.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, assert_never

from app.core.recurrence import Recurrence, occurrences
from community.home_automations.rules.conditions import Outcome, judge
from community.home_automations.rules.definitions import (
    CareTrigger,
    Definition,
    NumericTrigger,
    Presence,
    PresenceTrigger,
    StateTrigger,
    SunTrigger,
    TimeTrigger,
    Trigger,
)
from community.home_automations.rules.memory import AVAILABILITY, Care, Change, Heard, Memory, Seen, Waiting
from community.home_automations.rules.sun import Place, next_event

_LOOKS_AHEAD: Final = timedelta(days=9)  # longer than a week: a weekday comes round, whatever the clocks do
_EVER: Final = date(1900, 1, 1)
_PRESENCE: Final = frozenset({"state", AVAILABILITY})
_BREATH: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Step:
    """A change, and how things were before it."""

    change: Change
    at: datetime
    before: Seen | None
    presence: str | None


@dataclass(frozen=True, slots=True)
class Firing:
    """A trigger's moment: which it was and why, and what became of the conditions then."""

    at: datetime
    index: int
    why: dict[str, Any]
    conditions: tuple[Outcome, ...]
    depth: int

    @property
    def is_met(self) -> bool:
        """Say whether the actions follow."""
        return all(one.holds is True for one in self.conditions)

    def trigger(self) -> dict[str, Any]:
        """Return what fired as the log keeps it."""
        return {"index": self.index, **self.why}


def begin(definition: Definition, place: Place, at: datetime, seen: Mapping[tuple[uuid.UUID, str], Seen]) -> Memory:
    """Return the memory of an automation that begins to look ``at`` an instant, and knows what things are then.

    What is there already fires nothing; what has to hold for a while holds from now on.
    """
    memory = Memory(at, dict(seen), [Waiting() for _ in definition.triggers])
    for trigger, waiting in zip(definition.triggers, memory.triggers, strict=True):
        match trigger:
            case TimeTrigger() | SunTrigger():
                waiting.due_at = _next(trigger, place, at)
            case StateTrigger():
                holds = trigger.from_ is None and _value(memory, trigger) == trigger.to
                _begin_held(waiting, trigger.held_for if holds else None, at)
            case NumericTrigger():
                number = _number(memory, trigger)
                waiting.is_armed = number is None or not trigger.is_beyond(number)
                if not waiting.is_armed and trigger.held_for is not None:
                    waiting.is_armed = True
                    _begin_held(waiting, trigger.held_for, at)
            case PresenceTrigger():
                holds = memory.presence(trigger.entity_ids) == trigger.becomes
                _begin_held(waiting, trigger.held_for if holds else None, at)
            case CareTrigger():
                pass
    return memory


def advance(
    definition: Definition, place: Place, memory: Memory, heard: Iterable[Heard], until: datetime | None = None
) -> list[Firing]:
    """Let ``memory`` hear what happened, in order, and time pass ``until`` an instant; return what fired."""
    fired: list[Firing] = []
    for one in heard:
        at = max(one.at, memory.at)  # what comes late is heard when it comes
        fired += _pass(definition, place, memory, at)
        fired += _hear(definition, place, memory, one, at)
    if until is not None:
        fired += _pass(definition, place, memory, until)
    return fired


def _pass(definition: Definition, place: Place, memory: Memory, until: datetime) -> list[Firing]:
    fired = []
    while (due_at := memory.next_at) is not None and due_at <= until:
        index = next(place_ for place_, one in enumerate(memory.triggers) if one.due_at == due_at)
        trigger, waiting = definition.triggers[index], memory.triggers[index]
        memory.at = max(memory.at, due_at)
        why = waiting.why or _why(trigger)
        conditions = judge(definition.conditions, place, memory, due_at)
        fired.append(Firing(due_at, index, why, conditions, waiting.depth))
        if isinstance(trigger, (TimeTrigger, SunTrigger)):
            waiting.due_at = _next(trigger, place, due_at)
        else:
            waiting.due_at, waiting.why, waiting.depth = None, {}, 0
            waiting.is_armed = not isinstance(trigger, NumericTrigger)
    memory.at = max(memory.at, until)
    return fired


def _hear(definition: Definition, place: Place, memory: Memory, one: Heard, at: datetime) -> list[Firing]:
    if isinstance(one, Care):
        return [
            Firing(at, index, _why(trigger), judge(definition.conditions, place, memory, at), depth=0)
            for index, trigger in enumerate(definition.triggers)
            if isinstance(trigger, CareTrigger) and trigger.event == one.event
        ]
    key = (one.entity_id, one.attribute)
    before = memory.seen.get(key)
    presences = [
        memory.presence(trigger.entity_ids) if isinstance(trigger, PresenceTrigger) else None
        for trigger in definition.triggers
    ]
    if before is None or before.value != one.value or one.is_event:
        memory.seen[key] = Seen(one.value, one.number, at)
    fired = []
    for index, trigger in enumerate(definition.triggers):
        why = _moved(trigger, memory.triggers[index], memory, _Step(one, at, before, presences[index]))
        if why is not None:
            fired.append(Firing(at, index, why, judge(definition.conditions, place, memory, at), one.depth))
    return fired


def _moved(trigger: Trigger, waiting: Waiting, memory: Memory, step: _Step) -> dict[str, Any] | None:
    """Return why a trigger fires at a change; set off, or take back, what it waits for."""
    of = (step.change.entity_id, step.change.attribute)
    match trigger:
        case StateTrigger() if (trigger.entity_id, trigger.attribute) == of:
            return _state_moved(trigger, waiting, step)
        case NumericTrigger() if (trigger.entity_id, trigger.attribute) == of:
            return _numeric_moved(trigger, waiting, step)
        case PresenceTrigger() if step.change.entity_id in trigger.entity_ids and step.change.attribute in _PRESENCE:
            return _presence_moved(trigger, waiting, memory.presence(trigger.entity_ids), step)
        case _:
            return None


def _state_moved(trigger: StateTrigger, waiting: Waiting, step: _Step) -> dict[str, Any] | None:
    old, new = step.before.value if step.before else None, step.change.value
    if old == new and not step.change.is_event:
        return None
    if trigger.to is not None and new != trigger.to:
        waiting.due_at, waiting.why = None, {}
        return None
    if trigger.from_ is not None and old != trigger.from_:
        return None
    return _fires(waiting, trigger.held_for, step, _why(trigger) | {"from": old, "to": new})


def _numeric_moved(trigger: NumericTrigger, waiting: Waiting, step: _Step) -> dict[str, Any] | None:
    number = step.change.number
    if number is None or not trigger.is_beyond(number):
        waiting.due_at, waiting.why = None, {}
        waiting.is_armed = waiting.is_armed or (number is not None and trigger.is_back(number))
        return None
    if not waiting.is_armed or waiting.due_at is not None:
        return None
    if trigger.held_for is None:
        waiting.is_armed = False
    return _fires(waiting, trigger.held_for, step, _why(trigger) | {"number": number})


def _presence_moved(
    trigger: PresenceTrigger, waiting: Waiting, now: Presence | None, step: _Step
) -> dict[str, Any] | None:
    if now != trigger.becomes:
        waiting.due_at, waiting.why = None, {}
        return None
    # Of whom it was not known where they were, none has come or gone by being heard of.
    if step.presence == now or (step.presence is None and trigger.held_for is None):
        return None
    return _fires(waiting, trigger.held_for, step, _why(trigger) | {"presence": now})


def _fires(waiting: Waiting, held_for: timedelta | None, step: _Step, why: dict[str, Any]) -> dict[str, Any] | None:
    """Return why a trigger fires at once; what has to hold first waits, from when it was heard of."""
    if held_for is None:
        return why if step.change.is_fresh else None
    waiting.due_at, waiting.depth, waiting.why = step.at + held_for, step.change.depth, why
    return None


def _begin_held(waiting: Waiting, held_for: timedelta | None, at: datetime) -> None:
    waiting.due_at = None if held_for is None else at + held_for


def _next(trigger: TimeTrigger | SunTrigger, place: Place, after: datetime) -> datetime | None:
    if isinstance(trigger, SunTrigger):
        return next_event(trigger.event, place, after, trigger.offset)
    weekly = Recurrence(times=(trigger.at,), weekdays=frozenset(trigger.weekdays), starts_on=_EVER)
    # A day at a time: what is far off is rarely asked for.
    start = after + _BREATH
    end = after + _LOOKS_AHEAD
    while start < end:
        found = occurrences(weekly, place.time_zone, start, start + timedelta(days=1), {})
        if found:
            return found[0].due_at
        start += timedelta(days=1)
    return None


def _value(memory: Memory, trigger: StateTrigger) -> str | None:
    seen = memory.seen.get((trigger.entity_id, trigger.attribute))
    return seen.value if seen else None


def _number(memory: Memory, trigger: NumericTrigger) -> float | None:
    seen = memory.seen.get((trigger.entity_id, trigger.attribute))
    return seen.number if seen else None


def _why(trigger: Trigger) -> dict[str, Any]:
    match trigger:
        case StateTrigger() | NumericTrigger():
            return {"kind": trigger.kind, "entity_id": str(trigger.entity_id)}
        case SunTrigger() | CareTrigger():
            return {"kind": trigger.kind, "event": trigger.event}
        case TimeTrigger():
            return {"kind": "time", "at": trigger.at.strftime("%H:%M")}
        case PresenceTrigger():
            return {"kind": "presence", "presence": trigger.becomes}
        case _:
            assert_never(trigger)
