"""The SQL that reads, under the lock of their homes, what descriptions have to do with."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from community.home_devices.models import CONFIGS, DEVICES, ENTITIES
from community.home_devices.rules.registry import (
    MOST_DEVICES,
    MOST_ENTITIES,
    MOST_REFUSED,
    MOST_REMOVED,
    MOST_TOPICS,
    MOST_WAITING,
    Part,
    Room,
    Thing,
    Topic,
)
from community.homes.models import HOMES, ROOMS

Key = tuple[uuid.UUID, str]


def _array(name: str, of: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=ARRAY(of))


_home_ids: Final = _array("home_ids", sa.Uuid)
_topics: Final = _array("topics", sa.Text)
_asked = (
    sa.func.unnest(_home_ids, _topics).table_valued(sa.column("home_id", sa.Uuid), sa.column("topic", sa.Text))
).render_derived("asked")
_KNOWN: Final = sa.select(
    CONFIGS.c.home_id, CONFIGS.c.topic, CONFIGS.c.digest, CONFIGS.c.state, CONFIGS.c.heard_at
).join(_asked, sa.and_(CONFIGS.c.home_id == _asked.c.home_id, CONFIGS.c.topic == _asked.c.topic))
# In the order of the ids: two gateways never wait for each other in a circle.
_LOCK: Final = (
    sa.select(HOMES).where(HOMES.c.id == sa.any_(_home_ids)).order_by(HOMES.c.id).with_for_update(key_share=True)
)


def _count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).where(table.c.home_id == HOMES.c.id, *conditions).scalar_subquery()


def _is(column: sa.Column[Any], word: str) -> sa.ColumnElement[bool]:
    return column == sa.literal_column(f"'{word}'")


_COUNTS: Final = sa.select(
    HOMES.c.id,
    _count(DEVICES, _is(DEVICES.c.state, "active")).label("devices"),
    _count(DEVICES).label("all_devices"),
    _count(ENTITIES, _is(ENTITIES.c.state, "active")).label("entities"),
    _count(ENTITIES).label("all_entities"),
    _count(CONFIGS).label("topics"),
    _count(CONFIGS, _is(CONFIGS.c.state, "duplicate")).label("waiting"),
    _count(CONFIGS, _is(CONFIGS.c.state, "refused")).label("refused"),
).where(HOMES.c.id == sa.any_(_home_ids))
_TOPICS: Final = sa.select(CONFIGS).where(
    CONFIGS.c.home_id == sa.any_(_home_ids),
    sa.or_(CONFIGS.c.topic == sa.any_(_topics), _is(CONFIGS.c.state, "duplicate")),
)
_PARTS: Final = sa.select(
    ENTITIES.c.id,
    ENTITIES.c.home_id,
    ENTITIES.c.component,
    ENTITIES.c.key,
    ENTITIES.c.device_id,
    ENTITIES.c.discovery_topic,
    ENTITIES.c.object_id,
    ENTITIES.c.state,
).where(
    ENTITIES.c.home_id == sa.any_(_home_ids),
    sa.or_(ENTITIES.c.key == sa.any_(_array("keys", sa.Text)), ENTITIES.c.discovery_topic == sa.any_(_topics)),
)
_THINGS: Final = sa.select(DEVICES).where(
    DEVICES.c.home_id == sa.any_(_home_ids),
    sa.or_(
        DEVICES.c.id == sa.any_(_array("device_ids", sa.Uuid)),
        DEVICES.c.identifiers.op("&&")(_array("identifiers", sa.Text)),
        DEVICES.c.connections.op("&&")(_array("connections", sa.Text)),
    ),
)
_ROOMS: Final = sa.select(ROOMS).where(ROOMS.c.home_id == sa.any_(_home_ids)).order_by(ROOMS.c.id)


@dataclass(frozen=True, slots=True)
class Known:
    """What was last heard at a topic."""

    digest: bytes
    state: str
    heard_at: datetime


@dataclass(slots=True)
class Loaded:
    """What is known of one home that some descriptions have to do with."""

    things: list[Thing] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    topics: list[Topic] = field(default_factory=list)
    room: Room = field(default_factory=Room)
    new_topics: int = MOST_TOPICS


async def known_topics(session: AsyncSession, keys: Sequence[Key]) -> dict[Key, Known]:
    """Return what was last heard at each of the topics; unknown ones are left out."""
    binds = {"home_ids": [home_id for home_id, _ in keys], "topics": [topic for _, topic in keys]}
    rows = await session.execute(_KNOWN, binds)
    return {(row.home_id, row.topic): Known(row.digest, row.state, row.heard_at) for row in rows}


async def lock_homes(session: AsyncSession, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, sa.Row[Any]]:
    """Lock homes until the end of the transaction and return them."""
    return {row.id: row for row in await session.execute(_LOCK, {"home_ids": sorted(ids)})}


async def rooms_left(session: AsyncSession, home_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Loaded]:
    """Return for each home for how much more there is room in its registry, and nothing else yet."""
    found = {}
    for row in await session.execute(_COUNTS, {"home_ids": list(home_ids)}):
        room = Room(
            devices=MOST_DEVICES - row.devices,
            entities=MOST_ENTITIES - row.entities,
            new_devices=MOST_DEVICES * MOST_REMOVED - row.all_devices,
            new_entities=MOST_ENTITIES * MOST_REMOVED - row.all_entities,
            waiting=MOST_WAITING - row.waiting,
            refused=MOST_REFUSED - row.refused,
        )
        found[row.id] = Loaded(room=room, new_topics=MOST_TOPICS - row.topics)
    return found


async def load_topics(session: AsyncSession, loaded: dict[uuid.UUID, Loaded], topics: Collection[str]) -> None:
    """Add what was heard at ``topics``, and what waits."""
    for row in await session.execute(_TOPICS, {"home_ids": list(loaded), "topics": list(topics)}):
        known = Topic(row.topic, row.digest, row.heard_at, row.state, row.payload, row.device_id)
        loaded[row.home_id].topics.append(known)


async def load_things(
    session: AsyncSession,
    loaded: dict[uuid.UUID, Loaded],
    *,
    keys: Collection[str],
    topics: Collection[str],
    identifiers: Collection[str],
    connections: Collection[str],
) -> None:
    """Add the entities with such keys or topics, the topics that have them, and the devices with such names."""
    home_ids = list(loaded)
    binds = {"home_ids": home_ids, "keys": list(keys), "topics": list(topics)}
    others: dict[uuid.UUID, set[str]] = defaultdict(set)
    device_ids = set()
    for row in await session.execute(_PARTS, binds):
        part = Part(
            row.id, row.component, row.key, row.device_id, row.discovery_topic, row.object_id, row.state == "active"
        )
        loaded[row.home_id].parts.append(part)
        others[row.home_id].add(row.discovery_topic)
        device_ids.add(row.device_id)
    await _load_others(session, loaded, others)
    named = {"identifiers": list(identifiers), "connections": list(connections), "device_ids": list(device_ids)}
    for row in await session.execute(_THINGS, {"home_ids": home_ids, **named}):
        loaded[row.home_id].things.append(_thing(row))


async def _load_others(
    session: AsyncSession, loaded: dict[uuid.UUID, Loaded], others: dict[uuid.UUID, set[str]]
) -> None:
    have = {home_id: {topic.topic for topic in one.topics} for home_id, one in loaded.items()}
    wanted = {topic for home_id, topics in others.items() for topic in topics - have[home_id]}
    if not wanted:
        return
    for row in await session.execute(_TOPICS, {"home_ids": list(others), "topics": list(wanted)}):
        if row.topic not in have[row.home_id]:
            known = Topic(row.topic, row.digest, row.heard_at, row.state, row.payload, row.device_id)
            loaded[row.home_id].topics.append(known)


def _thing(row: Any) -> Thing:
    told = ("name", "manufacturer", "model", "sw_version", "hw_version", "via", "origin")
    return Thing(
        row.id,
        tuple(row.identifiers),
        tuple(row.connections),
        {name: value for name in told if (value := getattr(row, name)) is not None},
        given_name=row.given_name,
        room_id=row.room_id,
        is_room_given=row.is_room_given,
        last_seen_at=row.last_seen_at,
        is_active=row.state == "active",
    )


async def rooms_of(session: AsyncSession, home_ids: Collection[uuid.UUID]) -> list[sa.Row[Any]]:
    """Return the rooms of homes."""
    return list(await session.execute(_ROOMS, {"home_ids": list(home_ids)}))
