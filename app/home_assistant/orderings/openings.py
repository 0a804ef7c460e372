"""Commands of locks, blinds, gates and valves."""

from typing import Final

from app.home_assistant.orderings.switching import fixed
from app.home_assistant.orders import Arguments, Order, Orders, has, number_from, published
from app.home_assistant.readings.openings import POSITION, TILT
from app.home_assistant.shapes import Publication
from app.home_assistant.sources import Config, written
from app.home_assistant.wording import amount, setting

_TOPIC: Final = "command_topic"
_PER_CENT: Final = number_from(0, 100)


def lock(config: Config) -> Orders:
    """Return the commands of a lock; one that asks for a code is only ever locked from outside."""
    if not has(config, _TOPIC):
        return {}
    orders = {"lock": fixed(config, setting(config, "payload_lock", "LOCK"), "locked")}
    if config.get("code_format") is not None:
        return orders
    orders["unlock"] = fixed(config, setting(config, "payload_unlock", "UNLOCK"), "unlocked")
    if config.get("payload_open") is not None:
        orders["open"] = fixed(config, setting(config, "payload_open", "OPEN"), None)
    return orders


def cover(config: Config) -> Orders:
    """Return the commands of a blind, a curtain or a gate; a payload that is null takes its command away."""
    orders: Orders = {}
    if has(config, _TOPIC):
        orders = _moves(config)
    if has(config, "set_position_topic"):
        orders["set_position"] = Order(lambda given: _set_position(config, given), {POSITION: _PER_CENT}, (POSITION,))
    if has(config, "tilt_command_topic"):
        orders["set_tilt_position"] = Order(lambda given: _set_tilt(config, given), {TILT: _PER_CENT}, (TILT,))
    return orders


def valve(config: Config) -> Orders:
    """Return the commands of a valve; one that reports its position is told positions."""
    if not has(config, _TOPIC):
        return {}
    if config.get("reports_position") is not True:
        return _moves(config)

    def to(position: float) -> Publication:
        own = _own(config, position)
        expected = {POSITION: written(position)}
        return published(config, _TOPIC, own, by="command_template", values={"value": int(own)}, expected=expected)

    orders = {
        "open": Order(lambda _: to(100)),
        "close": Order(lambda _: to(0)),
        "set_position": Order(lambda given: to(round(given[POSITION])), {POSITION: _PER_CENT}, (POSITION,)),
    }
    if config.get("payload_stop") is not None:
        orders["stop"] = fixed(config, setting(config, "payload_stop", "STOP"), None)
    return orders


def _moves(config: Config) -> Orders:
    ends = (("open", "open"), ("close", "closed"), ("stop", None))
    return {
        command: fixed(config, setting(config, f"payload_{command}", command.upper()), state)
        for command, state in ends
        if config.get(f"payload_{command}", "") is not None
    }


def _own(config: Config, position: float) -> str:
    closed, opened = amount(config, "position_closed", 0), amount(config, "position_open", 100)
    return str(round(closed + position * (opened - closed) / 100))


def _set_position(config: Config, given: Arguments) -> Publication:
    position = round(given[POSITION])
    values = {
        "value": int(_own(config, position)),
        POSITION: position,
        "position_open": amount(config, "position_open", 100),
        "position_closed": amount(config, "position_closed", 0),
    }
    return published(
        config,
        "set_position_topic",
        _own(config, position),
        by="set_position_template",
        values=values,
        expected={POSITION: str(position)},
    )


def _set_tilt(config: Config, given: Arguments) -> Publication:
    tilt = round(given[TILT])
    least, most = amount(config, "tilt_min", 0), amount(config, "tilt_max", 100)
    own = round(least + tilt * (most - least) / 100)
    return published(
        config,
        "tilt_command_topic",
        str(own),
        by="tilt_command_template",
        values={"value": own, TILT: tilt, "tilt_min": least, "tilt_max": most},
        expected={TILT: str(tilt)},
    )
