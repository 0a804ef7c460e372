"""What warms, cools, airs and cleans a home, and what it tells of how it is set."""

from collections.abc import Callable
from typing import Final

from app.home_assistant.shapes import STATE, NotUnderstood, Reported
from app.home_assistant.sources import (
    Config,
    Source,
    Told,
    document,
    kept,
    numeric,
    on_and_off,
    one_of,
    plain,
    said,
    source,
)
from app.home_assistant.wording import amount, number_of, setting

_VACUUM_STATES: Final = ("cleaning", "docked", "paused", "idle", "returning", "error")
_CLIMATE_NUMBERS: Final = (
    ("current_temperature_topic", ("current_temperature_template",), "current_temperature"),
    ("current_humidity_topic", ("current_humidity_template",), "current_humidity"),
    ("temperature_state_topic", ("temperature_state_template",), "temperature"),
    ("temperature_high_state_topic", ("temperature_high_state_template",), "target_temp_high"),
    ("temperature_low_state_topic", ("temperature_low_state_template",), "target_temp_low"),
    ("target_humidity_state_topic", ("target_humidity_state_template",), "humidity"),
)
_CLIMATE_WORDS: Final = (
    ("mode_state_topic", ("mode_state_template",), STATE),
    ("action_topic", ("action_template",), "hvac_action"),
    ("fan_mode_state_topic", ("fan_mode_state_template",), "fan_mode"),
    ("preset_mode_state_topic", ("preset_mode_value_template",), "preset_mode"),
    ("swing_mode_state_topic", ("swing_mode_state_template",), "swing_mode"),
)


def climate(config: Config) -> list[Source]:
    """Return what a thermostat or an air conditioner tells: its mode is its state, temperatures in its own unit."""
    sources: list[Source] = []
    for topic, templates, role in _CLIMATE_NUMBERS:
        sources += source(config, topic, (*templates, "value_template"), role, numeric(role))
    for topic, templates, role in _CLIMATE_WORDS:
        sources += source(config, topic, (*templates, "value_template"), role, plain(role))
    return sources


def water_heater(config: Config) -> list[Source]:
    """Return what a boiler tells: its mode is its state."""
    return [found for found in climate(config) if found.roles & {STATE, "current_temperature", "temperature"}]


def fan(config: Config) -> list[Source]:
    """Return what a fan tells: whether it turns, how fast in per cent, and how."""
    turns = {
        setting(config, "payload_oscillation_on", "oscillate_on"): "on",
        setting(config, "payload_oscillation_off", "oscillate_off"): "off",
    }
    preset, percentage = "preset_mode", "percentage"
    return [
        *_is_on(config),
        *source(
            config,
            "percentage_state_topic",
            ("percentage_value_template",),
            percentage,
            _unless(config, "payload_reset_percentage", percentage, numeric(percentage, _share(config))),
        ),
        *source(
            config,
            "preset_mode_state_topic",
            ("preset_mode_value_template",),
            preset,
            _unless(config, "payload_reset_preset_mode", preset, plain(preset)),
        ),
        *source(
            config,
            "oscillation_state_topic",
            ("oscillation_value_template",),
            "oscillating",
            one_of("oscillating", turns),
        ),
        *source(config, "direction_state_topic", ("direction_value_template",), "direction", plain("direction")),
    ]


def humidifier(config: Config) -> list[Source]:
    """Return what a humidifier tells: whether it is on, what it aims at, its mode."""
    return [
        *_is_on(config),
        *source(
            config,
            "target_humidity_state_topic",
            ("target_humidity_state_template",),
            "humidity",
            _unless(config, "payload_reset_humidity", "humidity", numeric("humidity")),
        ),
        *source(
            config,
            "mode_state_topic",
            ("mode_state_template",),
            "mode",
            _unless(config, "payload_reset_mode", "mode", plain("mode")),
        ),
        *source(
            config,
            "current_humidity_topic",
            ("current_humidity_template",),
            "current_humidity",
            numeric("current_humidity"),
        ),
        *source(config, "action_topic", ("action_template",), "action", plain("action")),
    ]


def vacuum(config: Config) -> list[Source]:
    """Return what a robot that cleans tells: what it is doing, how fast, and its battery where it says so."""

    def read(text: str) -> Told:
        told = document(text)
        reported = []
        state, speed = said(told, STATE), said(told, "fan_speed")
        if state in _VACUUM_STATES:
            reported.append(Reported(STATE, state))
        if speed:
            reported.append(kept("fan_speed", speed))
        battery = number_of(told.get("battery_level"))
        if battery is not None:
            reported.append(Reported("battery_level", f"{battery:g}", battery))
        if not reported:
            raise NotUnderstood("unknown_payload")
        return tuple(reported)

    return source(config, "state_topic", ("value_template",), frozenset({STATE, "fan_speed", "battery_level"}), read)


def _is_on(config: Config) -> list[Source]:
    read = one_of(STATE, on_and_off(config))
    return source(config, "state_topic", ("state_value_template", "value_template"), STATE, read)


def _share(config: Config) -> Callable[[float], float]:
    least, most = amount(config, "speed_range_min", 1), amount(config, "speed_range_max", 100)
    return lambda own: float(max(0, min(100, round((own - least + 1) * 100 / (most - least + 1)))))


def _unless(config: Config, reset: str, role: str, read: Callable[[str], Told]) -> Callable[[str], Told]:
    word = setting(config, reset, "None")
    return lambda text: (Reported(role, None),) if text == word else read(text)
