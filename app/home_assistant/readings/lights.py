"""What lights tell, in each of Home Assistant's three ways to write it: topics of their own, JSON, or templates.

``brightness`` is from 0 to 255 and ``color_temp_kelvin`` in kelvin, whatever scale a light uses itself.
"""

from collections.abc import Callable
from typing import Any, Final

from app.home_assistant.shapes import STATE, NotUnderstood, Reported
from app.home_assistant.sources import (
    Config,
    Source,
    Told,
    document,
    kept,
    numbered,
    numeric,
    on_and_off,
    one_of,
    plain,
    said,
    source,
)
from app.home_assistant.wording import amount, number_of

BRIGHTNESS: Final = "brightness"
KELVIN: Final = "color_temp_kelvin"
_BRIGHTEST: Final = 255
_COLOURS: Final = ("rgb", "rgbw", "rgbww", "hs", "xy")


def light(config: Config) -> list[Source]:
    """Return what a light tells: whether it is on, how bright and warm, and its colour and effect where it has them."""
    schema = config.get("schema")
    if schema == "json":
        return _json(config)
    return _template(config) if schema == "template" else _topics(config)


def brightness_from(config: Config) -> Callable[[float], float]:
    """Return what makes 0 to 255 of a light's own scale."""
    scale = max(1.0, amount(config, "brightness_scale", _BRIGHTEST))
    return lambda own: float(max(0, min(_BRIGHTEST, round(own * _BRIGHTEST / scale))))


def kelvin_from(config: Config) -> Callable[[float], float]:
    """Return what makes kelvin of a light's own unit, which is mired unless it says otherwise."""
    if config.get("color_temp_kelvin") is True:
        return lambda own: float(round(own))
    return lambda own: float(round(1_000_000 / own))


def _topics(config: Config) -> list[Source]:
    sources = [
        *source(
            config,
            "state_topic",
            ("state_value_template", "value_template"),
            STATE,
            one_of(STATE, on_and_off(config)),
        ),
        *source(
            config,
            "brightness_state_topic",
            ("brightness_value_template",),
            BRIGHTNESS,
            numeric(BRIGHTNESS, brightness_from(config)),
        ),
        *source(
            config,
            "color_temp_state_topic",
            ("color_temp_value_template",),
            KELVIN,
            numeric(KELVIN, kelvin_from(config)),
        ),
    ]
    for name in (*_COLOURS, "effect", "color_mode"):
        role = f"{name}_color" if name in _COLOURS else name
        sources += source(config, f"{name}_state_topic", (f"{name}_value_template",), role, plain(role))
    return sources


def _json(config: Config) -> list[Source]:
    brightness, kelvin = brightness_from(config), kelvin_from(config)

    def read(text: str) -> Told:
        told = document(text)
        reported = []
        state = told.get(STATE, "")
        if state in ("ON", "OFF"):
            reported.append(Reported(STATE, state.lower()))
        elif state is None:
            reported.append(Reported(STATE, None))
        if told.get(BRIGHTNESS) is not None:
            reported.append(numbered(BRIGHTNESS, told[BRIGHTNESS], brightness))
        if told.get("color_temp") is not None:
            reported.append(numbered(KELVIN, told["color_temp"], kelvin))
        for name in ("effect", "color_mode"):
            found = said(told, name)
            if found:
                reported.append(kept(name, found))
        reported += _colour(told.get("color"))
        if not reported:
            raise NotUnderstood("unknown_payload")
        return tuple(reported)

    roles = frozenset({STATE, BRIGHTNESS, KELVIN, "effect", "color_mode", "rgb_color", "hs_color", "xy_color"})
    return source(config, "state_topic", (), roles, read)


def _colour(told: Any) -> list[Reported]:
    if not isinstance(told, dict):
        return []
    for role, keys in (("rgb_color", "rgb"), ("hs_color", "hs"), ("xy_color", "xy")):
        parts = [number_of(told.get(key)) for key in keys]
        if None not in parts:
            return [kept(role, ",".join(f"{part:g}" for part in parts))]
    return []


def _template(config: Config) -> list[Source]:
    sources = source(config, "state_topic", ("state_template",), STATE, one_of(STATE, {"on": "on", "off": "off"}))
    for template, role, read in (
        (
            "brightness_template",
            BRIGHTNESS,
            numeric(BRIGHTNESS, lambda own: float(max(0, min(_BRIGHTEST, round(own))))),
        ),
        ("color_temp_template", KELVIN, numeric(KELVIN, kelvin_from(config))),
        ("effect_template", "effect", plain("effect")),
    ):
        if template in config:
            sources += source(config, "state_topic", (template,), role, read)
    return [found for found in sources if found.template is not None]
