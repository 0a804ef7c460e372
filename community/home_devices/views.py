"""The SQL that reads what a home has, for people."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.identity.api import trace_read
from community.home_devices.models import DEVICES, ENTITIES, REFUSALS
from community.home_devices.schemas import (
    DeviceDetail,
    DevicePublic,
    EntityPublic,
    RefusalPublic,
    RoomPublic,
)
from community.homes.access import HomeSubject
from community.homes.models import ROOMS

_DEVICES_KIND: Final = "community.home_devices"
_ENTITIES_KIND: Final = "community.home_entities"
_d, _e = DEVICES.c, ENTITIES.c
_home_id: Final = sa.bindparam("home_id", type_=sa.Uuid)
_home_ids: Final = sa.bindparam("home_ids", type_=ARRAY(sa.Uuid))
_limit: Final = sa.bindparam("limit", type_=sa.Integer)


def _is(column: sa.ColumnElement[Any], word: str) -> sa.ColumnElement[bool]:
    return column == sa.literal_column(f"'{word}'")


_device_name = sa.func.coalesce(_d.given_name, _d.name)
_SHOWN_DEVICE: Final = sa.select(
    *(_d[name] for name in DevicePublic.model_fields if name != "name"), _device_name.label("name")
)
_SHOWN_ENTITY: Final = sa.select(
    *(_e[name] for name in EntityPublic.model_fields if name != "name"),
    sa.func.coalesce(_e.given_name, _e.name).label("name"),
)
_LIST: Final = (
    _SHOWN_DEVICE.where(
        _d.home_id == _home_id,
        sa.or_(sa.bindparam("with_removed", type_=sa.Boolean), _is(_d.state, "active")),
        after((_d.id,), ("after_id",)),
    )
    .order_by(_d.id)
    .limit(_limit)
)
_ENTITIES: Final = (
    _SHOWN_ENTITY.where(_e.home_id == _home_id, _is(_e.state, "active"), after((_e.id,), ("after_id",)))
    .order_by(_e.id)
    .limit(_limit)
)
_DEVICE: Final = _SHOWN_DEVICE.add_columns(_d.identifiers, _d.connections).where(
    _d.home_id == _home_id, _d.id == sa.bindparam("device_id", type_=sa.Uuid)
)
_OF_DEVICE: Final = _SHOWN_ENTITY.where(_e.device_id == sa.bindparam("device_id", type_=sa.Uuid)).order_by(_e.id)
_ENTITY: Final = _SHOWN_ENTITY.where(_e.home_id == _home_id, _e.id == sa.bindparam("entity_id", type_=sa.Uuid))
_ROOMS: Final = sa.select(ROOMS).where(ROOMS.c.home_id == _home_id).order_by(ROOMS.c.id)
_REFUSALS: Final = (
    sa.select(REFUSALS).where(REFUSALS.c.home_id == _home_id).order_by(REFUSALS.c.at.desc(), REFUSALS.c.topic)
)


async def devices(
    connection: AsyncConnection, actor: Actor, home: HomeSubject, page: PageRequest, *, with_removed: bool
) -> Page[DevicePublic]:
    """Return a page of a home's devices."""
    await trace_read(connection, actor, home.subject, "home_devices:list", home.id)
    binds = _binds(home, _DEVICES_KIND, page) | {"with_removed": with_removed}
    rows = list(await connection.execute(_LIST, binds))
    items = [DevicePublic(**row._asdict()) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_DEVICES_KIND, rows, page.limit, ["id"]))


async def entities(
    connection: AsyncConnection, actor: Actor, home: HomeSubject, page: PageRequest
) -> Page[EntityPublic]:
    """Return a page of what a home's devices notice and can do."""
    await trace_read(connection, actor, home.subject, "home_entities:list", home.id)
    rows = list(await connection.execute(_ENTITIES, _binds(home, _ENTITIES_KIND, page)))
    items = [EntityPublic(**row._asdict()) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_ENTITIES_KIND, rows, page.limit, ["id"]))


async def device(connection: AsyncConnection, actor: Actor, home: HomeSubject, device_id: uuid.UUID) -> DeviceDetail:
    """Return a device and its entities; raises ``NotFound``."""
    await trace_read(connection, actor, home.subject, "home_devices:read", device_id)
    return await device_shown(connection, home.id, device_id)


async def device_shown(connection: AsyncConnection, home_id: uuid.UUID, device_id: uuid.UUID) -> DeviceDetail:
    """Return a device as it is, to whoever just changed it, which is on record; raises ``NotFound``."""
    row = (await connection.execute(_DEVICE, {"home_id": home_id, "device_id": device_id})).one_or_none()
    if row is None:
        raise NotFound
    found = await connection.execute(_OF_DEVICE, {"device_id": device_id})
    return DeviceDetail(**row._asdict(), entities=[EntityPublic(**one._asdict()) for one in found])


async def entity_shown(connection: AsyncConnection, home_id: uuid.UUID, entity_id: uuid.UUID) -> EntityPublic:
    """Return an entity as it is, to whoever just changed it, which is on record; raises ``NotFound``."""
    row = (await connection.execute(_ENTITY, {"home_id": home_id, "entity_id": entity_id})).one_or_none()
    if row is None:
        raise NotFound
    return EntityPublic(**row._asdict())


async def rooms(connection: AsyncConnection, actor: Actor, home: HomeSubject) -> list[RoomPublic]:
    """Return a home's rooms: as many as a home can have."""
    await trace_read(connection, actor, home.subject, "home_rooms:list", home.id)
    found = await connection.execute(_ROOMS, {"home_id": home.id})
    return [RoomPublic(id=row.id, name=row.name, kind=row.kind, version=row.version) for row in found]


async def refusals(connection: AsyncConnection, actor: Actor, home: HomeSubject) -> list[RefusalPublic]:
    """Return what was refused last, the latest first."""
    await trace_read(connection, actor, home.subject, "home_refusals:list", home.id)
    found = await connection.execute(_REFUSALS, {"home_id": home.id})
    return [RefusalPublic(topic=row.topic, code=row.code, at=row.at) for row in found]


def _binds(home: HomeSubject, kind: str, page: PageRequest) -> dict[str, Any]:
    last = decode_cursor(kind, page.cursor)[0] if page.cursor else None
    return {"home_id": home.id, "after_id": uuid.UUID(last) if last else None, "limit": page.limit + 1}
