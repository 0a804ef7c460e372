"""Topics: which of them announce something, and which a configuration may name."""

import re
from typing import Final

from app.home_assistant.shapes import DiscoveryTopic

MOST_TOPIC: Final = 512
"""Characters; MQTT itself allows 65,535 bytes, no home needs them."""

_DISCOVERY: Final = re.compile(
    r"(?P<component>\w+)/(?:(?P<node_id>[a-zA-Z0-9_-]+)/)?(?P<object_id>[a-zA-Z0-9_-]+)/config", re.ASCII
)
_NOT_IN_TOPICS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f+#\ud800-\udfff]")


def discovery_topic(topic: str, prefix: str = "homeassistant") -> DiscoveryTopic | None:
    """Return what a topic announces, or nothing if it does not announce (Home Assistant's ``mqtt/discovery``)."""
    if len(topic) > MOST_TOPIC or not topic.startswith(f"{prefix}/"):
        return None
    found = _DISCOVERY.fullmatch(topic, len(prefix) + 1)
    if found is None:
        return None
    return DiscoveryTopic(found["component"], found["node_id"], found["object_id"])


def is_topic(value: str) -> bool:
    """Say whether something can be published at a topic: not empty, not too long, no wildcards, no ``$SYS``."""
    return 0 < len(value) <= MOST_TOPIC and not value.startswith("$") and _NOT_IN_TOPICS.search(value) is None
