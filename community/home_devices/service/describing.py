"""What people say of a home's devices: what they are called, where they are, what care takes them for, its rooms."""

import uuid
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from community.home_devices.models import DEVICES, HomeDevice
from community.home_devices.problems import RoomExists, TooManyRooms
from community.home_devices.repository import describing, loading, storing
from community.home_devices.rules.registry import MOST_ROOMS
from community.home_devices.rules.roles import Described, renewed, role_of, room_kind_of
from community.home_devices.schemas import DevicePatch, EntityPatch, RoomPatch, RoomWrite
from community.homes.access import HomeSubject
from community.homes.models import ROOMS, HomeRoom


async def refresh_roles(session: AsyncSession, device_ids: Collection[uuid.UUID]) -> None:
    """Derive anew what the entities of devices are taken for, except where somebody said it."""
    roles = {}
    for row in await describing.described(session, device_ids):
        names = (row.device_name, row.given_device_name, row.model)
        entity = Described(
            row.component,
            row.device_class,
            (row.name, row.given_name, row.subtype),
            names,
            row.category,
            row.room_kind,
        )
        role = renewed(row.role, role_of(entity))
        if role != row.role:
            roles[row.id] = role
    await describing.set_roles(session, roles)


async def set_device(
    session: AsyncSession,
    actor: Actor,
    home: HomeSubject,
    device_id: uuid.UUID,
    data: DevicePatch,
    if_match: int | None,
) -> None:
    """Say what a device is called and where it is. Raises ``NotFound``, ``StaleVersion``, ``Malformed``."""
    await loading.lock_homes(session, [home.id])
    device = await _device(session, home, device_id)
    check_version(device, if_match)
    if "given_name" in data.model_fields_set:
        device.given_name = data.given_name
    if "room_id" in data.model_fields_set:
        if data.room_id is not None:
            await _room_in(session, home, data.room_id)
        device.room_id, device.is_room_given = data.room_id, data.room_id is not None
    await session.flush()
    await refresh_roles(session, [device.id])
    await _changed(session, actor, home, "home_devices:describe", device.id)


async def set_entity(
    session: AsyncSession,
    actor: Actor,
    home: HomeSubject,
    entity_id: uuid.UUID,
    data: EntityPatch,
    if_match: int | None,
) -> None:
    """Say what an entity is called and taken for; no role: it is derived again. Raises as ``set_device`` does."""
    await loading.lock_homes(session, [home.id])
    entity = await describing.locked_entity(session, entity_id)
    if entity is None or entity.home_id != home.id:
        raise NotFound
    check_version(entity, if_match)
    if "given_name" in data.model_fields_set:
        entity.given_name = data.given_name
    if "role" in data.model_fields_set:
        entity.is_role_given = data.role is not None
        entity.role = data.role or "other"
    await session.flush()
    await refresh_roles(session, [entity.device_id])
    await session.refresh(entity)
    await _changed(session, actor, home, "home_devices:describe", entity.id)


async def forget_device(session: AsyncSession, actor: Actor, home: HomeSubject, device_id: uuid.UUID) -> None:
    """Take a device out of the home; it comes back when its hub describes it again. Raises ``NotFound``."""
    await loading.lock_homes(session, [home.id])
    device = await _device(session, home, device_id)
    await describing.forget_device(session, device)
    await describing.remove_entities_of(session, device.id)
    await storing.settle_devices(session, [device.id], [home.id])
    await _changed(session, actor, home, "home_devices:forget", device.id)


async def add_room(session: AsyncSession, actor: Actor, home: HomeSubject, data: RoomWrite) -> HomeRoom:
    """Add a room. Raises ``RoomExists`` for a name that is taken, ``TooManyRooms``."""
    await loading.lock_homes(session, [home.id])
    known = await loading.rooms_of(session, [home.id])
    if len(known) >= MOST_ROOMS:
        raise TooManyRooms(most=MOST_ROOMS)
    _require_free(known, data.name, None)
    room = HomeRoom(
        home_id=home.id, resident_id=home.resident_id, name=data.name, kind=data.kind or room_kind_of(data.name)
    )
    session.add(room)
    await session.flush()
    await _changed(session, actor, home, "home_rooms:add", room.id)
    return room


async def set_room(
    session: AsyncSession, actor: Actor, home: HomeSubject, room_id: uuid.UUID, data: RoomPatch, if_match: int | None
) -> HomeRoom:
    """Change a room's name or kind. Raises ``NotFound``, ``StaleVersion``, ``RoomExists``."""
    await loading.lock_homes(session, [home.id])
    room = await _room_in(session, home, room_id, is_body=False)
    check_version(room, if_match)
    if data.name is not None:
        _require_free(await loading.rooms_of(session, [home.id]), data.name, room_id)
        room.name = data.name
    room.kind = data.kind or room.kind
    await session.flush()
    inside = await session.scalars(sa.select(DEVICES.c.id).where(DEVICES.c.room_id == room.id))
    await refresh_roles(session, list(inside))
    await _changed(session, actor, home, "home_rooms:change", room.id)
    return room


async def remove_room(session: AsyncSession, actor: Actor, home: HomeSubject, room_id: uuid.UUID) -> None:
    """Remove a room; what was in it is in none. Raises ``NotFound``."""
    await loading.lock_homes(session, [home.id])
    room = await _room_in(session, home, room_id, is_body=False)
    moved = await describing.clear_room(session, room.id)
    await session.execute(sa.delete(ROOMS).where(ROOMS.c.id == room.id))
    await refresh_roles(session, moved)
    await _changed(session, actor, home, "home_rooms:remove", room_id)


async def _changed(session: AsyncSession, actor: Actor, home: HomeSubject, action: str, object_id: uuid.UUID) -> None:
    await storing.bump(session, [home.id])
    await audit.record(session, actor, action, resident_id=home.resident_id, object_id=object_id)


async def _device(session: AsyncSession, home: HomeSubject, device_id: uuid.UUID) -> HomeDevice:
    device = await describing.locked_device(session, device_id)
    if device is None or device.home_id != home.id:
        raise NotFound
    return device


async def _room_in(session: AsyncSession, home: HomeSubject, room_id: uuid.UUID, *, is_body: bool = True) -> HomeRoom:
    room = await session.get(HomeRoom, room_id, with_for_update=True, populate_existing=True)
    if room is None or room.home_id != home.id:
        if is_body:
            raise Malformed(errors=[FieldError("/body/room_id", "is no room of this home", "unknown_room")])
        raise NotFound
    return room


def _require_free(rooms: list[sa.Row[tuple[object, ...]]], name: str, but: uuid.UUID | None) -> None:
    if any(row.name.lower() == name.lower() and row.id != but for row in rooms):
        raise RoomExists
