"""Whose home is silent: read while check-ins are planned, written when it changes, never both at once."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.tables import table_of
from eldercare.check_ins.models import SilentHome

_silences = table_of(SilentHome)
_INSTANT = sa.DateTime(timezone=True)
_residents = sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))

# Whoever plans reads whose home is silent and then writes check-ins; whoever writes who is silent then moves those that
# are planned. Side by side neither would see the other's, and somebody would be asked an hour late.
_KEY: Final = "hashtextextended('eldercare.home_silence', 0)"
_WHILE_PLANNING: Final = sa.text(f"SELECT pg_advisory_xact_lock_shared({_KEY})")
_WHILE_WRITING: Final = sa.text(f"SELECT pg_advisory_xact_lock({_KEY})")

_SILENT: Final = sa.select(_silences.c.resident_id).where(
    _silences.c.resident_id == sa.any_(_residents), _silences.c.is_silent
)
_rows = (
    sa.func.unnest(
        _residents,
        sa.bindparam("community_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("instants", type_=ARRAY(_INSTANT)),
    )
    .table_valued(sa.column("resident_id", sa.Uuid), sa.column("community_id", sa.Uuid), sa.column("since", _INSTANT))
    .render_derived("given")
)
_given = insert(_silences).from_select(
    ["resident_id", "community_id", "since", "is_silent"],
    sa.select(_rows.c.resident_id, _rows.c.community_id, _rows.c.since, sa.bindparam("silent", type_=sa.Boolean)),
)
_WRITE: Final = _given.on_conflict_do_update(
    index_elements=["resident_id"],
    set_={name: _given.excluded[name] for name in ("community_id", "is_silent", "since")},
    # What is told late of an earlier moment changes nothing. Of one moment the silence counts: who asks does no harm.
    where=sa.or_(
        _given.excluded.since > _silences.c.since,
        sa.and_(_given.excluded.since == _silences.c.since, _given.excluded.is_silent),
    ),
).returning(_silences.c.resident_id)


class Heard(NamedTuple):
    """That a resident's home fell silent, or was heard again, and when."""

    resident_id: uuid.UUID
    community_id: uuid.UUID
    at: datetime


async def silent_among(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the residents whose home is silent; until the transaction ends nobody's becomes so."""
    if not resident_ids:
        return set()
    await session.execute(_WHILE_PLANNING)
    return set(await session.scalars(_SILENT, {"resident_ids": list(resident_ids)}))


async def write(session: AsyncSession, homes: Collection[Heard], *, is_silent: bool) -> list[uuid.UUID]:
    """Note whose home is silent, or heard again; return those residents of whom nothing later is known."""
    if not homes:
        return []
    await session.execute(_WHILE_WRITING)
    latest = {home.resident_id: home for home in sorted(homes, key=lambda home: home.at)}
    binds = {
        "resident_ids": list(latest),
        "community_ids": [one.community_id for one in latest.values()],
        "instants": [one.at for one in latest.values()],
        "silent": is_silent,
    }
    return list(await session.scalars(_WRITE, binds))


async def known_silent(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the residents whose home was last known to be silent, without holding anybody up."""
    return set(await session.scalars(_SILENT, {"resident_ids": list(resident_ids)}))
