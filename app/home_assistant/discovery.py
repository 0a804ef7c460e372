"""Announcements of Home Assistant's MQTT discovery: one entity at a time, or a whole device with all of them."""

import math
from collections.abc import Mapping
from typing import Any, Final

from app.home_assistant.commands import commands
from app.home_assistant.documents import MOST_CONFIG, read_json
from app.home_assistant.expansion import whole_names, with_topics
from app.home_assistant.identity import key_of
from app.home_assistant.reading import topics_of
from app.home_assistant.shapes import (
    AVAILABILITY,
    DeviceConfig,
    Discovered,
    DiscoveryTopic,
    EntityConfig,
    NotUnderstood,
    Refused,
)
from app.home_assistant.wording import FREE_TEXT, is_plain, label, number_of, text_of, word

MOST_COMPONENTS: Final = 256

COMPONENTS: Final = frozenset(
    [
        "alarm_control_panel",
        "binary_sensor",
        "button",
        "climate",
        "cover",
        "device_automation",
        "device_tracker",
        "event",
        "fan",
        "humidifier",
        "light",
        "lock",
        "notify",
        "number",
        "scene",
        "select",
        "sensor",
        "siren",
        "switch",
        "tag",
        "text",
        "update",
        "vacuum",
        "valve",
        "water_heater",
    ]
)
WATCHING: Final = frozenset(
    ["assist_satellite", "camera", "conversation", "image", "media_player", "stt", "tts", "wake_word"]
)
"""What could see or hear the people of a home: never taken, only counted."""

_WITHOUT_UNIQUE_ID: Final = frozenset({"device_automation", "tag"})
_SHARED: Final = [
    "availability",
    "availability_mode",
    "availability_template",
    "availability_topic",
    "command_topic",
    "encoding",
    "payload_available",
    "payload_not_available",
    "qos",
    "state_topic",
]
_CATEGORIES: Final = frozenset({"config", "diagnostic"})


def read_discovery(topic: DiscoveryTopic, payload: bytes, *, within: str = "") -> Discovered:
    """Return what an announcement says.

    ``within`` is the home's prefix (``homes/<key>/``): where devices speak to our broker themselves it stands in their
    topics, and is taken off.

    Raises ``NotUnderstood`` with ``too_big``, ``not_json``, ``too_deep``, ``not_text``, ``not_an_object``,
    ``refused_component``, ``unknown_component``, ``too_many_components``, ``bad_topic``, ``bad_availability``,
    ``bad_device``, ``bad_unique_id``, ``missing_unique_id`` or ``nothing_to_do``.
    """
    if not payload:
        return Discovered(is_removal=True)
    document = read_json(payload, MOST_CONFIG)
    if not isinstance(document, dict):
        raise NotUnderstood("not_an_object")
    whole = whole_names(document)
    if whole.get("migrate_discovery") is True:
        return Discovered(migrates=True)
    if topic.component == "device":
        return _device_announced(topic, whole, within)
    device = _device(whole["device"]) if isinstance(whole.get("device"), dict) else None
    origin = _origin(whole)
    entity = _entity(topic.component, topic.object_id, topic.identity, whole, (origin, within))
    return Discovered(device=device, origin=origin, entities=(entity,))


def _device_announced(topic: DiscoveryTopic, whole: Mapping[str, Any], within: str) -> Discovered:
    described, components = whole.get("device"), whole.get("components")
    if not isinstance(described, dict) or not isinstance(components, dict):
        raise NotUnderstood("bad_device")
    if len(components) > MOST_COMPONENTS:
        raise NotUnderstood("too_many_components")
    device, origin = _device(described), _origin(whole)
    shared = {key: whole[key] for key in (*_SHARED, "~") if key in whole}
    entities: list[EntityConfig] = []
    removed: list[str] = []
    refused: list[Refused] = []
    for object_id, component in components.items():
        name = label(object_id)
        if name is None or not isinstance(component, dict):
            continue
        own = whole_names(component)
        platform = word(own.pop("platform", None)) or ""
        if platform and not own:
            removed.append(name)
            continue
        try:
            _require_unique_id(platform, own)
            identity = f"{topic.identity} {name}"
            entities.append(_entity(platform, name, identity, shared | own, (origin, within)))
        except NotUnderstood as problem:
            refused.append(Refused(platform, name, problem.code))
    return Discovered(
        device=device, origin=origin, entities=tuple(entities), removed=tuple(removed), refused=tuple(refused)
    )


def _require_unique_id(platform: str, own: Mapping[str, Any]) -> None:
    if platform in COMPONENTS and platform not in _WITHOUT_UNIQUE_ID and "unique_id" not in own:
        raise NotUnderstood("missing_unique_id", platform)


def _entity(
    component: str, object_id: str, identity: str, whole: Mapping[str, Any], told: tuple[str | None, str]
) -> EntityConfig:
    origin, within = told
    if component not in COMPONENTS:
        code = "refused_component" if component in WATCHING else "unknown_component"
        raise NotUnderstood(code, label(component))
    try:
        config = with_topics(whole, within)
        unique_id = _unique_id(config.pop("unique_id", None))
        as_written = with_topics(whole, "") if within else config
    except NotUnderstood as problem:
        raise NotUnderstood(problem.code, component) from None
    config.pop("platform", None)
    if not (topics_of(component, config).keys() - {AVAILABILITY}) and not commands(component, config):
        raise NotUnderstood("nothing_to_do", component)
    category = config.get("entity_category")
    return EntityConfig(
        component=component,
        object_id=object_id,
        unique_id=unique_id,
        key=key_of(unique_id, identity, as_written, origin),
        name=label(config.pop("name", None)),
        device_class=word(config.get("device_class")),
        state_class=word(config.get("state_class")),
        unit=label(config.get("unit_of_measurement")),
        category=category if isinstance(category, str) and category in _CATEGORIES else None,
        expire_after=_seconds(config.get("expire_after")),
        config=config,
    )


def _unique_id(value: object) -> str | None:
    text = text_of(value)
    if text is None:
        return None
    if not 0 < len(text) <= FREE_TEXT or not is_plain(text):
        raise NotUnderstood("bad_unique_id")
    return text


def _seconds(value: object) -> float | None:
    seconds = number_of(value)
    return seconds if seconds is not None and 0 < seconds < math.inf else None


def _origin(whole: Mapping[str, Any]) -> str | None:
    origin = whole.get("origin")
    return label(origin.get("name")) if isinstance(origin, dict) else None


def _device(described: Mapping[str, Any]) -> DeviceConfig:
    identifiers = described.get("identifiers")
    listed = identifiers if isinstance(identifiers, list) else [identifiers]
    known = tuple(dict.fromkeys(found for found in map(label, listed[:32]) if found))
    connections = tuple(dict.fromkeys(_connections(described.get("connections"))))
    if not known and not connections:
        raise NotUnderstood("bad_device")
    return DeviceConfig(
        identifiers=known,
        connections=connections,
        name=label(described.get("name")),
        manufacturer=label(described.get("manufacturer")),
        model=label(described.get("model")),
        hw_version=label(described.get("hw_version")),
        sw_version=label(described.get("sw_version")),
        serial_number=label(described.get("serial_number")),
        suggested_area=label(described.get("suggested_area")),
        via_device=label(described.get("via_device")),
    )


def _connections(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    found = []
    for pair in value[:32]:
        if isinstance(pair, list) and len(pair) == 2:
            kind, address = label(pair[0]), label(pair[1])
            if kind and address:
                found.append(f"{kind}:{address.lower() if kind == 'mac' else address}"[:FREE_TEXT])
    return found
