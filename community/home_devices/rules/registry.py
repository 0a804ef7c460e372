"""The registry of one home: what a hub's descriptions, in whatever order, make of its devices and entities.

Devices that share an identifier or a connection are one (as in Home Assistant's device registry). An entity is what
its component and its key say, whatever its topic. Of two live topics that describe the same entity the first has it;
the other waits until the first lets go.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from app.home_assistant.api import DeviceConfig, Discovered, EntityConfig

MOST_DEVICES: Final = 200
MOST_ENTITIES: Final = 2_000
MOST_REMOVED: Final = 2
"""So many times as many are known with those that are gone: they keep their ids in case they come back."""
MOST_ROOMS: Final = 50
MOST_TOPICS: Final = 2_200
MOST_IDENTIFIERS: Final = 64
MOST_WAITING: Final = 50
"""Descriptions kept because another topic has what they name."""
MOST_REFUSED: Final = 200
"""Descriptions remembered though they cannot be taken, so that they are read once."""
LIVE: Final = timedelta(days=1)
"""A topic of whose device nothing was heard for so long gives way to another that describes the same."""

_TOLD: Final = ("name", "manufacturer", "model", "sw_version", "hw_version")

NewId = Callable[[], uuid.UUID]


@dataclass(slots=True)
class Thing:
    """A device, as the registry knows it."""

    id: uuid.UUID
    identifiers: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    told: dict[str, str | None] = field(default_factory=dict)
    given_name: str | None = None
    room_id: uuid.UUID | None = None
    is_room_given: bool = False
    last_seen_at: datetime | None = None
    is_active: bool = True
    is_new: bool = False
    area: str | None = None
    """Where it says it is."""


@dataclass(slots=True)
class Part:
    """An entity, as the registry knows it; ``told`` is what was said of it just now."""

    id: uuid.UUID
    component: str
    key: str
    device_id: uuid.UUID
    topic: str
    object_id: str
    is_active: bool = True
    is_new: bool = False
    told: EntityConfig | None = None


@dataclass(slots=True)
class Topic:
    """What was last heard at a topic that describes something."""

    topic: str
    digest: bytes
    heard_at: datetime
    state: str = "taken"
    payload: bytes | None = None
    device_id: uuid.UUID | None = None


@dataclass(slots=True)
class Room:
    """For how much more there is room in the registry."""

    devices: int = MOST_DEVICES
    entities: int = MOST_ENTITIES
    new_devices: int = MOST_DEVICES * MOST_REMOVED
    new_entities: int = MOST_ENTITIES * MOST_REMOVED
    waiting: int = MOST_WAITING
    refused: int = MOST_REFUSED


@dataclass(frozen=True, slots=True)
class Told:
    """A description as it was heard at a topic, and what it says; ``is_whole``: it tells of a device with its parts."""

    topic: str
    digest: bytes
    payload: bytes
    found: Discovered
    is_whole: bool = False


class Registry:
    """What is known of a home's devices: as much of it as some descriptions have to do with, and what became of it."""

    def __init__(
        self,
        things: Iterable[Thing],
        parts: Iterable[Part],
        topics: Iterable[Topic],
        *,
        now: datetime,
        new_id: NewId,
        room: Room | None = None,
    ) -> None:
        self.things = {thing.id: thing for thing in things}
        self.parts = {(part.component, part.key): part for part in parts}
        self._parts_at: defaultdict[str, dict[tuple[str, str], None]] = defaultdict(dict)
        """The entities that were ever described at a topic; they may be another's by now."""
        for key, part in self.parts.items():
            self._parts_at[part.topic][key] = None
        self.topics = {topic.topic: topic for topic in topics}
        self.room = room or Room()
        self.changed_things: set[uuid.UUID] = set()
        self.touched_things: set[uuid.UUID] = set()
        """Those that gained or lost an entity: whether they are still there is for their entities to say."""
        self.changed_parts: set[tuple[str, str]] = set()
        self.changed_topics: set[str] = set()
        self.forgotten_topics: set[str] = set()
        self.merged: dict[uuid.UUID, uuid.UUID] = {}
        """Devices that turned out to be another one, and which."""
        self.is_released = False
        """Whether a topic let go of something that another may wait for."""
        self.refused: Counter[str] = Counter()
        self.refusals: dict[str, str] = {}
        self._now = now
        self._new_id = new_id
        self._names: dict[tuple[str, str], uuid.UUID] = {}
        for thing in self.things.values():
            self._index(thing)

    @property
    def is_changed(self) -> bool:
        """Whether devices or entities are other than before."""
        return bool(self.changed_things or self.changed_parts or self.merged)

    def take(self, told: Iterable[Told]) -> None:
        """Take descriptions: what is gone first, so that what follows finds its place free."""
        described = []
        for one in told:
            if one.found.is_removal:
                self._remove(one.topic)
            elif one.found.migrates:
                self._migrate(one)
            else:
                described.append(one)
        for one in described:
            self._describe(one)

    def refuse(self, topic: str, code: str, *, counted_as: str | None = None) -> None:
        """Put on record that something at a topic was not taken."""
        self.refused[counted_as or code] += 1
        self.refusals[topic] = code

    def not_understood(self, topic: str, digest: bytes, code: str, *, counted_as: str | None = None) -> None:
        """Remember what cannot be taken, so that it is not read again; what it described before stays as it was."""
        self.refuse(topic, code, counted_as=counted_as)
        known = self.topics.get(topic)
        if known is None:
            if self.room.refused > 0:
                self.room.refused -= 1
                self._put_topic(Topic(topic, digest, self._now, state="refused"))
        else:
            known.digest = digest
            self.changed_topics.add(topic)

    def _remove(self, topic: str) -> None:
        if self.topics.pop(topic, None) is not None:
            self.forgotten_topics.add(topic)
            self.changed_topics.discard(topic)
        self._drop(topic, lambda _: True)

    def _migrate(self, told: Told) -> None:
        known = self.topics.get(told.topic)
        if known is not None:
            known.digest, known.state, known.payload = told.digest, "migrating", None
            self.changed_topics.add(told.topic)
            self.is_released = True

    def _describe(self, told: Told) -> None:
        topic = self.topics.get(told.topic) or Topic(told.topic, told.digest, self._now)
        waited = topic.state == "duplicate" and topic.digest == told.digest
        topic.digest = told.digest
        topic.heard_at = self._now
        self.refusals.pop(told.topic, None)
        taken = [one for one in told.found.entities if not self._is_anothers(one, told.topic)]
        waits = len(taken) < len(told.found.entities)
        if waits and not waited:
            self.refuse(told.topic, "duplicate")
        is_full = not self._put_all(told, topic, taken)
        for one in told.found.refused:
            is_watching = one.code == "refused_component"
            self.refuse(told.topic, one.code, counted_as=one.component if is_watching else None)
        self._wait(topic, told, waits=waits)
        if is_full:
            topic.digest = b""  # to be read again: there may be room by then
        if not is_full or topic.device_id is not None:
            self._put_topic(topic)

    def _put_all(self, told: Told, topic: Topic, taken: list[EntityConfig]) -> bool:
        """Put what a topic describes where it belongs; say whether there was room for all of it."""
        has_room = True
        if not told.is_whole:  # the topic is one entity's, so what it described before is not there any more
            keys = {(one.component, one.key) for one in told.found.entities}
            self._drop(told.topic, lambda part: (part.component, part.key) not in keys)
        elif told.found.removed:
            self._drop(told.topic, lambda part: part.object_id in told.found.removed)
        for one in taken:
            thing = self._thing(told.found, one) if self._has_room(one) else None
            if thing is None:
                self.refuse(told.topic, "too_many_entities" if self.room.devices > 0 else "too_many_devices")
                has_room = False
                continue
            topic.device_id = thing.id
            self._put(one, thing, told.topic)
        return has_room

    def _drop(self, topic: str, is_gone: Callable[[Part], bool]) -> None:
        for key in self._parts_at.get(topic, ()):
            part = self.parts[key]
            if part.topic == topic and part.is_active and is_gone(part):
                self._deactivate(part)

    def _wait(self, topic: Topic, told: Told, *, waits: bool) -> None:
        if waits and topic.payload is None:
            if self.room.waiting <= 0:
                topic.state = "refused" if topic.device_id is None else "taken"
                return
            self.room.waiting -= 1
        topic.state = "duplicate" if waits else "taken"
        topic.payload = told.payload if waits else None

    def _put_topic(self, topic: Topic) -> None:
        self.topics[topic.topic] = topic
        self.changed_topics.add(topic.topic)
        self.forgotten_topics.discard(topic.topic)

    def _is_anothers(self, one: EntityConfig, topic: str) -> bool:
        part = self.parts.get((one.component, one.key))
        if part is None or not part.is_active or part.topic == topic:
            return False
        other = self.topics.get(part.topic)
        if other is None or other.state == "migrating":
            return False
        heard = [other.heard_at]
        thing = self.things.get(part.device_id)
        if thing is not None and thing.last_seen_at is not None:
            heard.append(thing.last_seen_at)
        return self._now - max(heard) <= LIVE

    def _has_room(self, one: EntityConfig) -> bool:
        part = self.parts.get((one.component, one.key))
        if part is not None and part.is_active:
            return True
        return self.room.entities > 0 and (part is not None or self.room.new_entities > 0)

    def _put(self, one: EntityConfig, thing: Thing, topic: str) -> None:
        key = (one.component, one.key)
        part = self.parts.get(key)
        if part is None:
            part = Part(self._new_id(), one.component, one.key, thing.id, topic, one.object_id, is_new=True)
            self.parts[key] = part
            self.room.entities -= 1
            self.room.new_entities -= 1
        elif not part.is_active:
            self.room.entities -= 1
        if part.device_id != thing.id:
            self.touched_things.add(part.device_id)
        self.touched_things.add(thing.id)
        part.device_id, part.topic, part.object_id, part.is_active = thing.id, topic, one.object_id, True
        part.told = one
        self._parts_at[topic][key] = None
        self.changed_parts.add(key)

    def _deactivate(self, part: Part) -> None:
        part.is_active, self.is_released = False, True
        self.room.entities += 1
        self.changed_parts.add((part.component, part.key))
        self.touched_things.add(part.device_id)

    @staticmethod
    def own_name(one: EntityConfig) -> str:
        """Return by what the device of an entity is known that tells of none."""
        return f"entity:{one.component}:{one.key}"

    def _thing(self, found: Discovered, one: EntityConfig) -> Thing | None:
        """Return the device an entity belongs to, merged of those that turn out to be one; ``None`` without room."""
        told = found.device or DeviceConfig(identifiers=(self.own_name(one),))
        names = [*(("identifier", name) for name in told.identifiers), *(("connection", n) for n in told.connections)]
        same = sorted({self._names[name] for name in names if name in self._names})
        if same:
            thing = self.things[same[0]]
            for other in same[1:]:
                self._merge(thing, self.things[other])
            if not self._is_there(thing):
                return None
        elif self.room.devices <= 0 or self.room.new_devices <= 0:
            return None
        else:
            thing = Thing(self._new_id(), is_new=True)
            self.things[thing.id] = thing
            self.room.new_devices -= 1
            self.room.devices -= 1
            self.changed_things.add(thing.id)
        self._tell(thing, told, found.origin)
        return thing

    def _is_there(self, thing: Thing) -> bool:
        """Say whether a device is there, again if it was gone and there is room."""
        if not thing.is_active and self.room.devices > 0:
            thing.is_active = True
            self.room.devices -= 1
            self.changed_things.add(thing.id)
        return thing.is_active

    def _tell(self, thing: Thing, told: DeviceConfig, origin: str | None) -> None:
        before = (thing.identifiers, thing.connections, dict(thing.told), thing.area)
        thing.identifiers = _with(thing.identifiers, told.identifiers)
        thing.connections = _with(thing.connections, told.connections)
        said = {name: getattr(told, name) for name in _TOLD} | {"via": told.via_device, "origin": origin}
        thing.told = thing.told | {name: value for name, value in said.items() if value is not None}
        thing.area = told.suggested_area or thing.area
        if before != (thing.identifiers, thing.connections, thing.told, thing.area):
            self.changed_things.add(thing.id)
        self._index(thing)

    def _merge(self, thing: Thing, other: Thing) -> None:
        thing.identifiers = _with(thing.identifiers, other.identifiers)
        thing.connections = _with(thing.connections, other.connections)
        thing.told = {**other.told, **thing.told}
        thing.given_name = thing.given_name or other.given_name
        if thing.room_id is None or (other.is_room_given and not thing.is_room_given):
            thing.room_id, thing.is_room_given = other.room_id, other.is_room_given
        thing.area = thing.area or other.area
        for part in self.parts.values():
            if part.device_id == other.id:
                part.device_id = thing.id
        for topic in self.topics.values():
            if topic.device_id == other.id:
                topic.device_id = thing.id
        other.identifiers = other.connections = ()
        if other.is_active:
            self.room.devices += 1
        other.is_active = False
        self.merged = {gone: thing.id if into == other.id else into for gone, into in self.merged.items()}
        self.merged[other.id] = thing.id
        self.changed_things |= {thing.id, other.id}
        self.touched_things.discard(other.id)
        self.touched_things.add(thing.id)
        self._index(thing)

    def _index(self, thing: Thing) -> None:
        self._names.update((("identifier", name), thing.id) for name in thing.identifiers)
        self._names.update((("connection", name), thing.id) for name in thing.connections)


def _with(known: tuple[str, ...], told: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *told)))[:MOST_IDENTIFIERS]
