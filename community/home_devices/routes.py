"""A home's devices, entities and rooms over HTTP: without how they stand, which is for those who may see that."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from community.home_devices import views
from community.home_devices.problems import RoomExists, TooManyRooms
from community.home_devices.schemas import (
    DeviceDetail,
    DevicePatch,
    DevicePublic,
    EntityPatch,
    EntityPublic,
    RefusalPublic,
    RoomPatch,
    RoomPublic,
    RoomWrite,
)
from community.home_devices.service import describing
from community.homes.access import MANAGE, READ, HomeSubject, home_guard
from community.homes.models import HomeRoom

router = Router(tags=["smart_home"])

Known = Annotated[HomeSubject, Depends(home_guard(READ, MANAGE))]
Managed = Annotated[HomeSubject, Depends(home_guard(MANAGE))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/homes/{home_id}"


@router.get(f"{_OF}/devices", responses=problem_responses(*_GUARDED))
async def list_home_devices(
    connection: Reading,
    actor: CurrentActor,
    home: Known,
    page: PageQuery,
    *,
    with_removed: Annotated[bool, Query(description="also those that are gone")] = False,
) -> Page[DevicePublic]:
    """List the devices of a home, the longest known first."""
    return await views.devices(connection, actor, home, page, with_removed=with_removed)


@router.get(f"{_OF}/devices/{{device_id}}", responses=problem_responses(*_GUARDED))
async def get_home_device(
    device_id: uuid.UUID, connection: Reading, actor: CurrentActor, home: Known, response: Response
) -> DeviceDetail:
    """Show a device with what it notices and can do."""
    found = await views.device(connection, actor, home, device_id)
    set_etag(response, found.version)
    return found


@router.patch(f"{_OF}/devices/{{device_id}}", responses=problem_responses(*_GUARDED, StaleVersion))
async def update_home_device(
    device_id: uuid.UUID,
    session: Session,
    actor: CurrentActor,
    home: Managed,
    data: DevicePatch,
    *,
    if_match: IfMatch,
    response: Response,
) -> DeviceDetail:
    """Say what a device is called and in which room it is."""
    await describing.set_device(session, actor, home, device_id, data, if_match)
    found = await views.device_shown(await session.connection(), home.id, device_id)
    set_etag(response, found.version)
    return found


@router.delete(f"{_OF}/devices/{{device_id}}", status_code=204, responses=problem_responses(*_GUARDED))
async def delete_home_device(device_id: uuid.UUID, session: Session, actor: CurrentActor, home: Managed) -> None:
    """Take a device out of the home; it comes back, with its name and room, when its hub describes it again."""
    await describing.forget_device(session, actor, home, device_id)


@router.get(f"{_OF}/entities", responses=problem_responses(*_GUARDED))
async def list_home_entities(
    connection: Reading, actor: CurrentActor, home: Known, page: PageQuery
) -> Page[EntityPublic]:
    """List what the devices of a home notice and can do."""
    return await views.entities(connection, actor, home, page)


@router.patch(f"{_OF}/entities/{{entity_id}}", responses=problem_responses(*_GUARDED, StaleVersion))
async def update_home_entity(
    entity_id: uuid.UUID,
    session: Session,
    actor: CurrentActor,
    home: Managed,
    data: EntityPatch,
    *,
    if_match: IfMatch,
    response: Response,
) -> EntityPublic:
    """Say what an entity is called and what care takes it for."""
    await describing.set_entity(session, actor, home, entity_id, data, if_match)
    found = await views.entity_shown(await session.connection(), home.id, entity_id)
    set_etag(response, found.version)
    return found


@router.get(f"{_OF}/rooms", responses=problem_responses(*_GUARDED))
async def list_home_rooms(connection: Reading, actor: CurrentActor, home: Known) -> Page[RoomPublic]:
    """List the rooms of a home."""
    return Page(items=await views.rooms(connection, actor, home), next=None)


@router.post(f"{_OF}/rooms", status_code=201, responses=problem_responses(*_GUARDED, RoomExists, TooManyRooms))
async def create_home_room(
    session: Session, actor: CurrentActor, home: Managed, data: RoomWrite, response: Response
) -> RoomPublic:
    """Add a room; its kind is told from its name unless it is given."""
    return _room(await describing.add_room(session, actor, home, data), response)


@router.patch(f"{_OF}/rooms/{{room_id}}", responses=problem_responses(*_GUARDED, RoomExists, StaleVersion))
async def update_home_room(
    room_id: uuid.UUID,
    session: Session,
    actor: CurrentActor,
    home: Managed,
    data: RoomPatch,
    *,
    if_match: IfMatch,
    response: Response,
) -> RoomPublic:
    """Change a room's name or kind."""
    return _room(await describing.set_room(session, actor, home, room_id, data, if_match), response)


@router.delete(f"{_OF}/rooms/{{room_id}}", status_code=204, responses=problem_responses(*_GUARDED))
async def delete_home_room(room_id: uuid.UUID, session: Session, actor: CurrentActor, home: Managed) -> None:
    """Remove a room; the devices in it are in none then."""
    await describing.remove_room(session, actor, home, room_id)


@router.get(f"{_OF}/refusals", responses=problem_responses(*_GUARDED))
async def list_home_refusals(connection: Reading, actor: CurrentActor, home: Managed) -> Page[RefusalPublic]:
    """List which descriptions were not taken last, and why: why a device does not appear."""
    return Page(items=await views.refusals(connection, actor, home), next=None)


def _room(room: HomeRoom, response: Response) -> RoomPublic:
    set_etag(response, room.version)
    return RoomPublic.model_validate(room, from_attributes=True)
