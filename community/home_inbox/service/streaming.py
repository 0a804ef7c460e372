"""What a home's Home Assistant tells of by itself (``mqtt_statestream``) is announced as a device would do it."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.home_assistant.api import STREAM, NotUnderstood, statestream_announcement
from community.home_devices.schemas import HeardConfig
from community.home_inbox.rules import Routes
from community.homes.views import HomeRow

Tried = dict[str, dict[str, dict[str, Any]]]
"""Per home's key and entity: what the registry is told of it."""


def announcements(
    homes: Mapping[str, HomeRow], routes: Mapping[str, Routes], said: Mapping[str, Sequence[tuple[str, bytes]]]
) -> tuple[list[HeardConfig], Tried]:
    """Return what is to be announced to homes' registries, of what they said at topics of ``mqtt_statestream``.

    What is announced otherwise too, as far as that can be known, is taken out of what is told of.
    """
    heard: list[HeardConfig] = []
    tried: Tried = {}
    for key, of_home in routes.items():
        home = homes[key]
        heard += [
            HeardConfig(home, _topic(home, entity_id), b"", is_retained=True) for entity_id in of_home.streams.twins
        ]
        news = of_home.streams.news(said.get(key, ()))
        if news:
            tried[key] = news
        for entity_id, told in news.items():
            try:
                message = statestream_announcement(entity_id, told, home.discovery_prefix)
            except NotUnderstood:
                continue  # the sun, a person, an automation: nothing of a home's
            heard.append(HeardConfig(home, message.topic, message.payload, is_retained=True))
    return heard, tried


def _topic(home: HomeRow, entity_id: str) -> str:
    domain, _, name = entity_id.partition(".")
    return f"{home.discovery_prefix}/{domain}/{STREAM}/{name}/config"
