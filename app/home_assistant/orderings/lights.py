"""Commands of lights, in each of Home Assistant's three ways to write them."""

from dataclasses import replace
from typing import Any, Final

import orjson

from app.home_assistant.orders import (
    Arguments,
    Order,
    Orders,
    Schema,
    has,
    number_from,
    published,
    rendered,
    word_among,
)
from app.home_assistant.readings.lights import BRIGHTNESS, KELVIN, brightness_from, kelvin_from
from app.home_assistant.shapes import STATE, Publication
from app.home_assistant.sources import Config, written
from app.home_assistant.wording import amount, setting, words

_TOPIC: Final = "command_topic"
_BRIGHTNESS: Final = number_from(1, 255)
_KELVIN: Final = number_from(1_000, 12_000)
_TRANSITION: Final = number_from(0, 3_600)


def light(config: Config) -> Orders:
    """Return the commands of a light: ``turn_on`` (brightness 1 to 255, warmth in kelvin, effect) and ``turn_off``."""
    if not has(config, _TOPIC):
        return {}
    schema = config.get("schema")
    if schema == "json":
        return _json(config)
    return _template(config) if schema == "template" else _topics(config)


def _own_brightness(config: Config, brightness: float) -> int:
    return max(1, round(brightness * amount(config, "brightness_scale", 255) / 255))


def _own_warmth(config: Config, kelvin: float) -> int:
    return round(kelvin) if config.get("color_temp_kelvin") is True else round(1_000_000 / kelvin)


def _expected(config: Config, arguments: Arguments, *, scaled: bool = True) -> dict[str, str]:
    # A light rounds to its own scale: what it reports then is not always what was asked for.
    expected = {STATE: "on"}
    if BRIGHTNESS in arguments:
        told = arguments[BRIGHTNESS]
        expected[BRIGHTNESS] = written(
            brightness_from(config)(_own_brightness(config, told)) if scaled else float(round(told))
        )
    if KELVIN in arguments:
        expected[KELVIN] = written(kelvin_from(config)(_own_warmth(config, arguments[KELVIN])))
    if "effect" in arguments:
        expected["effect"] = arguments["effect"]
    return expected


def _topics(config: Config) -> Orders:
    takes: dict[str, Schema] = {}
    if has(config, "brightness_command_topic"):
        takes[BRIGHTNESS] = _BRIGHTNESS
    if has(config, "color_temp_command_topic"):
        takes[KELVIN] = _KELVIN
    if has(config, "effect_command_topic"):
        takes["effect"] = word_among(words(config, "effect_list"))

    def turn_on(arguments: Arguments) -> Publication:
        on = published(config, _TOPIC, setting(config, "payload_on", "ON"), by="command_template")
        parts = [_part(config, name, value) for name, value in arguments.items()]
        kind = config.get("on_command_type")
        if kind == "brightness" and BRIGHTNESS in arguments:
            together = parts
        else:
            together = [on, *parts] if kind == "first" else [*parts, on]
        return replace(together[0], expected=_expected(config, arguments), then=tuple(together[1:]))

    off = setting(config, "payload_off", "OFF")
    return {
        "turn_on": Order(turn_on, takes),
        "turn_off": Order(lambda _: published(config, _TOPIC, off, by="command_template", expected={STATE: "off"})),
    }


def _part(config: Config, name: str, value: Any) -> Publication:
    if name in (BRIGHTNESS, KELVIN):
        what = "brightness" if name == BRIGHTNESS else "color_temp"
        own = _own_brightness(config, value) if name == BRIGHTNESS else _own_warmth(config, value)
        by = f"{what}_command_template"
        return published(config, f"{what}_command_topic", str(own), by=by, values={"value": own})
    return published(config, "effect_command_topic", value, by="effect_command_template")


def _json(config: Config) -> Orders:
    modes = set(words(config, "supported_color_modes"))
    takes: dict[str, Schema] = {"transition": _TRANSITION}
    if config.get("brightness", bool(modes - {"onoff"})) is True:
        takes[BRIGHTNESS] = _BRIGHTNESS
    if "color_temp" in modes:
        takes[KELVIN] = _KELVIN
    if config.get("effect") is True:
        takes["effect"] = word_among(words(config, "effect_list"))

    def turn_on(arguments: Arguments) -> Publication:
        told: dict[str, Any] = {STATE: "ON"}
        if BRIGHTNESS in arguments:
            told[BRIGHTNESS] = _own_brightness(config, arguments[BRIGHTNESS])
        if KELVIN in arguments:
            told["color_temp"] = _own_warmth(config, arguments[KELVIN])
        told |= {key: arguments[key] for key in ("effect", "transition") if key in arguments}
        return published(config, _TOPIC, orjson.dumps(told).decode(), expected=_expected(config, arguments))

    def turn_off(arguments: Arguments) -> Publication:
        told = orjson.dumps({STATE: "OFF", **arguments}).decode()
        return published(config, _TOPIC, told, expected={STATE: "off"})

    return {"turn_on": Order(turn_on, takes), "turn_off": Order(turn_off, {"transition": _TRANSITION})}


def _template(config: Config) -> Orders:
    on, off = config.get("command_on_template"), config.get("command_off_template")
    if not isinstance(on, str) or not isinstance(off, str):
        return {}
    takes: dict[str, Schema] = {"transition": _TRANSITION}
    if "brightness_template" in config:
        takes[BRIGHTNESS] = _BRIGHTNESS
    if "color_temp_template" in config:
        takes[KELVIN] = _KELVIN
    effects = words(config, "effect_list")
    if effects:
        takes["effect"] = word_among(effects)

    def turn_on(arguments: Arguments) -> Publication:
        values: dict[str, Any] = {key: value for key, value in arguments.items() if key != KELVIN}
        if BRIGHTNESS in values:
            values[BRIGHTNESS] = round(values[BRIGHTNESS])
        if KELVIN in arguments:
            values["color_temp"] = _own_warmth(config, arguments[KELVIN])
        payload = rendered(on, {STATE: "on", **values})
        return published(config, _TOPIC, payload, expected=_expected(config, arguments, scaled=False))

    def turn_off(arguments: Arguments) -> Publication:
        return published(config, _TOPIC, rendered(off, {STATE: "off", **arguments}), expected={STATE: "off"})

    return {"turn_on": Order(turn_on, takes), "turn_off": Order(turn_off, {"transition": _TRANSITION})}
