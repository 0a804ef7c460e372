"""Where a home's message belongs: which of its entities listen at a topic, and how their reports are to be taken."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from app.home_assistant.api import (
    AVAILABILITY,
    DESCRIBING,
    STREAM,
    Allowance,
    Reader,
    hub_entity_of,
    is_available,
    reader,
    statestream_told,
    statestream_topic,
)
from community.home_states.rules.traits import CALLS, HAZARDS, Traits, gap_of, noise_of
from community.homes.views import HomeRow

PREFIX: Final = "homes/"
KEY_LENGTH: Final = 16
SEEN_EVERY: Final = timedelta(minutes=1)
LONGEST_OFF_DELAY: Final = 86_400.0
MOST_TRIED: Final = 2_000
"""Entities of one home that are remembered though there was no place for them."""
_BELOW_STREAM: Final = f"{STREAM}/"
_LOCAL_AT: Final = len(PREFIX) + KEY_LENGTH + 1
_MOST_TOPIC: Final = 512
_ORDERED_AT: Final = ("command_topic", "set_position_topic", "set_fan_speed_topic")
_OURS: Final = "/hearthline_"

Kind = Literal["config", "birth", "press", "state"]


class Known(NamedTuple):
    """An entity as it is read for the inbox."""

    entity_id: uuid.UUID
    home_id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    device_id: uuid.UUID
    component: str
    device_class: str | None
    state_class: str | None
    unit: str | None
    role: str | None
    room_id: uuid.UUID | None
    expire_after: timedelta | None
    config: dict[str, Any]
    name: str | None
    discovery_topic: str


class Route(NamedTuple):
    """An entity that listens at a topic."""

    traits: Traits
    reader: Reader


class Said(NamedTuple):
    """What a home said at a topic of no entity; the topic is without the home's prefix."""

    home: HomeRow
    topic: str
    payload: bytes
    is_retained: bool
    is_repeated: bool
    received_at: datetime


@dataclass(slots=True)
class Streams:
    """What is known of the entities that a home's Home Assistant only tells of (``mqtt_statestream``).

    ``told`` is what each says it is, ``others`` are the entities that are announced besides, by Home Assistant's names
    for them, and ``tried`` is what was announced to the registry without a change of it.
    """

    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    tried: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def twins(self) -> list[str]:
        """The entities told of that are announced besides: nobody wants to see them twice."""
        return [entity_id for entity_id in self.told if entity_id in self.others]

    def news(self, said: Iterable[tuple[str, bytes]]) -> dict[str, dict[str, Any]]:
        """Return the entities of which topics and payloads say something new, with all that is known of them."""
        found: dict[str, dict[str, Any]] = {}
        for local, payload in said:
            heard = statestream_topic(local) if payload else None
            if heard is None:
                continue
            entity_id, attribute = heard
            if entity_id in self.others or not (attribute == "state" or attribute in DESCRIBING):
                continue
            if entity_id not in found:
                found[entity_id] = dict(self.told.get(entity_id) or self.tried.get(entity_id) or {})
            value = statestream_told(attribute, payload)
            if value is not None:
                found[entity_id][attribute] = value
        return {entity_id: told for entity_id, told in found.items() if self._is_news(entity_id, told)}

    def note_tried(self, tried: Mapping[str, dict[str, Any]]) -> None:
        """Remember what the registry was told."""
        self.tried.update(tried)

    def _is_news(self, entity_id: str, told: Mapping[str, Any]) -> bool:
        for known in (self.told.get(entity_id), self.tried.get(entity_id)):
            if known is not None and known == told:
                return False
        return entity_id in self.told or entity_id in self.tried or len(self.tried) < MOST_TRIED


@dataclass(slots=True)
class Routes:
    """What a home's messages mean, as of a version of its registry; and when it was last said that it was heard."""

    version: int
    by_topic: dict[str, tuple[Route, ...]]
    urgent: frozenset[str]
    orders: frozenset[str]
    """Topics at which the home is told what to do; what is heard there, we may have said ourselves."""
    weight: int
    seen_at: dict[uuid.UUID, datetime] = field(default_factory=dict)
    batteries: dict[uuid.UUID, int] = field(default_factory=dict)
    streams: Streams = field(default_factory=Streams)


def split(topic: str) -> tuple[str, str] | None:
    """Return a topic's home and what the home itself calls it; nothing for what no home can have said."""
    if len(topic) <= _LOCAL_AT or len(topic) > _MOST_TOPIC or topic[_LOCAL_AT - 1] != "/":
        return None
    return topic[len(PREFIX) : _LOCAL_AT - 1], topic[_LOCAL_AT:]


def kind_of(local: str, discovery_prefix: str) -> Kind:
    """Say what a message is by its topic."""
    if local.startswith("hearthline/"):
        return "press"
    if local.startswith(discovery_prefix) and local[len(discovery_prefix) : len(discovery_prefix) + 1] == "/":
        if local.endswith("/config"):
            return "config"
        if local == f"{discovery_prefix}/status":
            return "birth"
    return "state"


def is_streamed(local: str) -> bool:
    """Say whether a topic is one of ``mqtt_statestream``."""
    return local.startswith(_BELOW_STREAM)


def is_ours(kind: Kind, local: str) -> bool:
    """Say whether we said a message ourselves: not all brokers keep from us what we say (MQTT 3.1.1, shared groups)."""
    return (kind == "press" and local.endswith(("/state", "/availability"))) or (kind == "config" and _OURS in local)


def traits_of(known: Known, topics: Mapping[str, frozenset[str]]) -> Traits:
    """Return how an entity's reports are to be taken, which come at ``topics``."""
    names = (
        known.home_id,
        known.community_id,
        known.resident_id,
        known.entity_id,
        known.device_id,
        known.component,
        known.device_class,
        known.role,
        known.room_id,
    )
    return Traits(
        entity_id=known.entity_id,
        home_id=known.home_id,
        resident_id=known.resident_id,
        device_id=known.device_id,
        names=names,
        is_hazard=known.role in HAZARDS,
        is_call=known.role in CALLS,
        is_battery=known.device_class == "battery" and known.component == "sensor",
        gap=gap_of(known.role, known.component, known.state_class, known.unit),
        noise=noise_of(known.device_class, known.state_class),
        expire_after=known.expire_after or None,
        off_delay=off_delay_of(known.component, known.config),
        is_available=_Availability(known.config, topics),
        counts_each=known.role in CALLS and known.config.get("force_update") is True,
    )


def routes_of(version: int, entities: Iterable[Known]) -> Routes:
    """Return what a home's messages mean; if its templates are too many, those of dangers and of old go first."""
    allowance = Allowance()
    by_topic: dict[str, list[Route]] = {}
    urgent: set[str] = set()
    told: dict[str, dict[str, Any]] = {}
    others: set[str] = set()
    orders: set[str] = set()
    weight = 1
    for known in sorted(entities, key=lambda one: (one.role not in HAZARDS, one.entity_id)):
        reads = reader(known.component, known.config, allowance)
        traits = traits_of(known, reads.topics)
        weight += 1
        orders.update(str(topic) for name, topic in known.config.items() if name.endswith(_ORDERED_AT))
        for topic in reads.topics:
            by_topic.setdefault(topic, []).append(Route(traits, reads))
        if traits.is_hazard:
            urgent.update(topic for topic, roles in reads.topics.items() if roles != {AVAILABILITY})
        named = hub_entity_of(known.discovery_topic, known.component, known.config)
        if named is not None and named[1]:
            told[named[0]] = _told_of(known, named[0])
        elif named is not None:
            others.add(named[0])
    return Routes(
        version,
        {topic: tuple(routes) for topic, routes in by_topic.items()},
        frozenset(urgent),
        frozenset(orders - by_topic.keys()),
        weight,
        streams=Streams(told, frozenset(others)),
    )


def _told_of(known: Known, entity_id: str) -> dict[str, Any]:
    told = {
        "friendly_name": None if known.name == entity_id else known.name,
        "device_class": known.device_class,
        "state_class": known.state_class,
        "unit_of_measurement": known.unit,
        "options": known.config.get("options"),
    }
    return {attribute: value for attribute, value in told.items() if value is not None}


def off_delay_of(component: str, config: Mapping[str, Any]) -> timedelta | None:
    """Return after how long a sensor that only ever says "on" is off again."""
    seconds = config.get("off_delay")
    if component != "binary_sensor" or isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return timedelta(seconds=min(float(seconds), LONGEST_OFF_DELAY)) if seconds > 0 else None


class _Availability:
    """Whether an entity can be reached; a topic that nothing was heard at says nothing against it.

    A shared subscription brings no retained messages: what was said before we came may never be heard.
    """

    __slots__ = ("_config", "_topics")

    def __init__(self, config: Mapping[str, Any], topics: Mapping[str, frozenset[str]]) -> None:
        names = ("availability", "availability_topic", "availability_mode")
        self._config = {name: config[name] for name in names if name in config}
        self._topics = tuple(topic for topic, roles in topics.items() if AVAILABILITY in roles)

    def __call__(self, heard: Mapping[str, bool]) -> bool:
        unheard = {topic: True for topic in self._topics if topic not in heard}
        return is_available(self._config, {**unheard, **heard})
