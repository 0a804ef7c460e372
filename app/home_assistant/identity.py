"""What an entity stays known by when its device is renamed, its topics change or its bridge gets another base topic."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_ZIGBEE: Final = re.compile(r"0x[0-9a-f]{16}_")


def key_of(unique_id: str | None, identity: str, config: Mapping[str, Any], origin: str | None) -> str:
    """Return the key of an entity within its home and component.

    It is its ``unique_id``. zigbee2mqtt's ends with the bridge's base topic, so that all its entities would come twice
    when that is changed: it is left out. What has no ``unique_id`` is known by where it was announced.
    """
    if unique_id is None:
        return identity
    if (origin or "").casefold() != "zigbee2mqtt" and not _ZIGBEE.match(unique_id):
        return unique_id
    for base in _bases(config):
        key = unique_id.removesuffix(f"_{base}")
        if key not in (unique_id, ""):
            return key
    return unique_id


def _bases(config: Mapping[str, Any]) -> Iterator[str]:
    topics = [value for key, value in config.items() if key.endswith("topic") and isinstance(value, str)]
    availability = config.get("availability")
    if isinstance(availability, list):
        topics += [str(one["topic"]) for one in availability if isinstance(one, dict) and "topic" in one]
    for topic in topics:
        parts = topic.split("/")
        for length in range(len(parts), 0, -1):
            yield "/".join(parts[:length])
