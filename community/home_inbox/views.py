"""The SQL that reads what the inbox must know of homes' entities."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.statements import HotStatement
from community.home_devices.models import DEVICES, ENTITIES
from community.home_inbox.rules import Known

_e, _d = ENTITIES.c, DEVICES.c
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_ENTITIES: Final = sa.select(
    _e.id,
    _e.home_id,
    _e.community_id,
    _e.resident_id,
    _e.device_id,
    _e.component,
    _e.device_class,
    _e.state_class,
    _e.unit,
    _e.role,
    _d.room_id,
    _e.expire_after,
    _e.config,
    _e.name,
    _e.discovery_topic,
).select_from(ENTITIES.join(DEVICES, _e.device_id == _d.id))
_OF_HOMES: Final = HotStatement(_ENTITIES.where(_e.home_id == sa.any_(_IDS), _e.state == "active"))
_BY_ID: Final = HotStatement(_ENTITIES.where(_e.id == sa.any_(_IDS), _e.state == "active"))


async def entities_of(connection: AsyncConnection, home_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Known]]:
    """Return the entities of homes; a home without any has an empty list."""
    found: dict[uuid.UUID, list[Known]] = {home_id: [] for home_id in home_ids}
    for row in await _OF_HOMES.rows(connection, {"ids": list(found)}):
        found[row.home_id].append(Known(*row))
    return found


async def entities_by_id(connection: AsyncConnection, ids: Sequence[uuid.UUID]) -> list[Known]:
    """Return those of the entities that there still are."""
    return [Known(*row) for row in await _BY_ID.rows(connection, {"ids": ids})]
