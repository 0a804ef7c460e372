"""The SQL that stores what became of a registry, for many homes at once."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.home_devices.models import CONFIGS, DEVICES, ENTITIES, REFUSALS
from community.homes.models import HOMES, ROOMS

SHOWN_REFUSALS: Final = 20

_NOW: Final = sa.bindparam("now", type_=sa.DateTime(timezone=True))


def _array(name: str, of: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=ARRAY(of))


_ids: Final = _array("ids", sa.Uuid)


def _kept(table: sa.Table, keys: Sequence[str], names: Sequence[str]) -> Any:
    given = insert(table)
    anew: dict[str, Any] = {name: given.excluded[name] for name in names}
    if "version" in table.c:
        anew |= {"version": table.c.version + 1, "updated_at": given.excluded.updated_at}
    return given.on_conflict_do_update(index_elements=list(keys), set_=anew)


_DEVICE_COLUMNS: Final = (
    "identifiers",
    "connections",
    "name",
    "manufacturer",
    "model",
    "sw_version",
    "hw_version",
    "via",
    "origin",
    "given_name",
    "room_id",
    "is_room_given",
    "state",
    "removed_at",
)
_ENTITY_COLUMNS: Final = (
    "device_id",
    "unique_id",
    "name",
    "device_class",
    "state_class",
    "unit",
    "category",
    "config",
    "discovery_topic",
    "object_id",
    "expire_after",
    "state",
    "removed_at",
)
_DEVICES: Final = _kept(DEVICES, ["id"], _DEVICE_COLUMNS)
_ENTITIES: Final = _kept(ENTITIES, ["id"], _ENTITY_COLUMNS)
_CONFIGS: Final = _kept(CONFIGS, ["home_id", "topic"], ["digest", "device_id", "state", "payload", "heard_at"])
_REFUSALS: Final = _kept(REFUSALS, ["home_id", "topic"], ["code", "at"])
_pairs = (
    sa.func.unnest(_array("home_ids", sa.Uuid), _array("topics", sa.Text)).table_valued(
        sa.column("home_id", sa.Uuid), sa.column("topic", sa.Text)
    )
).render_derived("told")


def _forget(table: sa.Table) -> sa.Delete:
    return sa.delete(table).where(table.c.home_id == _pairs.c.home_id, table.c.topic == _pairs.c.topic)


_FORGET_CONFIGS: Final = _forget(CONFIGS)
_FORGET_REFUSALS: Final = _forget(REFUSALS)
_other = REFUSALS.alias("other")
_TRIM_REFUSALS: Final = sa.delete(REFUSALS).where(
    REFUSALS.c.home_id == sa.any_(_ids),
    REFUSALS.c.topic.not_in(
        sa.select(_other.c.topic)
        .where(_other.c.home_id == REFUSALS.c.home_id)
        .order_by(_other.c.at.desc(), _other.c.topic)
        .limit(SHOWN_REFUSALS)
    ),
)
_GONE: Final = (
    sa.update(ENTITIES)
    .where(ENTITIES.c.id == sa.any_(_ids))
    .values(state="removed", removed_at=_NOW, updated_at=_NOW, version=ENTITIES.c.version + 1)
)
_merged = (
    sa.func.unnest(_ids, _array("into_ids", sa.Uuid)).table_valued(
        sa.column("id", sa.Uuid), sa.column("into_id", sa.Uuid)
    )
).render_derived("merged")
_MOVE_ENTITIES: Final = (
    sa.update(ENTITIES)
    .where(ENTITIES.c.device_id == _merged.c.id)
    .values(device_id=_merged.c.into_id, updated_at=_NOW, version=ENTITIES.c.version + 1)
)
_MOVE_CONFIGS: Final = sa.update(CONFIGS).where(CONFIGS.c.device_id == _merged.c.id).values(device_id=_merged.c.into_id)
_has_entity = sa.exists().where(ENTITIES.c.device_id == DEVICES.c.id, ENTITIES.c.state == sa.literal_column("'active'"))
# A device is there as long as one of its entities is.
_EMPTIED: Final = (
    sa.update(DEVICES)
    .where(DEVICES.c.id == sa.any_(_ids), DEVICES.c.state == sa.literal_column("'active'"), ~_has_entity)
    .values(state="removed", removed_at=_NOW, updated_at=_NOW, version=DEVICES.c.version + 1)
)
_FILLED: Final = (
    sa.update(DEVICES)
    .where(DEVICES.c.id == sa.any_(_ids), DEVICES.c.state == sa.literal_column("'removed'"), _has_entity)
    .values(state="active", removed_at=None, updated_at=_NOW, version=DEVICES.c.version + 1)
)
_bridge = DEVICES.alias("bridge")
_bridge_id = (
    sa.select(_bridge.c.id)
    .where(
        _bridge.c.home_id == DEVICES.c.home_id,
        _bridge.c.id != DEVICES.c.id,
        DEVICES.c.via == sa.any_(_bridge.c.identifiers),
    )
    .order_by(_bridge.c.id)
    .limit(1)
    .scalar_subquery()
)
_VIA: Final = (
    sa.update(DEVICES)
    .where(
        DEVICES.c.home_id == sa.any_(_ids),
        DEVICES.c.via.is_not(None),
        DEVICES.c.via_device_id.is_distinct_from(_bridge_id),
    )
    .values(via_device_id=_bridge_id)
)
_COUNTED: Final = (
    sa.update(HOMES)
    .where(HOMES.c.id == sa.bindparam("home_id", type_=sa.Uuid))
    .values(
        registry_version=HOMES.c.registry_version + sa.bindparam("changes", type_=sa.Integer),
        refused=sa.bindparam("refused_now", type_=HOMES.c.refused.type),
        full_told_at=sa.bindparam("told_at", type_=sa.DateTime(timezone=True)),
    )
)
_BUMP: Final = sa.update(HOMES).where(HOMES.c.id == sa.any_(_ids)).values(registry_version=HOMES.c.registry_version + 1)


async def store_devices(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert devices, or write anew those that are known by their id."""
    await _many(session, _DEVICES, rows, "created_at", "updated_at")


async def store_entities(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert entities, or write anew those that are known by their id."""
    await _many(session, _ENTITIES, rows, "created_at", "updated_at")


async def store_configs(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Remember what was heard at topics."""
    await _many(session, _CONFIGS, rows)


async def store_rooms(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rooms."""
    await _many(session, insert(ROOMS), rows, "created_at", "updated_at")


async def store_refusals(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Remember what was refused, and forget what was refused longest ago."""
    if rows:
        await _many(session, _REFUSALS, rows)
        await session.execute(_TRIM_REFUSALS, {"ids": list({row["home_id"] for row in rows})})


async def _many(session: AsyncSession, statement: Any, rows: Sequence[Mapping[str, Any]], *stamps: str) -> None:
    if rows:
        now = clock.now()
        first = {"version": 1} if stamps else {}
        await session.execute(statement, [first | dict.fromkeys(stamps, now) | dict(row) for row in rows])


async def forget_topics(session: AsyncSession, pairs: Sequence[tuple[uuid.UUID, str]], *, refused: bool) -> None:
    """Forget what was heard at topics of homes, or (``refused``) that something there was refused."""
    if pairs:
        binds = {"home_ids": [home_id for home_id, _ in pairs], "topics": [topic for _, topic in pairs]}
        await session.execute(_FORGET_REFUSALS if refused else _FORGET_CONFIGS, binds)


async def remove_entities(session: AsyncSession, ids: Collection[uuid.UUID]) -> None:
    """Write down that entities are gone."""
    if ids:
        await session.execute(_GONE, {"ids": list(ids), "now": clock.now()})


async def merge_devices(session: AsyncSession, merged: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Give what belongs to devices that turned out to be another one to that."""
    if merged:
        binds = {"ids": list(merged), "into_ids": list(merged.values())}
        await session.execute(_MOVE_ENTITIES, binds | {"now": clock.now()})
        await session.execute(_MOVE_CONFIGS, binds)


async def settle_devices(
    session: AsyncSession, device_ids: Collection[uuid.UUID], homes: Collection[uuid.UUID]
) -> None:
    """Write down which devices are gone or there again, and through which other one each speaks."""
    binds = {"ids": list(device_ids), "now": clock.now()}
    if device_ids:
        await session.execute(_EMPTIED, binds)
        await session.execute(_FILLED, binds)
    await session.execute(_VIA, {"ids": list(homes)})


async def count(
    session: AsyncSession, home_id: uuid.UUID, refused: Mapping[str, int], told_at: datetime | None, *, changes: int
) -> None:
    """Write down what a home's descriptions came to."""
    binds = {"home_id": home_id, "changes": changes, "refused_now": dict(refused), "told_at": told_at}
    await session.execute(_COUNTED, binds)


async def bump(session: AsyncSession, home_ids: Collection[uuid.UUID]) -> None:
    """Say that the registries of homes are other than before."""
    await session.execute(_BUMP, {"ids": list(home_ids)})


def seconds(value: float | None) -> timedelta | None:
    """Return a number of seconds as the database keeps it; none for what no calendar reaches."""
    return None if value is None or value > 10 * 365 * 86_400 else timedelta(seconds=value)
