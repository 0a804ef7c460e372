"""The SQL that keeps what is said of how long is waited for visits: what is in use, and each change as a new row."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.problems import StaleVersion
from eldercare.tolerances.models import TOLERANCES
from eldercare.tolerances.rules import Scope

_NOW = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_IN_USE = TOLERANCES.c.superseded_at.is_(None)
_SAID = sa.select(TOLERANCES).where(
    TOLERANCES.c.scope_id == sa.any_(sa.bindparam("scope_ids", type_=ARRAY(sa.Uuid))), _IN_USE
)
_SUPERSEDE = (
    sa.update(TOLERANCES)
    .where(TOLERANCES.c.scope_id == sa.bindparam("of_scope", type_=sa.Uuid), _IN_USE)
    .values(superseded_at=_NOW, updated_at=_NOW, version=TOLERANCES.c.version + 1)
    .returning(TOLERANCES.c.revision)
)
_INSERT = insert(TOLERANCES).on_conflict_do_nothing().returning(TOLERANCES.c.id)


async def said_for(connection: AsyncConnection, scope_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, sa.Row[Any]]:
    """Return what is said for communities, agencies and plans, by their ids; who says nothing is left out."""
    rows = await connection.execute(_SAID, {"scope_ids": list(scope_ids)})
    return {row.scope_id: row for row in rows}


async def say(
    session: AsyncSession,
    scope: Scope,
    scope_id: uuid.UUID,
    values: Mapping[str, Any],
    *,
    if_match: int | None,
    **about: Any,
) -> int:
    """Let ``values`` be what is said from now on and return the revision.

    Raises ``StaleVersion`` unless ``if_match`` (if given) is the revision in use; of two at once the second is stale.
    """
    now = clock.now()
    before = await session.scalar(_SUPERSEDE, {"of_scope": scope_id, "moment": now}) or 0
    if if_match is not None and if_match != before:
        raise StaleVersion
    row = {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "scope": scope,
        "scope_id": scope_id,
        "revision": before + 1,
        **about,
        **values,
    }
    if await session.scalar(_INSERT, row) is None:
        raise StaleVersion
    return before + 1


async def supersede(session: AsyncSession, scope_id: uuid.UUID) -> None:
    """Let what is said apply no more: what it is about is over."""
    await session.scalar(_SUPERSEDE, {"of_scope": scope_id, "moment": clock.now()})
