"""What devices announce and say, as files in ``samples``: written by us from the formats, with what is to be read."""

import json
from pathlib import Path
from typing import Any

from app.home_assistant.api import Discovered, EntityConfig, discovery_topic, read_discovery

SAMPLES = Path(__file__).parent / "samples"
NAMES = sorted(file.stem for file in SAMPLES.glob("*.json"))


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def payload(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def discovered(name: str) -> list[Discovered]:
    found = []
    for one in sample(name)["announcements"]:
        topic = discovery_topic(one["topic"])
        assert topic is not None
        found.append(read_discovery(topic, payload(one["payload"])))
    return found


def entities(name: str) -> dict[str, EntityConfig]:
    return {entity.object_id: entity for one in discovered(name) for entity in one.entities}


def announced(component: str, config: dict[str, Any], *, name: str = "thing") -> EntityConfig:
    topic = discovery_topic(f"homeassistant/{component}/{name}/config")
    assert topic is not None
    (entity,) = read_discovery(topic, json.dumps(config).encode()).entities
    return entity
