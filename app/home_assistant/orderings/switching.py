"""Commands of what is switched, pressed, set or chosen."""

from typing import Any, Final

import orjson

from app.home_assistant.orders import Arguments, Order, Orders, Schema, has, number_from, published, word_among
from app.home_assistant.shapes import MOST_TEXT, STATE, NotPossible, Publication
from app.home_assistant.sources import Config, written
from app.home_assistant.wording import amount, setting, words

_TOPIC: Final = "command_topic"
_TEMPLATE: Final = "command_template"
ARMED: Final = ("away", "home", "night", "vacation", "custom_bypass")


def fixed(
    config: Config, payload: str, expected: str | None, *, topic: str = _TOPIC, by: str | None = _TEMPLATE
) -> Order:
    """Return a command without arguments, after which the entity's state is ``expected``."""
    told = {STATE: expected} if expected is not None else {}
    return Order(lambda _: published(config, topic, payload, by=by, expected=told))


def on_off(config: Config) -> Orders:
    """Return the commands of what is on or off."""
    if not has(config, _TOPIC):
        return {}
    return {
        "turn_on": fixed(config, setting(config, "payload_on", "ON"), "on"),
        "turn_off": fixed(config, setting(config, "payload_off", "OFF"), "off"),
    }


def siren(config: Config) -> Orders:
    """Return the commands of a siren; without a template of its own it is told in JSON."""
    if not has(config, _TOPIC):
        return {}
    tones = words(config, "available_tones")
    takes: dict[str, Schema] = {"tone": word_among(tones)} if tones else {}
    if config.get("support_duration") is not False:
        takes["duration"] = number_from(1, 3_600)
    if config.get("support_volume_set") is not False:
        takes["volume_level"] = number_from(0, 1)

    def told(payload: str, state: str, by: str, arguments: Arguments) -> Publication:
        template = by if has(config, by) else _TEMPLATE
        bare = payload if has(config, template) else orjson.dumps({STATE: payload, **arguments}).decode()
        values = {STATE: payload, **arguments}
        return published(config, _TOPIC, bare, by=template, values=values, expected={STATE: state})

    on, off = setting(config, "payload_on", "ON"), setting(config, "payload_off", "OFF")
    return {
        "turn_on": Order(lambda arguments: told(on, "on", _TEMPLATE, arguments), takes),
        "turn_off": Order(lambda arguments: told(off, "off", "command_off_template", arguments)),
    }


def button(config: Config) -> Orders:
    """Return the command of a button; it has no state."""
    return {"press": fixed(config, setting(config, "payload_press", "PRESS"), None)} if has(config, _TOPIC) else {}


def scene(config: Config) -> Orders:
    """Return the command of a scene; it has no state."""
    on = setting(config, "payload_on", "ON")
    return {"turn_on": fixed(config, on, None, by=None)} if has(config, _TOPIC) else {}


def notify(config: Config) -> Orders:
    """Return the command of what shows or speaks a message."""
    return _setting(config, "send_message", "message", {"type": "string", "maxLength": MOST_TEXT}, None)


def number(config: Config) -> Orders:
    """Return the command of a number."""
    schema = number_from(amount(config, "min", 1), amount(config, "max", 100))
    return _setting(config, "set_value", "value", schema, STATE)


def text(config: Config) -> Orders:
    """Return the command of a text."""
    least, most = int(amount(config, "min", 0)), int(amount(config, "max", MOST_TEXT))
    return _setting(
        config, "set_value", "value", {"type": "string", "minLength": least, "maxLength": min(most, MOST_TEXT)}, STATE
    )


def select(config: Config) -> Orders:
    """Return the command of a choice."""
    return _setting(config, "select_option", "option", word_among(words(config, "options")), STATE)


def update(config: Config) -> Orders:
    """Return the command of what can be brought up to date, if that can be asked for from outside."""
    if not has(config, _TOPIC) or config.get("payload_install") is None:
        return {}
    return {"install": fixed(config, setting(config, "payload_install", ""), None, by=None)}


def alarm_control_panel(config: Config) -> Orders:
    """Return the commands of a home's own intruder alarm; one with a code is never disarmed from outside."""
    if not has(config, _TOPIC):
        return {}
    features = config.get("supported_features")
    modes = [mode for mode in ARMED if not isinstance(features, list) or f"arm_{mode}" in features]
    orders = {
        f"alarm_arm_{mode}": _action(config, f"ARM_{mode.upper()}", f"arm_{mode}", f"armed_{mode}") for mode in modes
    }
    if config.get("has_code") is True:
        return {} if config.get("code_arm_required", True) else orders
    return {**orders, "alarm_disarm": _action(config, "DISARM", "disarm", "disarmed")}


def _action(config: Config, default: str, name: str, state: str) -> Order:
    payload = setting(config, f"payload_{name}", default)
    values = {"action": payload, "code": None}
    return Order(lambda _: published(config, _TOPIC, payload, by=_TEMPLATE, values=values, expected={STATE: state}))


def _setting(config: Config, command: str, argument: str, schema: Schema, role: str | None) -> Orders:
    if not has(config, _TOPIC):
        return {}
    return {command: value_order(config, _TOPIC, _TEMPLATE, argument, schema, role)}


def value_order(config: Config, topic: str, template: str, argument: str, schema: Schema, role: str | None) -> Order:
    """Return a command that sets one thing, after which ``role`` says the same."""

    def make(arguments: Arguments) -> Publication:
        value = as_text(arguments[argument])
        values = {"value": as_typed(arguments[argument])}
        expected = {role: value} if role is not None else {}
        return published(config, topic, value, by=template, values=values, expected=expected)

    return Order(make, {argument: schema}, (argument,))


def as_typed(value: Any) -> Any:
    """Return an argument as a template is given it: a number without a fraction is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_text(value: Any) -> str:
    """Return an argument as it is published; raises ``NotPossible`` with ``bad_argument``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotPossible("bad_argument")
    return written(float(value))
