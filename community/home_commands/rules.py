"""What may become of a command, what makes one riskier, and what a home must report for it to be done: pure decisions.

A door is never opened late: what is not sent within its time is not sent at all, and what may have been sent is not
sent again, unless doing it twice or late harms nobody.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal

from app.core.rate_limits import Rate
from community.home_commands.models import OPEN

Risk = Literal["safer", "plain", "riskier"]
Origin = Literal["person", "scene", "automation", "panel"]

WAKE: Final = "community.home_commands"
"""The wake-up channel of the gateways: there is something to be sent."""
CONNECTED: Final = "broker.connected"
"""The channel a gateway wakes when it has reached the broker."""

DEFAULT_TTL: Final = timedelta(seconds=30)
LONGEST_TTL: Final = timedelta(minutes=10)
SHORTEST_TTL: Final = timedelta(seconds=1)
CONFIRM_WITHIN: Final = timedelta(seconds=60)
"""How long whoever gave a riskier one has to say so once more."""
REPORT_WITHIN: Final = timedelta(minutes=2)
"""How long a home is waited for: a blind or a garage door takes half a minute to get there."""
LOOK_FIRST: Final = timedelta(seconds=3)
"""When it is looked for the first time whether the home stands so: of what stood so before it reports no change."""
LEASE: Final = timedelta(seconds=15)
"""How long one gateway may take to hand a command to the broker; then nobody knows whether it did."""
AT_ONCE: Final = timedelta(seconds=2)
"""How long after it was taken a command may leave: whoever was held up longer might undo what was done meanwhile."""
TRY_AGAIN: Final = timedelta(seconds=1)
PER_HOME: Final = Rate(30, timedelta(minutes=1))
"""Nobody's hand is faster; a program that has gone wild is."""
COUNTED_BEFORE: Final[frozenset[Origin]] = frozenset({"automation", "scene"})
"""Who gives several commands together counts them together."""
LIMITS: Final = {True: "home_commands", False: "home_commands_by_itself"}
"""Whether by a person: what a home does by itself, however wild, must not keep anybody from locking the door."""


class Action(StrEnum):
    """What moves a command from one state to another."""

    AGREE = "agree"
    TAKE = "take"
    PUT_BACK = "put_back"
    HAND_OVER = "hand_over"
    LOSE = "lose"
    REPEAT = "repeat"
    REPORT = "report"
    EXPIRE = "expire"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states an action leads where."""

    sources: frozenset[str]
    target: str


_ON_ITS_WAY: Final = frozenset({"sending", "uncertain", "sent"})

TRANSITIONS: Final[Mapping[Action, Transition]] = {
    Action.AGREE: Transition(frozenset({"awaiting_confirmation"}), "queued"),
    Action.TAKE: Transition(frozenset({"queued"}), "sending"),
    Action.PUT_BACK: Transition(frozenset({"sending"}), "queued"),
    Action.HAND_OVER: Transition(frozenset({"sending"}), "sent"),
    Action.LOSE: Transition(frozenset({"sending"}), "uncertain"),
    Action.REPEAT: Transition(frozenset({"sending"}), "queued"),
    Action.REPORT: Transition(_ON_ITS_WAY, "confirmed"),
    Action.EXPIRE: Transition(frozenset(OPEN), "expired"),
    Action.FAIL: Transition(frozenset(OPEN), "failed"),
}
"""The only table of states. A home may report before whoever sent a command has written down that it did."""


def after(state: str, action: Action) -> str | None:
    """Return the state ``action`` leads to from ``state``, or ``None`` if it is not allowed there."""
    transition = TRANSITIONS[action]
    return transition.target if state in transition.sources else None


def sources(action: Action) -> list[str]:
    """Return the states ``action`` leads on from, for conditional updates."""
    return sorted(TRANSITIONS[action].sources)


def target(action: Action) -> str:
    """Return the state ``action`` leads to."""
    return TRANSITIONS[action].target


def ttl(wished: timedelta | None) -> timedelta:
    """Return how long a command is good for: as wished, at least a second and at most ten minutes."""
    return min(max(wished or DEFAULT_TTL, SHORTEST_TTL), LONGEST_TTL)


def is_own_button(component: str, unique_id: str | None, config: Mapping[str, Any]) -> bool:
    """Say whether a button is one of our own panel's, as a hub tells of it, or a broker that lets us hear ourselves.

    Pressing it speaks for the resident: "I'm fine" is theirs to say, at the wall, and no automation's.
    """
    is_ours = "hearthline_" in (unique_id or "") or "hearthline/" in str(config.get("command_topic", ""))
    return component == "button" and is_ours


@dataclass(frozen=True, slots=True)
class Thing:
    """What a command is for, as far as its risk depends on it; ``names`` are those its makers and owners gave it."""

    component: str
    device_class: str | None = None
    role: str | None = None
    names: str = ""
    is_fahrenheit: bool = False
    is_temperature: bool = False
    """Whether what it is set to are degrees of a thermometer."""


_OFF: Final = frozenset({"turn_off", "lock", "close", "close_cover", "close_valve", "stop", "stop_cover", "stop_valve"})
_DOORS: Final = frozenset({"door", "garage", "garage_door", "gate"})
_OPENERS: Final = frozenset({"lock", "door", "valve", "stove"})
# A role tells of a stove; of what else gets hot only its name does.
_HOT: Final = (
    "stove",
    "oven",
    "hob",
    "cooktop",
    "cooker",
    "heater",
    "kochfeld",
    "backofen",
    "kettle",
    "iron",
    "boiler",
    "heizlüfter",
    "herd",
    "灶",
    "炉",
    "烤箱",
    "烤炉",
    "取暖",
    "电暖",
    "加热",
    "热水",
    "电热",
    "熨斗",
    "水壶",
)
_NOT_HOT: Final = ("environment", "environ")  # which the word "iron" hides in
_NAMED: Final = frozenset({"button", "number", "scene", "select", "switch", "text"})
"""Of these no class tells that they open a door: only what they are called does."""
_OPENS: Final = re.compile(
    r"\b(?:doors?|gates?|garage|locks?|unlock|latch|strike|opener)\b|"
    r"t(?:ü|ue)r\b|t(?:ü|ue)r(?:ö|oe)ffner|\btor\b|garagentor|schloss|门|锁|闸",
    re.IGNORECASE,
)
_OPENS_NOTHING: Final = re.compile(
    r"\b(?:child|key|keypad|button|screen)[ -]?lock\b|kindersicherung|\bdoor ?bell|t(?:ü|ue)rklingel|"
    r"童锁|门铃|门厅|门口|门廊",
    re.IGNORECASE,
)
# Not the word "ventilator": in German that is a fan.
_KEEPS_ALIVE: Final = re.compile(
    r"oxygen|sauerstoff|\bconcentrator|\b(?:c|bi)[ -]?pap\b|beatmung|dialys|life ?support|制氧|氧气|呼吸机|透析",
    re.IGNORECASE,
)
COLDEST: Final = 18.0
HOTTEST: Final = 28.0
"""Degrees Celsius a room may be set to without a second thought: below 18 it is unsafe for older people (WHO Housing
and health guidelines, 2018, recommendation on indoor cold), above 28 it is a heatwave indoors.
"""
HOTTEST_WATER: Final = 55.0
"""Degrees Celsius above which tap water scalds within half a minute."""


def risk(thing: Thing, command: str, arguments: Mapping[str, Any], *, smoke: bool = False) -> Risk:
    """Return how much harm a command can do: opening, heating and disarming more than the ordinary; the way back less.

    ``smoke`` says whether smoke or gas is reported in the home at that moment: then no siren is silenced by one tap.
    """
    if _is_riskier(thing, command, arguments, smoke=smoke):
        return "riskier"
    return "safer" if command in _OFF and thing.component not in ("climate", "water_heater") else "plain"


def _is_riskier(thing: Thing, command: str, arguments: Mapping[str, Any], *, smoke: bool) -> bool:
    if command in _OFF:
        is_missed = _KEEPS_ALIVE.search(thing.names) is not None or (smoke and thing.component == "siren")
        return command == "turn_off" and is_missed
    match thing.component:
        case "lock" | "valve" | "update" | "lawn_mower":
            return True
        case "cover":
            return _opens(thing, command, arguments)
        case "alarm_control_panel":
            return "disarm" in command
        case "climate" | "water_heater":
            return _is_extreme(thing, arguments)
        case _:
            return _is_known_to_harm(thing, arguments)


def _is_known_to_harm(thing: Thing, arguments: Mapping[str, Any]) -> bool:
    """Say so of what is no opener by its kind: by what it is taken for, what it is called, or how it is set."""
    if thing.role in _OPENERS or thing.component == "light":
        return thing.role in _OPENERS
    if thing.component in _NAMED and may_open(thing.names):
        return True
    sets_degrees = thing.component == "number" and thing.is_temperature
    return gets_hot(thing.names) or (sets_degrees and _is_extreme(thing, arguments))


def _opens(thing: Thing, command: str, arguments: Mapping[str, Any]) -> bool:
    is_named = thing.device_class is None and may_open(thing.names)
    if not is_named and (thing.device_class or "") not in _DOORS and thing.role not in _OPENERS:
        return False
    return not ("position" in command and arguments.get("position") == 0)


def may_open(names: str) -> bool:
    """Say whether what something is called tells that it opens a door, a gate or a lock."""
    return _OPENS.search(_OPENS_NOTHING.sub("", names.replace("_", " "))) is not None


def gets_hot(names: str) -> bool:
    """Say whether what something is called tells that it heats."""
    words = names.casefold()
    for harmless in _NOT_HOT:
        words = words.replace(harmless, "")
    return any(word in words for word in _HOT)


def _is_extreme(thing: Thing, arguments: Mapping[str, Any]) -> bool:
    """Say whether a temperature is set that is not lived in, or that scalds."""
    for name, value in arguments.items():
        if "temp" not in name and not (thing.is_temperature and name == "value"):
            continue
        degrees = _number(value)
        if degrees is None:
            return True
        celsius = (degrees - 32) / 1.8 if thing.is_fahrenheit else degrees
        if thing.component == "water_heater":
            if celsius > HOTTEST_WATER:
                return True
        elif not COLDEST <= celsius <= HOTTEST:
            return True
    return False


def needs_confirmation(risk: Risk, origin: Origin, *, is_agreed: bool) -> bool:
    """Say whether somebody must say so once more: not where the resident agreed to that very one beforehand."""
    return risk == "riskier" and not (origin == "automation" and is_agreed)


def is_refused(risk: Risk, *, by_person: bool, is_agreed: bool) -> bool:
    """Say whether nobody is there who could be asked once more, and nobody agreed beforehand."""
    return risk == "riskier" and not by_person and not is_agreed


_MOMENTARY: Final = frozenset({"press", "trigger", "send_message", "publish", "ring"})


def is_momentary(command: str, expected: Mapping[str, str]) -> bool:
    """Say whether a command leaves nothing behind that a home could report: having been handed over, it is done."""
    return command in _MOMENTARY or not expected


def may_repeat(risk: Risk) -> bool:
    """Say whether a command that may have been sent may be sent again: closing what is closed harms nobody."""
    return risk == "safer"


def after_crash(risk: Risk, expires_at: datetime, now: datetime) -> Action:
    """Return what becomes of a command that somebody took to send and did not live to say so."""
    return Action.REPEAT if may_repeat(risk) and now < expires_at else Action.LOSE


_TOLERANCES: Final[Mapping[str, float]] = {"brightness": 3.0, "position": 3.0, "current_position": 3.0, "tilt": 3.0}
"""In the attribute's own unit: dimmers and motors stop close to where they were told to."""


def fits(expected: Mapping[str, str], reported: Mapping[str, object]) -> bool:
    """Say whether a home reports all that was to come of a command."""
    return all(_is_same(name, value, reported.get(name)) for name, value in expected.items())


def _is_same(name: str, wanted: str, found: object) -> bool:
    if found is None:
        return False
    one, other = _number(wanted), _number(found)
    if one is not None and other is not None:
        return abs(one - other) <= _TOLERANCES.get(name, 0.05)
    return wanted.casefold() == str(found).casefold()


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number says so itself
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def why_not(*, home_state: str, is_silent: bool, entity_state: str, is_available: bool | None) -> str | None:
    """Return why nothing can be sent to a thing now, as a code, or ``None`` if it can.

    Of what was never heard to be available or not it is tried: not everything says so.
    """
    if home_state != "active":
        return "home_closed"
    if entity_state != "active":
        return "entity_removed"
    if is_silent:
        return "home_silent"
    return "unavailable" if is_available is False else None


def begins(why_not: str | None, *, waits: bool) -> str:
    """Return the state a command begins in: failed where nothing can reach the thing, else waiting or to be sent."""
    if why_not is not None:
        return "failed"
    return "awaiting_confirmation" if waits else "queued"
