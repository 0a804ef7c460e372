"""A configuration in whole words: short keys written out, the base topic put in, what means nothing left out."""

from collections.abc import Mapping
from typing import Any, Final

from app.home_assistant.abbreviations import DEVICE_SHORT_NAMES, KNOWN, ORIGIN_SHORT_NAMES, SHORT_NAMES
from app.home_assistant.shapes import NotUnderstood
from app.home_assistant.topics import is_topic

_BASE: Final = "~"
_APART: Final = frozenset({"device", "origin", "components"})
_IN_AVAILABILITY: Final = frozenset({"topic", "value_template", "payload_available", "payload_not_available"})
MOST_AVAILABILITIES: Final = 16


def whole_names(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with whole keys, ``device``, ``origin`` and each ``availability`` included."""
    whole = _renamed(config, SHORT_NAMES)
    if isinstance(whole.get("device"), dict):
        whole["device"] = _renamed(whole["device"], DEVICE_SHORT_NAMES)
    if isinstance(whole.get("origin"), dict):
        whole["origin"] = _renamed(whole["origin"], ORIGIN_SHORT_NAMES)
    availability = whole.get("availability")
    if isinstance(availability, dict):
        availability = [availability]
    if isinstance(availability, list):
        whole["availability"] = [_renamed(one, SHORT_NAMES) if isinstance(one, dict) else one for one in availability]
    return whole


def _renamed(config: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    # A whole name wins over the short one for the same thing.
    return {names.get(key, key): value for key, value in sorted(config.items(), key=lambda item: item[0] not in names)}


def with_topics(whole: Mapping[str, Any], within: str) -> dict[str, Any]:
    """Return what is known of a configuration, with whole topics; raises ``NotUnderstood`` with ``bad_topic``.

    ``~`` stands for the base topic at the beginning or the end of a topic. A topic that begins with ``within`` (the
    home's prefix, where devices speak to our broker themselves) loses it.
    """
    base = whole.get(_BASE)
    base = base if isinstance(base, str) else None
    config: dict[str, Any] = {}
    for key, value in whole.items():
        if key not in KNOWN or key in _APART or (value is None and not key.startswith("payload_")):
            continue
        if key == "availability":
            config[key] = _availabilities(value, base, within)
        elif key.endswith("topic"):
            config[key] = _topic(value, base, within)
        elif key == "code":
            config["has_code"] = True  # the code itself is the home's secret, and none of our business
        else:
            config[key] = value
    return config


def _topic(value: object, base: str | None, within: str) -> str:
    if not isinstance(value, str):
        raise NotUnderstood("bad_topic")
    if base is not None:
        if value.startswith(_BASE):
            value = base + value[1:]
        if value.endswith(_BASE):
            value = value[:-1] + base
    topic = value.removeprefix(within)
    if not is_topic(topic):
        raise NotUnderstood("bad_topic")
    return topic


def _availabilities(value: object, base: str | None, within: str) -> list[dict[str, Any]]:
    if (
        not isinstance(value, list)
        or len(value) > MOST_AVAILABILITIES
        or not all(isinstance(one, dict) for one in value)
    ):
        raise NotUnderstood("bad_availability")
    return [
        {
            key: _topic(given, base, within) if key == "topic" else given
            for key, given in one.items()
            if key in _IN_AVAILABILITY
        }
        for one in value
        if "topic" in one
    ]
