"""Descriptions of devices are taken as hubs send them: many at once, again and again, in any order, odd or not."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.home_assistant.api import Discovered, NotUnderstood, discovery_topic, read_discovery
from community.home_devices.repository import loading
from community.home_devices.repository.loading import Key, Known, Loaded
from community.home_devices.rules.registry import LIVE, Registry, Told
from community.home_devices.schemas import HeardConfig
from community.home_devices.service import registering
from community.homes.views import HomeRow

MOST_CONFIG: Final = 16_384
"""Bytes of one entity's configuration: a lamp with two hundred effects has four thousand."""
_NUL: Final = b"\\u0000"


@dataclass(slots=True)
class _Batch:
    """What was heard of one home and is to be looked at."""

    home: HomeRow
    told: list[Told] = field(default_factory=list)
    waiting: list[Told] = field(default_factory=list)
    unread: list[tuple[str, bytes, str, str | None]] = field(default_factory=list)
    full: list[str] = field(default_factory=list)


async def take_discovery(session: AsyncSession, heard: Sequence[HeardConfig]) -> set[uuid.UUID]:
    """Make what hubs describe the devices and entities of their homes; return the homes in which something changed.

    Of each topic the last message counts. What is not understood, refused, or too much is counted and shown to who
    manages the home, and never raises. Descriptions that are the same as before cost one read for all of them.
    """
    latest = _latest(heard)
    anew = await _anew(session, latest)
    if not anew:
        return set()
    locked = await loading.lock_homes(session, {home_id for home_id, _ in anew})
    # Another gateway may have taken the same meanwhile.
    active = {home_id for home_id, home in locked.items() if home.state == "active"}
    anew = {key: one for key, one in (await _anew(session, anew)).items() if key[0] in active}
    if not anew:
        return set()
    loaded = await loading.rooms_left(session, {home_id for home_id, _ in anew})
    await loading.load_topics(session, loaded, {topic for _, topic in anew})
    batches = _read(anew, loaded)
    await _load(session, loaded, batches)
    registries = {home_id: _registry(loaded[home_id], batch) for home_id, batch in batches.items()}
    await registering.store(session, {home_id: (batches[home_id].home, one) for home_id, one in registries.items()})
    for home_id, registry in registries.items():
        await registering.count(session, locked[home_id], registry)
    return {home_id for home_id, registry in registries.items() if registry.is_changed}


def _latest(heard: Iterable[HeardConfig]) -> dict[Key, HeardConfig]:
    latest: dict[Key, HeardConfig] = {}
    for one in heard:
        if one.home.state == "active" and discovery_topic(one.topic, one.home.discovery_prefix) is not None:
            latest[one.home.id, one.topic] = one
    return latest


def digest_of(payload: bytes) -> bytes:
    """Return what tells one description from another."""
    return hashlib.blake2b(payload, digest_size=16).digest()


async def _anew(session: AsyncSession, latest: Mapping[Key, HeardConfig]) -> dict[Key, HeardConfig]:
    """Return what is other than what is known of it."""
    known = await loading.known_topics(session, list(latest)) if latest else {}
    return {key: one for key, one in latest.items() if _is_anew(one, known.get(key))}


def _is_anew(one: HeardConfig, known: Known | None) -> bool:
    if known is None:
        return bool(one.payload)
    if known.state == "duplicate" and clock.now() - known.heard_at > LIVE:
        return True  # whoever had what it describes may have fallen silent
    return known.digest != digest_of(one.payload)


def _read(anew: Mapping[Key, HeardConfig], loaded: Mapping[uuid.UUID, Loaded]) -> dict[uuid.UUID, _Batch]:
    """Return per home what its messages say; of what there is no room for nothing is read."""
    batches: dict[uuid.UUID, _Batch] = {}
    known_topics = {home_id: {known.topic for known in one.topics} for home_id, one in loaded.items()}
    for (home_id, topic), one in anew.items():
        batch = batches.setdefault(home_id, _Batch(one.home))
        room = loaded[home_id]
        if topic not in known_topics[home_id]:
            if room.new_topics <= 0 or room.room.entities <= 0:
                batch.full.append(topic)
                continue
            room.new_topics -= 1
        _read_one(batch, batch.told, topic, one.payload)
    for home_id, batch in batches.items():
        for known in loaded[home_id].topics:
            if known.payload is not None and (home_id, known.topic) not in anew:
                _read_one(batch, batch.waiting, known.topic, known.payload)
    return batches


def _read_one(batch: _Batch, into: list[Told], topic: str, payload: bytes) -> None:
    home = batch.home
    announced = discovery_topic(topic, home.discovery_prefix)
    if announced is None:
        return
    try:
        within = f"homes/{home.key}/" if home.addressing == "direct" else ""
        found = _storable(read_discovery(announced, payload, within=within))
    except NotUnderstood as problem:
        counted_as = (problem.component or announced.component) if problem.code == "refused_component" else None
        batch.unread.append((topic, digest_of(payload), problem.code, counted_as))
    else:
        into.append(Told(topic, digest_of(payload), payload, found, is_whole=announced.component == "device"))


def _storable(found: Discovered) -> Discovered:
    for entity in found.entities:
        written = orjson.dumps(entity.config)
        if len(written) > MOST_CONFIG:
            raise NotUnderstood("too_big", entity.component)
        if _NUL in written:  # PostgreSQL keeps none in JSON, and nobody means one
            raise NotUnderstood("bad_text", entity.component)
    return found


async def _load(session: AsyncSession, loaded: dict[uuid.UUID, Loaded], batches: Mapping[uuid.UUID, _Batch]) -> None:
    told = [one for batch in batches.values() for one in (*batch.told, *batch.waiting)]
    found = [one.found for one in told]
    identifiers: set[str] = set()
    connections: set[str] = set()
    for one in found:
        if one.device is not None:
            identifiers.update(one.device.identifiers)
            connections.update(one.device.connections)
        else:
            identifiers.update(Registry.own_name(entity) for entity in one.entities)
    await loading.load_things(
        session,
        loaded,
        keys={entity.key for one in found for entity in one.entities},
        topics={one.topic for one in told},
        identifiers=identifiers,
        connections=connections,
    )


def _registry(loaded: Loaded, batch: _Batch) -> Registry:
    prefix = batch.home.discovery_prefix
    live = [topic for topic in loaded.topics if discovery_topic(topic.topic, prefix) is not None]
    registry = Registry(loaded.things, loaded.parts, live, now=clock.now(), new_id=clock.new_id, room=loaded.room)
    registry.take(batch.told)
    if registry.is_released:
        registry.take(batch.waiting)
    for topic, digest, code, counted_as in batch.unread:
        registry.not_understood(topic, digest, code, counted_as=counted_as)
    for topic in batch.full:
        registry.refuse(topic, "too_many_topics")
    return registry
