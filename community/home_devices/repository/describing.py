"""The SQL around what people say of devices and what devices say of themselves: rooms, roles, batteries."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.home_devices.models import CONFIGS, DEVICES, ENTITIES, HomeDevice, HomeEntity
from community.home_devices.schemas import DeviceFact
from community.homes.models import ROOMS

BATTERY_LOW: Final = 15
"""Per cent: what most makers' own apps call low."""
BATTERY_NEW: Final = 50
"""Per cent: above it a battery that was low has been replaced or charged."""


def _array(name: str, of: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=ARRAY(of))


_NOW: Final = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_ids: Final = _array("ids", sa.Uuid)
_DESCRIBED: Final = (
    sa.select(
        ENTITIES.c.id,
        ENTITIES.c.component,
        ENTITIES.c.device_class,
        ENTITIES.c.category,
        ENTITIES.c.name,
        ENTITIES.c.given_name,
        ENTITIES.c.role,
        sa.case((ENTITIES.c.component == "device_automation", ENTITIES.c.config["subtype"].astext)).label("subtype"),
        DEVICES.c.name.label("device_name"),
        DEVICES.c.given_name.label("given_device_name"),
        DEVICES.c.model,
        ROOMS.c.kind.label("room_kind"),
    )
    .join(DEVICES, DEVICES.c.id == ENTITIES.c.device_id)
    .outerjoin(ROOMS, ROOMS.c.id == DEVICES.c.room_id)
    .where(ENTITIES.c.device_id == sa.any_(_ids), ~ENTITIES.c.is_role_given)
)
_roles = (
    sa.func.unnest(_ids, _array("roles", sa.Text)).table_valued(sa.column("id", sa.Uuid), sa.column("role", sa.Text))
).render_derived("told")
_SET_ROLES: Final = sa.update(ENTITIES).where(ENTITIES.c.id == _roles.c.id).values(role=_roles.c.role)
# In the order of the ids: two gateways never wait for each other in a circle.
_LOCK: Final = (
    sa.select(DEVICES.c.id).where(DEVICES.c.id == sa.any_(_ids)).order_by(DEVICES.c.id).with_for_update(key_share=True)
)
_LOCK_FREE: Final = (
    sa.select(DEVICES.c.id)
    .where(DEVICES.c.id == sa.any_(_ids))
    .order_by(DEVICES.c.id)
    .with_for_update(key_share=True, skip_locked=True)
)
_facts = (
    sa.func.unnest(
        _ids,
        _array("seen", sa.DateTime(timezone=True)),
        _array("batteries", sa.SmallInteger),
        _array("qualities", sa.SmallInteger),
        _array("versions", sa.Text),
    ).table_valued(
        sa.column("id", sa.Uuid),
        sa.column("seen_at", sa.DateTime(timezone=True)),
        sa.column("battery", sa.SmallInteger),
        sa.column("quality", sa.SmallInteger),
        sa.column("sw_version", sa.Text),
    )
).render_derived("fact")
# What a device says of itself is no change of the device: whoever edits it meanwhile is not told to look again.
_NOTE: Final = (
    sa.update(DEVICES)
    .where(DEVICES.c.id == _facts.c.id)
    .values(
        last_seen_at=sa.func.greatest(DEVICES.c.last_seen_at, _facts.c.seen_at),
        battery=sa.func.coalesce(_facts.c.battery, DEVICES.c.battery),
        link_quality=sa.func.coalesce(_facts.c.quality, DEVICES.c.link_quality),
        sw_version=sa.func.coalesce(_facts.c.sw_version, DEVICES.c.sw_version),
        battery_told_at=sa.case(
            (_facts.c.battery >= BATTERY_NEW, sa.null()),
            (
                sa.and_(_facts.c.battery <= BATTERY_LOW, DEVICES.c.battery_told_at.is_(None)),
                _NOW,
            ),
            else_=DEVICES.c.battery_told_at,
        ),
    )
    .returning(
        DEVICES.c.id,
        DEVICES.c.home_id,
        DEVICES.c.resident_id,
        DEVICES.c.community_id,
        DEVICES.c.battery,
        DEVICES.c.battery_told_at,
    )
)
_CLEAR_ROOM: Final = (
    sa.update(DEVICES)
    .where(DEVICES.c.room_id == sa.bindparam("in_room", type_=sa.Uuid))
    .values(room_id=None, is_room_given=False, updated_at=_NOW, version=DEVICES.c.version + 1)
    .returning(DEVICES.c.id)
)
_REMOVE_ENTITIES: Final = (
    sa.update(ENTITIES)
    .where(
        ENTITIES.c.device_id == sa.bindparam("device", type_=sa.Uuid), ENTITIES.c.state == sa.literal_column("'active'")
    )
    .values(state="removed", removed_at=_NOW, updated_at=_NOW, version=ENTITIES.c.version + 1)
)
_FORGET_DEVICE: Final = sa.delete(CONFIGS).where(
    CONFIGS.c.home_id == sa.bindparam("home_id", type_=sa.Uuid),
    sa.or_(
        CONFIGS.c.device_id == sa.bindparam("device_id", type_=sa.Uuid),
        CONFIGS.c.topic.in_(
            sa.select(ENTITIES.c.discovery_topic).where(
                ENTITIES.c.device_id == sa.bindparam("device_id", type_=sa.Uuid)
            )
        ),
    ),
)


async def described(session: AsyncSession, device_ids: Collection[uuid.UUID]) -> list[sa.Row[Any]]:
    """Return what is known of the entities of devices whose roles nobody gave."""
    return list(await session.execute(_DESCRIBED, {"ids": list(device_ids)})) if device_ids else []


async def set_roles(session: AsyncSession, roles: Mapping[uuid.UUID, str]) -> None:
    """Write down what entities are taken for."""
    if roles:
        await session.execute(_SET_ROLES, {"ids": list(roles), "roles": list(roles.values())})


async def note(session: AsyncSession, facts: Sequence[DeviceFact]) -> list[sa.Row[Any]]:
    """Write down what devices said of themselves, one fact for each; return those whose battery is low since now.

    Nobody waits to say no more than that a device was heard: that is left for the next minute if somebody holds it.
    """
    telling = {fact.device_id for fact in facts if fact != DeviceFact(fact.device_id, fact.seen_at)}
    if telling:
        await session.execute(_LOCK, {"ids": sorted(telling)})
    heard = [fact.device_id for fact in facts if fact.device_id not in telling]
    free = set(await session.scalars(_LOCK_FREE, {"ids": heard})) if heard else set()
    ordered = sorted((fact for fact in facts if fact.device_id in telling | free), key=lambda fact: fact.device_id)
    now = clock.now()
    binds = {
        "ids": [fact.device_id for fact in ordered],
        "seen": [fact.seen_at for fact in ordered],
        "batteries": [fact.battery for fact in ordered],
        "qualities": [fact.link_quality for fact in ordered],
        "versions": [fact.sw_version for fact in ordered],
        "now": now,
    }
    return [row for row in await session.execute(_NOTE, binds) if row.battery_told_at == now]


async def clear_room(session: AsyncSession, room_id: uuid.UUID) -> list[uuid.UUID]:
    """Take all devices out of a room; return which they were."""
    return list(await session.scalars(_CLEAR_ROOM, {"in_room": room_id, "now": clock.now()}))


async def forget_device(session: AsyncSession, device: HomeDevice) -> None:
    """Forget what was heard of a device, so that it is new when it is described again."""
    await session.execute(_FORGET_DEVICE, {"home_id": device.home_id, "device_id": device.id})


async def locked_device(session: AsyncSession, device_id: uuid.UUID) -> HomeDevice | None:
    """Lock a device and return it as it stands."""
    return await session.get(HomeDevice, device_id, with_for_update=True, populate_existing=True)


async def locked_entity(session: AsyncSession, entity_id: uuid.UUID) -> HomeEntity | None:
    """Lock an entity and return it as it stands."""
    return await session.get(HomeEntity, entity_id, with_for_update=True, populate_existing=True)


async def remove_entities_of(session: AsyncSession, device_id: uuid.UUID) -> None:
    """Write down that all entities of a device are gone."""
    await session.execute(_REMOVE_ENTITIES, {"device": device_id, "now": clock.now()})
