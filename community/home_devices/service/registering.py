"""What became of a home's registry is stored, and what did not fit into it is told of."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.home_assistant.api import EntityConfig
from community.home_devices import notices
from community.home_devices.repository import loading, storing
from community.home_devices.rules.registry import MOST_ROOMS, Part, Registry, Thing, Topic
from community.home_devices.rules.roles import room_kind_of
from community.home_devices.service.describing import refresh_roles
from community.homes.service.telling import tell_managers
from community.homes.views import HomeRow

TOLD_AGAIN: Final = timedelta(days=7)
"""So long after it was told that there is no room for more devices, it is told again."""
MOST_REASONS: Final = 50
_FULL: Final = frozenset({"too_many_topics", "too_many_devices", "too_many_entities"})


async def count(session: AsyncSession, home: sa.Row[Any], registry: Registry) -> None:
    """Count what was refused of a locked home, and tell who manages it, seldom, that there is no room for more."""
    if not registry.is_changed and not registry.refused:
        return
    told_at, now = home.full_told_at, clock.now()
    is_told = bool(_FULL & registry.refused.keys()) and (told_at is None or now - told_at > TOLD_AGAIN)
    refused = Counter(home.refused)
    for reason, times in registry.refused.items():
        refused[reason if reason in refused or len(refused) < MOST_REASONS else "other"] += times
    await storing.count(session, home.id, refused, now if is_told else told_at, changes=1 if registry.is_changed else 0)
    if is_told:
        await tell_managers(
            session,
            notices.HOME_FULL,
            home_id=home.id,
            resident_id=home.resident_id,
            community_id=home.community_id,
            occasion=f"full:{now.isoformat()}",
        )


async def store(session: AsyncSession, registries: Mapping[uuid.UUID, tuple[HomeRow, Registry]]) -> None:
    """Write what became of the registries: rooms before the devices in them, devices before their entities."""
    changed = [home_id for home_id, (_, registry) in registries.items() if registry.is_changed]
    if changed:
        await _make_rooms(session, {home_id: registries[home_id] for home_id in changed})
    devices, entities, gone, configs = [], [], [], []
    touched: set[uuid.UUID] = set()
    for home, registry in registries.values():
        things = [registry.things[one] for one in registry.changed_things]
        devices += [_device_row(home, thing) for thing in things if thing.is_active or not thing.is_new]
        parts = [registry.parts[key] for key in registry.changed_parts]
        entities += [_entity_row(home, part, part.told) for part in parts if part.is_active and part.told]
        gone += [part.id for part in parts if not part.is_active and not part.is_new]
        configs += [_config_row(home, registry.topics[topic]) for topic in registry.changed_topics]
        touched |= registry.touched_things | (registry.changed_things - registry.merged.keys())
    await storing.store_devices(session, devices)
    for _, registry in registries.values():
        await storing.merge_devices(session, registry.merged)
    await storing.store_entities(session, entities)
    await storing.remove_entities(session, gone)
    await storing.store_configs(session, configs)
    await _store_topics(session, registries)
    if changed:
        await storing.settle_devices(session, touched, changed)
        await refresh_roles(session, touched)


async def _store_topics(session: AsyncSession, registries: Mapping[uuid.UUID, tuple[HomeRow, Registry]]) -> None:
    now = clock.now()
    forgotten = [(home.id, topic) for home, one in registries.values() for topic in one.forgotten_topics]
    fine = [(home.id, topic) for home, one in registries.values() for topic in one.changed_topics - set(one.refusals)]
    await storing.forget_topics(session, forgotten, refused=False)
    await storing.forget_topics(session, forgotten + fine, refused=True)
    refusals = [
        {"home_id": home.id, "topic": topic, "resident_id": home.resident_id, "code": code, "at": now}
        for home, one in registries.values()
        for topic, code in list(one.refusals.items())[-storing.SHOWN_REFUSALS :]
    ]
    await storing.store_refusals(session, refusals)


async def _make_rooms(session: AsyncSession, registries: Mapping[uuid.UUID, tuple[HomeRow, Registry]]) -> None:
    """Put devices that say where they are, and of which nobody said otherwise, into that room."""
    homeless = [
        (home, registry, thing)
        for home, registry in registries.values()
        for thing in registry.things.values()
        if thing.id in registry.changed_things
        and thing.area
        and thing.is_active
        and thing.room_id is None
        and not thing.is_room_given
    ]
    if not homeless:
        return
    rooms: dict[uuid.UUID, dict[str, uuid.UUID]] = defaultdict(dict)
    for row in await loading.rooms_of(session, {home.id for home, _, _ in homeless}):
        rooms[row.home_id][row.name.lower()] = row.id
    made: list[dict[str, Any]] = []
    for home, _, thing in homeless:
        name = str(thing.area)[:80].strip()
        known = rooms[home.id]
        if name.lower() not in known and len(known) < MOST_ROOMS:
            known[name.lower()] = room_id = clock.new_id()
            own = {"id": room_id, "home_id": home.id, "resident_id": home.resident_id}
            made.append(own | {"name": name, "kind": room_kind_of(name)})
        thing.room_id = known.get(name.lower())
    await storing.store_rooms(session, made)


def _device_row(home: HomeRow, thing: Thing) -> dict[str, Any]:
    told = ("name", "manufacturer", "model", "sw_version", "hw_version", "via", "origin")
    return {name: thing.told.get(name) for name in told} | {
        "id": thing.id,
        "community_id": home.community_id,
        "resident_id": home.resident_id,
        "home_id": home.id,
        "identifiers": list(thing.identifiers),
        "connections": list(thing.connections),
        "given_name": thing.given_name,
        "room_id": thing.room_id,
        "is_room_given": thing.is_room_given,
        "state": "active" if thing.is_active else "removed",
        "removed_at": None if thing.is_active else clock.now(),
    }


def _entity_row(home: HomeRow, part: Part, told: EntityConfig) -> dict[str, Any]:
    return {
        "id": part.id,
        "community_id": home.community_id,
        "resident_id": home.resident_id,
        "home_id": home.id,
        "device_id": part.device_id,
        "component": part.component,
        "key": part.key,
        "unique_id": told.unique_id,
        "name": told.name,
        "device_class": told.device_class,
        "state_class": told.state_class,
        "unit": told.unit,
        "category": told.category,
        "config": told.config,
        "discovery_topic": part.topic,
        "object_id": part.object_id,
        "is_role_given": False,
        "expire_after": storing.seconds(told.expire_after),
        "state": "active",
        "removed_at": None,
    }


def _config_row(home: HomeRow, topic: Topic) -> dict[str, Any]:
    return {
        "home_id": home.id,
        "topic": topic.topic,
        "resident_id": home.resident_id,
        "digest": topic.digest,
        "device_id": topic.device_id,
        "state": topic.state,
        "payload": topic.payload,
        "heard_at": topic.heard_at,
    }
