"""The SQL of panels: finding and locking those that are pressed, shown or to be published."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from community.home_panels.models import PANELS, HomePanel
from community.homes.models import HOMES, RESIDENTS

_IDS: Final = sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
_HOMES: Final = sa.select(HOMES.c.id, HOMES.c.key, HOMES.c.addressing, HOMES.c.discovery_prefix).where(
    HOMES.c.id == _IDS
)
_now: Final = sa.bindparam("now", type_=sa.DateTime(timezone=True))
# The home is closed, or waits for somebody to agree; or the resident lives there no more, or no longer agrees.
_HOMELESS: Final = (
    sa.select(PANELS.c.id)
    .join(HOMES, HOMES.c.id == PANELS.c.home_id)
    .outerjoin(
        RESIDENTS,
        sa.and_(RESIDENTS.c.home_id == PANELS.c.home_id, RESIDENTS.c.resident_id == PANELS.c.resident_id),
    )
    .where(
        PANELS.c.state == sa.literal("shown", sa.Text),
        sa.or_(HOMES.c.state != sa.literal("active", sa.Text), RESIDENTS.c.agreed_at.is_(None)),
    )
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_ANNOUNCE: Final = (
    sa.update(PANELS)
    .where(PANELS.c.home_id == _IDS, PANELS.c.state == sa.literal("shown", sa.Text))
    .values(is_announced=False, publish_at=_now, updated_at=_now, version=PANELS.c.version + 1)
)


async def _locked(session: AsyncSession, condition: sa.ColumnElement[bool], binds: dict[str, Any]) -> list[HomePanel]:
    statement = sa.select(HomePanel).where(condition).order_by(col(HomePanel.id)).with_for_update()
    return list(await session.scalars(statement.execution_options(populate_existing=True), binds))


async def lock(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[HomePanel]:
    """Return panels, locked in the order of their ids."""
    return await _locked(session, col(HomePanel.id) == _IDS, {"ids": list(ids)})


async def lock_by_key(session: AsyncSession, keys: Collection[str]) -> dict[str, HomePanel]:
    """Return panels by their keys, locked."""
    condition = col(HomePanel.key) == sa.any_(sa.bindparam("keys", type_=ARRAY(sa.Text)))
    return {row.key: row for row in await _locked(session, condition, {"keys": list(keys)})}


async def lock_homeless(session: AsyncSession, most: int) -> list[HomePanel]:
    """Return panels, locked, that are shown where nothing of the resident's may be shown any more; ``most`` of them."""
    ids = list(await session.scalars(_HOMELESS, {"most": most}))
    return await lock(session, ids) if ids else []


async def lock_of_residents(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> list[HomePanel]:
    """Return the panels of residents that are shown, locked."""
    condition = sa.and_(col(HomePanel.resident_id) == _IDS, col(HomePanel.state) == "shown")
    return await _locked(session, condition, {"ids": list(resident_ids)})


async def lock_one(session: AsyncSession, home_id: uuid.UUID, resident_id: uuid.UUID) -> HomePanel | None:
    """Return a resident's panel in a home, locked."""
    condition = sa.and_(
        col(HomePanel.home_id) == sa.bindparam("home_id", type_=sa.Uuid),
        col(HomePanel.resident_id) == sa.bindparam("resident_id", type_=sa.Uuid),
    )
    found = await _locked(session, condition, {"home_id": home_id, "resident_id": resident_id})
    return found[0] if found else None


async def lock_all_of(session: AsyncSession, resident_id: uuid.UUID) -> list[HomePanel]:
    """Return the panels of a resident, whatever became of them, locked."""
    return await _locked(session, col(HomePanel.resident_id) == _IDS, {"ids": [resident_id]})


async def homes(session: AsyncSession, home_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return the homes panels are in: ``key``, ``addressing``, ``discovery_prefix``."""
    return {row.id: row for row in await session.execute(_HOMES, {"ids": list(home_ids)})}


async def announce_again(session: AsyncSession, home_ids: Collection[uuid.UUID]) -> None:
    """Have the panels of homes announced as if for the first time: their hubs have forgotten them."""
    await session.execute(_ANNOUNCE, {"ids": list(home_ids), "now": clock.now()})
