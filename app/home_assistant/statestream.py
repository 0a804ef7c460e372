"""Homes whose Home Assistant tells of its own entities: by ``mqtt_statestream``, or when it is asked over its own API.

Both have the same shape: a state and attributes for each entity, in Home Assistant's words and as JSON. They become
configurations like any device's, so that they are read, stored and noticed in the same way.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.home_assistant.shapes import HubMessage, NotUnderstood
from app.home_assistant.topics import is_topic
from app.home_assistant.wording import label, word, words

STREAM: Final = "statestream"
"""Below which a hub tells of its entities: its ``base_topic``, without the home's prefix."""
ASKED: Final = "hub"
"""Below which is told of what a hub says that is asked."""
DESCRIBING: Final = frozenset({"device_class", "friendly_name", "options", "state_class", "unit_of_measurement"})
MOST_SAID: Final = 4_096
"""Bytes of one attribute: of each entity all are kept at hand."""
TELLING: Final = frozenset(
    {
        "alarm_control_panel",
        "binary_sensor",
        "climate",
        "cover",
        "device_tracker",
        "event",
        "fan",
        "humidifier",
        "light",
        "lock",
        "number",
        "select",
        "sensor",
        "siren",
        "switch",
        "text",
        "vacuum",
        "valve",
        "water_heater",
    }
)
_WATCHING: Final = frozenset({"camera", "image", "media_player"})
_ON_OFF: Final = {"payload_on": "on", "payload_off": "off"}
_OURS: Final[dict[str, dict[str, str]]] = {
    "binary_sensor": _ON_OFF,
    "fan": _ON_OFF,
    "humidifier": _ON_OFF,
    "light": _ON_OFF,
    "siren": _ON_OFF,
    "switch": _ON_OFF,
    "lock": {f"state_{state}": state for state in ("locked", "locking", "unlocked", "unlocking", "jammed")},
    "device_tracker": {"payload_home": "home", "payload_not_home": "not_home"},
}
_STATE_TOPICS: Final = {"climate": "mode_state_topic", "water_heater": "mode_state_topic"}
_ATTRIBUTES: Final[dict[str, dict[str, str]]] = {
    "climate": {
        "current_temperature": "current_temperature",
        "temperature": "temperature_state",
        "hvac_action": "action",
        "preset_mode": "preset_mode_state",
        "fan_mode": "fan_mode_state",
    },
    "cover": {"current_position": "position", "current_tilt_position": "tilt_status"},
    "fan": {"percentage": "percentage_state", "preset_mode": "preset_mode_state"},
    "humidifier": {"humidity": "target_humidity_state", "mode": "mode_state"},
    "light": {"brightness": "brightness_state", "color_temp_kelvin": "color_temp_state", "effect": "effect_state"},
    "water_heater": {"current_temperature": "current_temperature", "temperature": "temperature_state"},
}
"""Per kind of entity: what its attributes are, by the name of the topic that a device of its own would have for it."""

_TEMPLATES: Final = {
    "action": "action_template",
    "position": "position_template",
    "tilt_status": "tilt_status_template",
    "current_temperature": "current_temperature_template",
    "temperature_state": "temperature_state_template",
    "fan_mode_state": "fan_mode_state_template",
    "target_humidity_state": "target_humidity_state_template",
    "mode_state": "mode_state_template",
}
_KNOWN_UNKNOWN: Final = "{{ 'None' if value == 'unknown' else value }}"
_REACHED: Final = "{{ 'offline' if value == 'unavailable' else 'online' }}"
_AS_IT_IS: Final = "{{ value_json }}"
_HAPPENED: Final = "event"


def statestream_topic(topic: str, base: str = STREAM) -> tuple[str, str] | None:
    """Return the entity (``light.kitchen``) and what of it (``state``, an attribute) a topic tells, or nothing."""
    parts = topic.removeprefix(f"{base}/").split("/")
    if not topic.startswith(f"{base}/") or len(parts) != 3 or word(parts[0]) is None or word(parts[1]) is None:
        return None
    domain, name, attribute = parts
    return (f"{domain}.{name}", attribute) if word(attribute) is not None else None


def statestream_told(attribute: str, payload: bytes) -> Any:
    """Return what an attribute (JSON) says of what an entity is, or nothing: not every attribute does."""
    if attribute not in DESCRIBING or len(payload) > MOST_SAID:
        return None
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if attribute == "options":
        return list(words({attribute: found}, attribute)) or None
    return label(found) if attribute in ("friendly_name", "unit_of_measurement") else word(found)


def statestream_announcement(entity_id: str, told: Mapping[str, Any], prefix: str) -> HubMessage:
    """Return the announcement of an entity that is told of below ``statestream/``: a device of its own, by its name.

    ``told`` is what `statestream_told` made of its attributes. It takes no command. What could watch or listen is
    announced without anything in it, so that it is refused and counted. Raises ``NotUnderstood`` with
    ``unknown_component`` or ``bad_topic``.
    """
    domain, _, name = entity_id.partition(".")
    topic = f"{prefix}/{domain}/{STREAM}/{name}/config"
    if domain in _WATCHING:
        return HubMessage(topic, b"{}")
    if domain == _HAPPENED:
        # Its last event is told again whenever the hub starts: somebody would seem to press a button.
        raise NotUnderstood("unknown_component", domain)
    config = told_config(entity_id, STREAM, told)
    called = told.get("friendly_name") or entity_id
    announced = {
        **config,
        "unique_id": f"{STREAM}_{entity_id}",
        "name": called,
        "device": {"identifiers": [f"{STREAM}_{entity_id}"], "name": called},
        "origin": {"name": "mqtt_statestream"},
    }
    return HubMessage(topic, orjson.dumps(announced, option=orjson.OPT_SORT_KEYS))


def hub_entity_of(topic: str, component: str, config: Mapping[str, Any]) -> tuple[str, bool] | None:
    """Return what Home Assistant itself calls an entity that was announced at ``topic``, as far as that can be known.

    And whether it is one of those that are only told of. What a device announces may wish for a name
    (``default_entity_id``, ``object_id``); what people renamed it to since is told by nobody.
    """
    node, name = topic.split("/")[-3:-1]
    # Any device may call itself so; only what we announced ourselves is told of there.
    told = {"topic": f"{node}/{component}/{name}/state", "value_template": _REACHED}
    if node in (STREAM, ASKED) and told in (config.get("availability") or ()):
        return f"{component}.{name}", node == STREAM
    wished = config.get("default_entity_id")
    if isinstance(wished, str) and wished.startswith(f"{component}."):
        return wished, False
    object_id = word(config.get("object_id"))
    return (f"{component}.{object_id}", False) if object_id else None


def told_config(entity_id: str, base: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration by which what is told of an entity below ``base`` is read; raises ``NotUnderstood``."""
    domain, _, name = entity_id.partition(".")
    if domain not in TELLING:
        raise NotUnderstood("refused_component" if domain in _WATCHING else "unknown_component", label(domain))
    at = f"{base}/{domain}/{name}"
    if not is_topic(f"{at}/state") or word(name) is None:
        raise NotUnderstood("bad_topic", domain)
    config: dict[str, Any] = {
        "availability": [{"topic": f"{at}/state", "value_template": _REACHED}],
        **_OURS.get(domain, {}),
    }
    if domain == "event":
        config["state_topic"] = f"{at}/{_HAPPENED}"
    elif domain in _STATE_TOPICS:
        config[_STATE_TOPICS[domain]] = f"{at}/state"
        config["mode_state_template"] = _KNOWN_UNKNOWN
    else:
        config["state_topic"] = f"{at}/state"
        config["value_template"] = _KNOWN_UNKNOWN
    for attribute, topic in _ATTRIBUTES.get(domain, {}).items():
        config[f"{topic}_topic"] = f"{at}/{attribute}"
        config[_TEMPLATES.get(topic, f"{topic.removesuffix('_state')}_value_template")] = _AS_IT_IS
    if domain == "light":
        config["color_temp_kelvin"] = True
    known = {
        "device_class": word(told.get("device_class")),
        "state_class": word(told.get("state_class")),
        "unit_of_measurement": label(told.get("unit_of_measurement")),
        "options": list(words(told, "options")) or None,
    }
    return config | {key: value for key, value in known.items() if value is not None}


def told_attributes(entity_id: str) -> tuple[str, ...]:
    """Return the attributes of an entity that are read, by Home Assistant's names."""
    return tuple(_ATTRIBUTES.get(entity_id.partition(".")[0], {}))
