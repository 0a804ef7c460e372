"""Commands of what warms, cools, airs and cleans a home."""

from typing import Final

from app.home_assistant.orderings.switching import as_typed, fixed, on_off, value_order
from app.home_assistant.orders import YES_OR_NO, Arguments, Order, Orders, has, number_from, published, word_among
from app.home_assistant.shapes import STATE, NotPossible, Publication
from app.home_assistant.sources import Config, written
from app.home_assistant.wording import amount, setting, words

_HVAC_MODES: Final = ("auto", "off", "cool", "heat", "dry", "fan_only")
_HEATER_MODES: Final = ("off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance")
_VACUUM: Final = {
    "start": ("start", "cleaning"),
    "pause": ("pause", "paused"),
    "stop": ("stop", "idle"),
    "return_to_base": ("return_home", "returning"),
    "clean_spot": ("clean_spot", None),
    "locate": ("locate", None),
}
VACUUM_FEATURES: Final = ("start", "pause", "stop", "return_home", "clean_spot", "locate", "fan_speed")
_VACUUM_UNLESS_TOLD: Final = ("start", "stop", "return_home", "status", "battery", "clean_spot")
_TEMPERATURES: Final = (
    ("temperature", "temperature", "temperature"),
    ("target_temp_high", "temperature_high", "target_temp_high"),
    ("target_temp_low", "temperature_low", "target_temp_low"),
)
_CLIMATE_WORDS: Final = (
    ("set_fan_mode", "fan_mode", "fan_modes", ("auto", "low", "medium", "high")),
    ("set_preset_mode", "preset_mode", "preset_modes", ()),
    ("set_swing_mode", "swing_mode", "swing_modes", ("on", "off")),
)


def climate(config: Config) -> Orders:
    """Return the commands of a thermostat or an air conditioner; temperatures are in its own unit."""
    modes = words(config, "modes") or _HVAC_MODES
    orders = {**_power(config), **_temperature(config, 7, 35)}
    if has(config, "mode_command_topic"):
        orders["set_hvac_mode"] = _mode(config, "hvac_mode", modes)
        if "off" in modes and "turn_off" not in orders:
            orders["turn_off"] = fixed(config, "off", "off", topic="mode_command_topic", by="mode_command_template")
    for command, name, listed, default in _CLIMATE_WORDS:
        if has(config, f"{name}_command_topic"):
            schema = word_among(words(config, listed) or default)
            orders[command] = value_order(
                config, f"{name}_command_topic", f"{name}_command_template", name, schema, name
            )
    return {**orders, **_humidity(config, 30, 99)}


def water_heater(config: Config) -> Orders:
    """Return the commands of a boiler."""
    orders = {**_power(config), **_temperature(config, 43, 60)}
    if has(config, "mode_command_topic"):
        orders["set_operation_mode"] = _mode(config, "operation_mode", words(config, "modes") or _HEATER_MODES)
    return orders


def fan(config: Config) -> Orders:
    """Return the commands of a fan."""
    orders = on_off(config)
    if has(config, "percentage_command_topic"):
        orders["set_percentage"] = Order(
            lambda given: _percentage(config, given), {"percentage": number_from(0, 100)}, ("percentage",)
        )
    if has(config, "preset_mode_command_topic"):
        schema = word_among(words(config, "preset_modes"))
        orders["set_preset_mode"] = value_order(
            config, "preset_mode_command_topic", "preset_mode_command_template", "preset_mode", schema, "preset_mode"
        )
    if has(config, "oscillation_command_topic"):
        orders["oscillate"] = Order(
            lambda given: _oscillate(config, given), {"oscillating": YES_OR_NO}, ("oscillating",)
        )
    if has(config, "direction_command_topic"):
        schema = word_among(("forward", "reverse"))
        orders["set_direction"] = value_order(
            config, "direction_command_topic", "direction_command_template", "direction", schema, "direction"
        )
    return orders


def humidifier(config: Config) -> Orders:
    """Return the commands of a humidifier."""
    orders = {**on_off(config), **_humidity(config, 0, 100)}
    if has(config, "mode_command_topic"):
        schema = word_among(words(config, "modes"))
        orders["set_mode"] = value_order(config, "mode_command_topic", "mode_command_template", "mode", schema, "mode")
    return orders


def vacuum(config: Config) -> Orders:
    """Return the commands of a robot that cleans: those it says it has."""
    features = words(config, "supported_features") or _VACUUM_UNLESS_TOLD
    orders: Orders = {}
    if has(config, "command_topic"):
        orders = {
            command: fixed(config, setting(config, f"payload_{command}", command), state, by=None)
            for command, (feature, state) in _VACUUM.items()
            if feature in features
        }
    if has(config, "set_fan_speed_topic") and "fan_speed" in features:
        schema = word_among(words(config, "fan_speed_list"))
        orders["set_fan_speed"] = value_order(config, "set_fan_speed_topic", "", "fan_speed", schema, "fan_speed")
    return orders


def _power(config: Config) -> Orders:
    topic = "power_command_topic"
    if not has(config, topic):
        return {}
    on, off = setting(config, "payload_on", "ON"), setting(config, "payload_off", "OFF")
    by = "power_command_template"
    return {
        "turn_on": fixed(config, on, None, topic=topic, by=by),
        "turn_off": fixed(config, off, "off", topic=topic, by=by),
    }


def _mode(config: Config, argument: str, modes: tuple[str, ...]) -> Order:
    return value_order(config, "mode_command_topic", "mode_command_template", argument, word_among(modes), STATE)


def _temperature(config: Config, least: float, most: float) -> Orders:
    if config.get("temperature_unit") == "F":
        least, most = least * 9 / 5 + 32, most * 9 / 5 + 32
    schema = number_from(amount(config, "min_temp", least), amount(config, "max_temp", most))
    settable = {
        argument: (f"{name}_command_topic", f"{name}_command_template", role)
        for argument, name, role in _TEMPERATURES
        if has(config, f"{name}_command_topic")
    }
    if not settable:
        return {}

    def make(given: Arguments) -> Publication:
        if not given:
            raise NotPossible("missing_argument")
        parts = []
        for argument, value in given.items():
            topic, by, role = settable[argument]
            own = written(float(value))
            parts.append((published(config, topic, own, by=by, values={"value": as_typed(value)}), role, own))
        expected = {role: own for _, role, own in parts}
        (first, *_), *others = parts
        return Publication(first.topic, first.payload, expected=expected, then=tuple(other for other, *_ in others))

    needs = ("temperature",) if set(settable) == {"temperature"} else ()
    return {"set_temperature": Order(make, dict.fromkeys(settable, schema), needs)}


def _humidity(config: Config, least: float, most: float) -> Orders:
    topic = "target_humidity_command_topic"
    if not has(config, topic):
        return {}
    schema = number_from(amount(config, "min_humidity", least), amount(config, "max_humidity", most))
    order = value_order(config, topic, "target_humidity_command_template", "humidity", schema, "humidity")
    return {"set_humidity": order}


def _percentage(config: Config, given: Arguments) -> Publication:
    least, most = amount(config, "speed_range_min", 1), amount(config, "speed_range_max", 100)
    own = round(given["percentage"] * (most - least + 1) / 100 + least - 1)
    told = round((own - least + 1) * 100 / (most - least + 1))
    return published(
        config,
        "percentage_command_topic",
        str(own),
        by="percentage_command_template",
        values={"value": own},
        expected={"percentage": str(max(0, min(100, told)))},
    )


def _oscillate(config: Config, given: Arguments) -> Publication:
    state = "on" if given["oscillating"] else "off"
    payload = setting(config, f"payload_oscillation_{state}", f"oscillate_{state}")
    return published(
        config,
        "oscillation_command_topic",
        payload,
        by="oscillation_command_template",
        expected={"oscillating": state},
    )
