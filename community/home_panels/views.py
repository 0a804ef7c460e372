"""The SQL that reads panels: one, and which of some residents have any."""

import uuid
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import ResidentSubject, trace_read
from community.home_panels.models import PANELS, HomePanel
from community.home_panels.schemas import HomePanelPublic

_ONE: Final = sa.select(*(PANELS.c[name] for name in HomePanelPublic.model_fields)).where(
    PANELS.c.home_id == sa.bindparam("home_id", type_=sa.Uuid),
    PANELS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
)
_WITH_PANELS: Final = (
    sa.select(PANELS.c.resident_id)
    .where(
        PANELS.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        PANELS.c.state == sa.literal("shown", sa.Text),
    )
    .distinct()
)


def shown(row: HomePanel) -> HomePanelPublic:
    """Return a panel as it is shown to whoever changed it."""
    return HomePanelPublic.model_validate(row, from_attributes=True)


async def panel(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, home_id: uuid.UUID
) -> HomePanelPublic:
    """Return a resident's panel in a home; raises ``NotFound`` if there never was one."""
    await trace_read(connection, actor, subject, "home_panel:read", home_id)
    binds = {"home_id": home_id, "resident_id": subject.resident_id}
    row = (await connection.execute(_ONE, binds)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return HomePanelPublic.model_validate(dict(row))


async def with_panels(connection: AsyncConnection, resident_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the residents of whom something is shown in a home."""
    return set(await connection.scalars(_WITH_PANELS, {"resident_ids": list(resident_ids)}))
