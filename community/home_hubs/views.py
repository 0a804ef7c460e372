"""The SQL that reads hubs that are asked."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.sealing import unseal
from app.core.statements import HotStatement
from community.home_devices.models import ENTITIES
from community.home_hubs.models import HUB_TOKEN, HUB_URL, HUBS
from community.home_hubs.problems import HubNotConnected
from community.home_hubs.schemas import Asked, HomeHubPublic
from community.homes.views import homes_by_id

_h, _e = HUBS.c, ENTITIES.c
_ids: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_home: Final = sa.bindparam("home_id", type_=sa.Uuid)
_SHOWN: Final = HotStatement(
    sa.select(
        _h.home_id, _h.host, _h.state, _h.error, _h.connected_at, _h.next_try_at, _h.software, _h.lease_until
    ).where(_h.home_id == _home)
)
_ASKED: Final = HotStatement(sa.select(_h.id, _h.home_id, _h.url, _h.token).where(_h.id == sa.any_(_ids)))
_OF_HOMES: Final = HotStatement(sa.select(_h.id, _h.home_id, _h.url, _h.token).where(_h.home_id == sa.any_(_ids)))
_TOPICS: Final = HotStatement(
    sa.select(_e.discovery_topic).where(
        _e.home_id == _home, _e.state == "active", _e.discovery_topic.like(sa.bindparam("below", type_=sa.Text))
    )
)


async def shown(connection: AsyncConnection, home_id: uuid.UUID) -> HomeHubPublic:
    """Return how it goes with a home's hub; raises ``HubNotConnected``."""
    row = await _SHOWN.row(connection, {"home_id": home_id})
    if row is None:
        raise HubNotConnected
    is_held = row["lease_until"] is not None and row["lease_until"] > clock.now()
    # Whoever followed it may have died: until another takes over it is waited for, not connected.
    state: Any = "waiting" if row["state"] == "connected" and not is_held else row["state"]
    return HomeHubPublic(
        home_id=row["home_id"],
        host=row["host"],
        state=state,
        error=row["error"],
        connected_at=row["connected_at"],
        next_try_at=row["next_try_at"] if row["state"] == "failing" else None,
        software=row["software"],
    )


async def asked(connection: AsyncConnection, hub_id: uuid.UUID) -> Asked | None:
    """Return what following a hub needs, or nothing if it was disconnected."""
    rows = await _ASKED.rows(connection, {"ids": [hub_id]})
    found = await _with_homes(connection, rows)
    return found[0] if found else None


async def asked_of(connection: AsyncConnection, home_ids: Sequence[uuid.UUID]) -> list[Asked]:
    """Return the hubs of those homes that have one that is asked."""
    return await _with_homes(connection, await _OF_HOMES.rows(connection, {"ids": list(home_ids)}))


async def announced_topics(connection: AsyncConnection, home_id: uuid.UUID, below: str) -> set[str]:
    """Return the topics at which a home's entities were announced that are like ``below``."""
    return {row.discovery_topic for row in await _TOPICS.rows(connection, {"home_id": home_id, "below": below})}


async def _with_homes(connection: AsyncConnection, rows: Sequence[sa.Row[tuple[object, ...]]]) -> list[Asked]:
    if not rows:
        return []
    homes = await homes_by_id(connection, [row.home_id for row in rows])
    return [Asked(row.id, unseal(row.url, HUB_URL), unseal(row.token, HUB_TOKEN), homes[row.home_id]) for row in rows]
