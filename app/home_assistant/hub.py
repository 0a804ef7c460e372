"""What Home Assistant answers when it is asked itself (REST and WebSocket API): made into messages like a device's.

An entity is announced as a device would announce itself, below topics of its own (``hub/light/kitchen/…``) that nobody
else has; what it is told goes back as a call of one of Home Assistant's services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from app.home_assistant.commands import publication
from app.home_assistant.shapes import OFFLINE, ONLINE, HubMessage, NotUnderstood, Publication
from app.home_assistant.statestream import ASKED, TELLING, told_attributes, told_config
from app.home_assistant.wording import label, text_of, word

BASE: Final = ASKED
ORIGIN: Final = "Home Assistant"
HAPPENED_AT: Final = "happened_at"
"""The attribute of an event in which the hub says when it was, by its own clock."""
_PRESENCE: Final = f"{BASE}/status"


_COMMANDS: Final[dict[str, dict[str, Any]]] = {
    "button": {"command_topic": "press"},
    "climate": {
        "mode_command_topic": "set_hvac_mode",
        "temperature_command_topic": "set_temperature",
        "preset_mode_command_topic": "set_preset_mode",
        "fan_mode_command_topic": "set_fan_mode",
    },
    "cover": {"command_topic": "call", "set_position_topic": "set_position"},
    "fan": {"command_topic": "call", "percentage_command_topic": "set_percentage"},
    "humidifier": {"command_topic": "call", "target_humidity_command_topic": "set_humidity"},
    "light": {"command_topic": "call", "brightness_command_topic": "brightness", "color_temp_command_topic": "warmth"},
    "lock": {"command_topic": "call"},
    "number": {"command_topic": "call"},
    "scene": {"command_topic": "call"},
    "select": {"command_topic": "call"},
    "siren": {"command_topic": "call"},
    "switch": {"command_topic": "call"},
    "text": {"command_topic": "call"},
    "vacuum": {"command_topic": "call"},
    "valve": {"command_topic": "call"},
    "water_heater": {"mode_command_topic": "set_operation_mode", "temperature_command_topic": "set_temperature"},
}
_LISTED: Final = {
    "hvac_modes": "modes",
    "operation_list": "modes",
    "preset_modes": "preset_modes",
    "fan_modes": "fan_modes",
    "effect_list": "effect_list",
    "options": "options",
    "event_types": "event_types",
    "min": "min",
    "max": "max",
    "min_temp": "min_temp",
    "max_temp": "max_temp",
    "step": "step",
}
_SERVICES: Final = {
    ("cover", "open"): "open_cover",
    ("cover", "close"): "close_cover",
    ("cover", "stop"): "stop_cover",
    ("cover", "set_position"): "set_cover_position",
    ("cover", "set_tilt_position"): "set_cover_tilt_position",
    ("valve", "open"): "open_valve",
    ("valve", "close"): "close_valve",
    ("valve", "stop"): "stop_valve",
    ("valve", "set_position"): "set_valve_position",
}
_ALSO: Final = frozenset({"button", "scene"})


def hub_announcement(
    state: Mapping[str, Any], entry: Mapping[str, Any], device: Mapping[str, Any], prefix: str
) -> HubMessage:
    """Return the announcement of an entity, from its state and what the hub's registries know of it and its device.

    ``entry`` and ``device`` may be empty: then the entity is a device of its own. Raises ``NotUnderstood`` with
    ``unknown_component``, ``refused_component``, ``bad_topic`` or ``hidden`` (disabled or hidden in the hub).
    """
    entity_id, attributes = _names(state)
    domain, _, name = entity_id.partition(".")
    if entry.get("disabled_by") or entry.get("hidden_by"):
        raise NotUnderstood("hidden", domain)
    at = f"{BASE}/{domain}/{name}"
    if domain in _ALSO:
        config: dict[str, Any] = {}
    else:
        config = told_config(entity_id, BASE, attributes)
    config["availability"] = [*config.get("availability", ()), {"topic": _PRESENCE}]
    config["availability_mode"] = "all"
    config |= {key: f"{at}/{end}" for key, end in _COMMANDS.get(domain, {}).items()}
    for theirs, ours in _LISTED.items():
        if isinstance(attributes.get(theirs), list | int | float):
            config[ours] = attributes[theirs]
    if domain == "light":
        config = _of_light(config, attributes)
    if attributes.get("code_format") is not None:
        config["code_format"] = text_of(attributes["code_format"])
    category = word(entry.get("entity_category"))
    announced = {
        **config,
        "unique_id": f"{BASE}_{_lasting_id(entity_id, entry)}",
        "name": label(attributes.get("friendly_name")) or entity_id,
        "device": _device(entity_id, attributes, device),
        "origin": {"name": ORIGIN},
        **({"entity_category": category} if category else {}),
    }
    return HubMessage(f"{prefix}/{domain}/{BASE}/{name}/config", orjson.dumps(announced))


def hub_removal(entity_id: str, prefix: str) -> HubMessage:
    """Return what says that an entity is gone."""
    domain, _, name = entity_id.partition(".")
    return HubMessage(f"{prefix}/{domain}/{BASE}/{name}/config", b"")


def hub_presence(*, is_there: bool) -> HubMessage:
    """Return what says of all of a hub's entities at once whether it can be reached itself."""
    return HubMessage(_PRESENCE, (ONLINE if is_there else OFFLINE).encode())


def hub_reports(state: Mapping[str, Any], *, has_happened: bool, remembers: bool = False) -> list[HubMessage]:
    """Return what an entity reports: its state, and those of its attributes that are read.

    ``has_happened``: it is told as it changes, not only as it stands, so that an event is one. ``remembers``: what
    happened last is told too, with the hub's word for when that was: it may have been while nobody heard. Raises
    ``NotUnderstood``.
    """
    entity_id, attributes = _names(state)
    domain, _, name = entity_id.partition(".")
    if domain not in TELLING:
        return []
    at = f"{BASE}/{domain}/{name}"
    value = text_of(state.get("state"))
    if value is None:
        raise NotUnderstood("not_an_object", domain)
    told = [HubMessage(f"{at}/state", value.encode(errors="replace"))]
    if domain == "event" and (has_happened or remembers) and attributes.get("event_type"):
        happened = {"event_type": text_of(attributes["event_type"]), HAPPENED_AT: value}
        told += [HubMessage(f"{at}/event", orjson.dumps(happened))] if value not in ("unavailable", "unknown") else []
    told += [
        HubMessage(f"{at}/{key}", orjson.dumps(attributes[key]))
        for key in told_attributes(entity_id)
        if isinstance(attributes.get(key), str | int | float)
    ]
    return told


def hub_call(component: str, config: Mapping[str, Any], command: str, arguments: Mapping[str, Any]) -> Publication:
    """Return a command as the call of a service: its ``topic`` is ``hub/<domain>/<service>``, its payload the data.

    Raises ``NotPossible`` as ``publication`` does, for what the entity itself would not take.
    """
    made = publication(component, config, command, arguments)
    entity_id = f"{component}.{_object_of(made.topic)}"
    service = _SERVICES.get((component, command), command)
    data = orjson.dumps({"entity_id": entity_id, **arguments})
    return replace(made, topic=f"{BASE}/{component}/{service}", payload=data, then=(), retain=False)


def _of_light(config: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    modes = attributes.get("supported_color_modes")
    missing = []
    if isinstance(modes, list):
        missing += ["color_temp_command_topic"] if "color_temp" not in modes else []
        missing += ["brightness_command_topic"] if set(map(text_of, modes)) <= {"onoff", "unknown"} else []
    effects = {"effect_command_topic": f"{config['command_topic']}/effect"} if attributes.get("effect_list") else {}
    return {key: value for key, value in {**config, **effects}.items() if key not in missing}


def _object_of(topic: str) -> str:
    parts = topic.split("/")
    return parts[2] if len(parts) >= 4 and parts[0] == BASE else ""


def _names(state: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    entity_id, attributes = state.get("entity_id"), state.get("attributes")
    domain, _, name = entity_id.partition(".") if isinstance(entity_id, str) else ("", "", "")
    if word(domain) is None or word(name) is None:
        raise NotUnderstood("bad_topic", label(domain))
    return f"{domain}.{name}", attributes if isinstance(attributes, dict) else {}


def _lasting_id(entity_id: str, entry: Mapping[str, Any]) -> str:
    # An entity's id can be changed by whoever likes another; its platform and unique id cannot.
    platform, unique_id = label(entry.get("platform")), label(entry.get("unique_id"))
    return f"{platform}_{unique_id}"[:200] if platform and unique_id else entity_id


def _device(entity_id: str, attributes: Mapping[str, Any], device: Mapping[str, Any]) -> dict[str, Any]:
    known = label(device.get("id"))
    if known is None:
        return {"identifiers": [f"{BASE}_{entity_id}"], "name": label(attributes.get("friendly_name")) or entity_id}
    said = {
        "name": label(device.get("name_by_user")) or label(device.get("name")),
        "manufacturer": label(device.get("manufacturer")),
        "model": label(device.get("model")),
        "sw_version": label(device.get("sw_version")),
        "hw_version": label(device.get("hw_version")),
        "suggested_area": label(device.get("area")),
        "connections": _pairs(device.get("connections")),
    }
    return {"identifiers": [f"{BASE}_{known}"], **{key: value for key, value in said.items() if value}}


def _pairs(value: object) -> list[Sequence[str]]:
    if not isinstance(value, list):
        return []
    return [pair for pair in value if isinstance(pair, list) and len(pair) == 2 and all(map(label, pair))]
