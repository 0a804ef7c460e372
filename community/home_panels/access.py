"""Who may see and change what of somebody is shown in their home."""

import uuid
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import Forbidden, NotFound
from app.identity.api import require_resident
from community.home_panels.problems import OnlyTheirOwn
from community.homes.models import HOMES, RESIDENTS

DECIDES: Final = "grants:manage"
"""Whoever may say who sees what of a resident may also say what their wall shows; with ``home:manage`` beside it."""

_LIVES_THERE: Final = (
    sa.select(HOMES.c.state)
    .join(RESIDENTS, RESIDENTS.c.home_id == HOMES.c.id)
    .where(
        HOMES.c.id == sa.bindparam("home_id", type_=sa.Uuid),
        RESIDENTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    )
)


async def require_place(connection: AsyncConnection, resident_id: uuid.UUID, home_id: uuid.UUID) -> str:
    """Return the state of a home in which a resident lives; raises ``NotFound`` if they do not."""
    binds = {"home_id": home_id, "resident_id": resident_id}
    state: str | None = (await connection.execute(_LIVES_THERE, binds)).scalar_one_or_none()
    if state is None:
        raise NotFound
    return state


async def require_agreeing(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> None:
    """Raise ``OnlyTheirOwn`` unless the actor is the resident or decides such things for them."""
    try:
        await require_resident(connection, actor, resident_id, DECIDES)
    except Forbidden:
        raise OnlyTheirOwn from None
