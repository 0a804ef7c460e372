"""Whether a condition holds at a moment, and what it saw: true, false, or not to be told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, assert_never

from community.home_automations.rules.definitions import (
    AllCondition,
    AnyCondition,
    Condition,
    NotCondition,
    NumericCondition,
    PresenceCondition,
    StateCondition,
    SunCondition,
    TimeCondition,
)
from community.home_automations.rules.memory import Memory
from community.home_automations.rules.sun import Place, height, local


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a condition: ``holds`` is empty where what it asks for is not known."""

    kind: str
    holds: bool | None
    saw: dict[str, Any] = field(default_factory=dict)
    parts: tuple["Outcome", ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as the log keeps it."""
        found: dict[str, Any] = {"kind": self.kind, "holds": self.holds, "saw": self.saw}
        return found | ({"parts": [one.as_json() for one in self.parts]} if self.parts else {})


def judge(conditions: Sequence[Condition], place: Place, memory: Memory, at: datetime) -> tuple[Outcome, ...]:
    """Return what becomes of each condition at an instant; an action needs every one of them to hold."""
    return tuple(_outcome(one, place, memory, at) for one in conditions)


def _outcome(one: Condition, place: Place, memory: Memory, at: datetime) -> Outcome:
    match one:
        case AllCondition():
            parts = judge(one.conditions, place, memory, at)
            return Outcome("all", _all([part.holds for part in parts]), parts=parts)
        case AnyCondition():
            parts = judge(one.conditions, place, memory, at)
            none_holds = _all([_not(part.holds) for part in parts])
            return Outcome("any", _not(none_holds), parts=parts)
        case NotCondition():
            parts = judge([one.condition], place, memory, at)
            return Outcome("not", _not(parts[0].holds), parts=parts)
        case _:
            return _simple(one, place, memory, at)


def _simple(
    one: StateCondition | NumericCondition | TimeCondition | SunCondition | PresenceCondition,
    place: Place,
    memory: Memory,
    at: datetime,
) -> Outcome:
    match one:
        case StateCondition():
            return _state(one, memory, at)
        case NumericCondition():
            return _numeric(one, memory)
        case TimeCondition():
            return _time(one, place, at)
        case SunCondition():
            stands = height(place, at)
            is_up = None if stands is None else stands > one.elevation
            return Outcome("sun", is_up if one.is_ == "up" else _not(is_up), {"elevation": stands})
        case PresenceCondition():
            found = memory.presence(one.entity_ids)
            return Outcome("presence", None if found is None else found == one.is_, {"presence": found})
        case _:
            assert_never(one)


def _state(one: StateCondition, memory: Memory, at: datetime) -> Outcome:
    seen = memory.known(one.entity_id, one.attribute)
    saw: dict[str, Any] = {"entity_id": str(one.entity_id), "value": seen.value if seen else None}
    if seen is None:
        return Outcome("state", None, saw)
    saw["since"] = seen.at.isoformat()
    holds = seen.value in one.is_ and (one.held_for is None or at - seen.at >= one.held_for)
    return Outcome("state", holds, saw)


def _numeric(one: NumericCondition, memory: Memory) -> Outcome:
    seen = memory.known(one.entity_id, one.attribute)
    number = seen.number if seen else None
    saw: dict[str, Any] = {"entity_id": str(one.entity_id), "number": number}
    if number is None:
        return Outcome("numeric", None, saw)
    holds = (one.above is None or number > one.above) and (one.below is None or number < one.below)
    return Outcome("numeric", holds, saw)


def _time(one: TimeCondition, place: Place, at: datetime) -> Outcome:
    here = local(place, at)
    wall = here.time().replace(fold=0)
    holds = _is_between(wall, one.after, one.before) and here.isoweekday() in one.weekdays
    return Outcome("time", holds, {"local": here.strftime("%H:%M"), "weekday": here.isoweekday()})


def _is_between(wall: time, after: time, before: time) -> bool:
    if after < before:
        return after <= wall < before
    return wall >= after or wall < before


def _all(held: Sequence[bool | None]) -> bool | None:
    if False in held:
        return False
    return None if None in held else True


def _not(holds: bool | None) -> bool | None:
    return None if holds is None else not holds
