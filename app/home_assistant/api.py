"""The door of Home Assistant's format: what homes announce, report and are told, and what we announce there."""

from app.home_assistant.availability import is_available
from app.home_assistant.commands import arguments_schema, commands, publication
from app.home_assistant.discovery import read_discovery
from app.home_assistant.hub import hub_announcement, hub_call, hub_presence, hub_removal, hub_reports
from app.home_assistant.panel import panel
from app.home_assistant.reading import Reader, reader, topics_of
from app.home_assistant.shapes import (
    ATTRIBUTES,
    AVAILABILITY,
    MOST_TEXT,
    OFFLINE,
    ONLINE,
    STATE,
    DeviceConfig,
    Discovered,
    DiscoveryTopic,
    EntityConfig,
    HubMessage,
    NotPossible,
    NotUnderstood,
    Panel,
    Publication,
    Refused,
    Reported,
)
from app.home_assistant.statestream import (
    DESCRIBING,
    STREAM,
    hub_entity_of,
    statestream_announcement,
    statestream_told,
    statestream_topic,
)
from app.home_assistant.templates import Allowance
from app.home_assistant.topics import discovery_topic

__all__ = [
    "ATTRIBUTES",
    "AVAILABILITY",
    "DESCRIBING",
    "MOST_TEXT",
    "OFFLINE",
    "ONLINE",
    "STATE",
    "STREAM",
    "Allowance",
    "DeviceConfig",
    "Discovered",
    "DiscoveryTopic",
    "EntityConfig",
    "HubMessage",
    "NotPossible",
    "NotUnderstood",
    "Panel",
    "Publication",
    "Reader",
    "Refused",
    "Reported",
    "arguments_schema",
    "commands",
    "discovery_topic",
    "hub_announcement",
    "hub_call",
    "hub_entity_of",
    "hub_presence",
    "hub_removal",
    "hub_reports",
    "is_available",
    "panel",
    "publication",
    "read_discovery",
    "reader",
    "statestream_announcement",
    "statestream_told",
    "statestream_topic",
    "topics_of",
]
