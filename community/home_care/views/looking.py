"""What is read of many homes at once to look at them."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.statements import HotStatement
from community.home_care.models import CARES, INCIDENTS, LISTENING, SILENCES
from community.home_care.rules.looks import OpenIncident, Snapshot
from community.home_care.rules.mornings import Mornings
from community.home_care.rules.settings import Settings
from community.home_care.rules.silences import MOST_DEVICE, Listening
from community.home_devices.models import DEVICES, ENTITIES
from community.home_states.models import STATES
from community.homes.models import HOMES

_REACH: Final = MOST_DEVICE + timedelta(days=1)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_SNAPSHOTS: Final = HotStatement(
    sa.select(
        *(CARES.c[name] for name in ("id", "home_id", "resident_id", "community_id", "settings", "usual")),
        *(CARES.c[name] for name in ("moved_at", "moved_role", "created_at")),
        *(HOMES.c[name] for name in ("time_zone", "state", "last_seen_at", "heard_every", "building")),
        SILENCES.c.id.label("silence_id"),
        SILENCES.c.since.label("silent_since"),
    )
    .select_from(
        CARES.join(HOMES, HOMES.c.id == CARES.c.home_id).outerjoin(
            SILENCES, sa.and_(SILENCES.c.home_id == CARES.c.home_id, SILENCES.c.over_at.is_(None))
        )
    )
    .where(CARES.c.id == sa.any_(_IDS))
    .order_by(CARES.c.home_id)
)
_INCIDENTS: Final = HotStatement(
    sa.select(
        *(INCIDENTS.c[name] for name in ("home_id", "kind", "source_id", "noticed_at")),
        STATES.c.state,
        STATES.c.is_available,
        sa.func.coalesce(ENTITIES.c.state == "removed", sa.false()).label("is_removed"),
    )
    .select_from(
        INCIDENTS.outerjoin(ENTITIES, ENTITIES.c.id == INCIDENTS.c.entity_id).outerjoin(
            STATES, STATES.c.entity_id == INCIDENTS.c.entity_id
        )
    )
    .where(INCIDENTS.c.home_id == sa.any_(_IDS), INCIDENTS.c.state == "open")
)
_since = sa.bindparam("since", type_=sa.DateTime(timezone=True))
_LISTENING: Final = sa.select(LISTENING.c.since, LISTENING.c.until).where(LISTENING.c.until > _since)
# Those alone whom the hub has outlived by more than the least a device may be silent: a few.
_DEVICES: Final = HotStatement(
    sa.select(
        *(DEVICES.c[name] for name in ("id", "home_id", "resident_id", "community_id")),
        *(DEVICES.c[name] for name in ("last_seen_at", "heard_every", "silent_since")),
        sa.select(sa.func.min(sa.cast(ENTITIES.c.id, sa.Text)))
        .where(
            ENTITIES.c.device_id == DEVICES.c.id,
            ENTITIES.c.state == "active",
            sa.or_(ENTITIES.c.role == "sos_button", ENTITIES.c.role == "fall"),
        )
        .scalar_subquery()
        .label("calls_by"),
    )
    .where(
        DEVICES.c.home_id == sa.any_(_IDS),
        DEVICES.c.state == "active",
        sa.or_(
            sa.and_(
                DEVICES.c.silent_since.is_(None),
                DEVICES.c.last_seen_at < sa.bindparam("heard_before", type_=sa.DateTime(timezone=True)),
            ),
            DEVICES.c.silent_since < DEVICES.c.last_seen_at,
        ),
    )
    .order_by(DEVICES.c.id)
)


async def snapshots(connection: AsyncConnection, ids: Sequence[uuid.UUID]) -> list[Any]:
    """Return a row for each of the cares, with its home and the silence it is in."""
    return await _SNAPSHOTS.rows(connection, {"ids": list(ids)})


async def open_incidents(
    connection: AsyncConnection, home_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[OpenIncident, ...]]:
    """Return what goes on in homes; a home in which nothing does is left out."""
    found: dict[uuid.UUID, tuple[OpenIncident, ...]] = {}
    for row in await _INCIDENTS.rows(connection, {"ids": list(home_ids)}):
        state = row.state if row.is_available else None
        one = OpenIncident(row.kind, row.source_id, row.noticed_at, state, row.is_removed)
        found[row.home_id] = (*found.get(row.home_id, ()), one)
    return found


async def listening(connection: AsyncConnection, now: datetime) -> Listening:
    """Return when we listened in the last days."""
    rows = await connection.execute(_LISTENING, {"since": now - _REACH})
    return Listening([(row.since, row.until) for row in rows])


async def doubtful_devices(
    connection: AsyncConnection, home_ids: Sequence[uuid.UUID], heard_before: datetime
) -> list[Any]:
    """Return devices that were not heard for a while, and those that are heard again."""
    return await _DEVICES.rows(connection, {"ids": list(home_ids), "heard_before": heard_before})


def snapshot_of(row: Any, incidents: tuple[OpenIncident, ...]) -> Snapshot:
    """Return a row as the rules take it."""
    return Snapshot(
        zone=ZoneInfo(row.time_zone),
        settings=Settings.of(row.settings),
        usual=Mornings.of(row.usual.get("mornings")),
        watched_since=row.created_at,
        moved_at=row.moved_at,
        moved_role=row.moved_role,
        last_seen_at=row.last_seen_at,
        heard_every=row.heard_every,
        silent_since=row.silent_since,
        incidents=incidents,
    )
