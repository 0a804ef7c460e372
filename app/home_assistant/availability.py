"""Whether a device can be reached, from what was heard at its availability topics."""

from collections.abc import Mapping
from typing import Any


def availability_topics(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the topics that say whether an entity can be reached."""
    listed = config.get("availability")
    if isinstance(listed, list):
        found = [one.get("topic") for one in listed if isinstance(one, dict)]
    else:
        found = [config.get("availability_topic")]
    return tuple(dict.fromkeys(topic for topic in found if isinstance(topic, str)))


def is_available(config: Mapping[str, Any], heard: Mapping[str, bool]) -> bool:
    """Say whether an entity can be reached, from what each of its topics said last, in the order heard.

    What has no such topic always can. Where all must agree, one that was never heard does not (``availability_mode``
    ``all``, ``any`` or, unless told otherwise, ``latest``).
    """
    topics = availability_topics(config)
    if not topics:
        return True
    mode = config.get("availability_mode")
    if mode == "all":
        return all(heard.get(topic, False) for topic in topics)
    if mode == "any":
        return any(heard.get(topic, False) for topic in topics)
    said = [is_so for topic, is_so in heard.items() if topic in topics]
    return bool(said) and said[-1]
