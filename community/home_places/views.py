"""The SQL that reads where what a home noticed is, and what is on record of it: ids, numbers, kinds of rooms."""

import uuid
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from community.home_care.models import INCIDENTS
from community.home_devices.models import DEVICES, ENTITIES
from community.homes.models import ROOMS

_PLACES: Final = (
    sa.select(
        INCIDENTS.c.id.label("incident_id"),
        INCIDENTS.c.explanation,
        ENTITIES.c.device_id,
        ROOMS.c.id.label("room_id"),
        ROOMS.c.kind.label("room"),
    )
    .outerjoin(ENTITIES, ENTITIES.c.id == INCIDENTS.c.entity_id)
    .outerjoin(DEVICES, DEVICES.c.id == ENTITIES.c.device_id)
    .outerjoin(ROOMS, ROOMS.c.id == DEVICES.c.room_id)
    .where(INCIDENTS.c.id == sa.any_(sa.bindparam("incident_ids", type_=ARRAY(sa.Uuid))))
)


async def noticed_where(
    connection: AsyncConnection, incident_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, dict[str, object]]:
    """Return what is known of where incidents are, and their explanation, by incident; nothing of what is unknown.

    What a room or a device is called somebody wrote: it stays in the home.
    """
    rows = await connection.execute(_PLACES, {"incident_ids": list(incident_ids)})
    return {
        row.incident_id: {
            "explanation": row.explanation,
            **{
                name: str(value)
                for name, value in (("device_id", row.device_id), ("room_id", row.room_id), ("room", row.room))
                if value is not None
            },
        }
        for row in rows
    }
