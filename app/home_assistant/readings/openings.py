"""What locks, blinds, garage doors and valves tell; positions are per cent of open."""

from collections.abc import Callable
from typing import Final

from app.home_assistant.shapes import STATE, NotUnderstood, Reported
from app.home_assistant.sources import Config, Source, Told, numbered, one_of, said, source, text_or_document
from app.home_assistant.wording import amount, setting

POSITION: Final = "position"
TILT: Final = "tilt_position"
STOPPED: Final = "stopped"
_OPENING_STATES: Final = ("open", "opening", "closed", "closing")


def lock(config: Config) -> list[Source]:
    """Return whether a lock is locked, and whether it is jammed."""
    states = {
        setting(config, f"state_{state}", state.upper()): state
        for state in ("jammed", "locking", "unlocking", "unlocked", "locked")
    }
    return source(config, "state_topic", ("value_template",), STATE, one_of(STATE, states))


def cover(config: Config) -> list[Source]:
    """Return whether a blind, a curtain or a gate is open and how far.

    One that stopped and says how far it is open is known by that; another is just ``stopped``.
    """
    has_position = isinstance(config.get("position_topic"), str)
    states = {setting(config, f"state_{state}", state): state for state in _OPENING_STATES}
    stopped = setting(config, "state_stopped", STOPPED)
    if not has_position:
        states.setdefault(stopped, STOPPED)
    read_states = one_of(STATE, states)
    has_states = isinstance(config.get("state_topic"), str)

    def read_state(text: str) -> Told:
        return () if has_position and text == stopped else read_states(text)

    def read_position(text: str) -> Told:
        told = text_or_document(text) if text.startswith("{") else {POSITION: text}
        reported = _position(told.get(POSITION), _per_cent(config), with_state=not has_states)
        if told.get(TILT) is not None:
            reported += (numbered(TILT, told[TILT], _tilt(config)),)
        return reported

    def read_tilt(text: str) -> Told:
        return (numbered(TILT, text, _tilt(config)),)

    positions = frozenset({POSITION, TILT} if has_states else {POSITION, TILT, STATE})
    return [
        *source(config, "state_topic", ("value_template",), STATE, read_state),
        *source(config, "position_topic", ("position_template",), positions, read_position),
        *source(config, "tilt_status_topic", ("tilt_status_template",), TILT, read_tilt),
    ]


def valve(config: Config) -> list[Source]:
    """Return whether a valve is open, and how far where it says so."""
    reports_position = config.get("reports_position") is True
    states = {
        setting(config, f"state_{state}", state): state
        for state in (("opening", "closing") if reports_position else _OPENING_STATES)
    }
    read_states = one_of(STATE, states)

    def read(text: str) -> Told:
        told = text_or_document(text)
        state, position = said(told, STATE), told.get(POSITION)
        if position is None and reports_position and state not in states:
            position = state
        is_moving = state in states
        reported: Told = read_states(state) if state is not None and (is_moving or not reports_position) else ()
        if position is not None:
            reported += _position(position, _per_cent(config), with_state=not is_moving)
        if not reported:
            raise NotUnderstood("unknown_payload")
        return reported

    roles = frozenset({STATE, POSITION} if reports_position else {STATE})
    return source(config, "state_topic", ("value_template",), roles, read)


def _per_cent(config: Config) -> Callable[[float], float]:
    closed, opened = amount(config, "position_closed", 0), amount(config, "position_open", 100)
    return lambda own: float(max(0, min(100, round((own - closed) * 100 / (opened - closed)))))


def _tilt(config: Config) -> Callable[[float], float]:
    least, most = amount(config, "tilt_min", 0), amount(config, "tilt_max", 100)
    return lambda own: float(max(0, min(100, round((own - least) * 100 / (most - least)))))


def _position(told: object, per_cent: Callable[[float], float], *, with_state: bool) -> Told:
    position = numbered(POSITION, told, per_cent)
    if not with_state:
        return (position,)
    return position, Reported(STATE, "open" if position.number else "closed")
