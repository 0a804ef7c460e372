"""Leases: rows worked on outside a transaction, such as calls to a provider, without two workers doing the same.

A lease is kept by ``lease_until`` and ``fence``: each claim raises the fence, and only who still holds the latest one
may store a result. A worker that died loses its rows when the lease ends; one that was slow finds its fence outdated.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import unit_of_work
from app.core.queues import Due

_INSTANT = sa.DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Held:
    """A row under lease: results are stored only while ``fence`` is the row's."""

    id: uuid.UUID
    fence: int


@dataclass(frozen=True)
class Lease:
    """Hands out the rows of ``due``; their table has ``lease_until`` (timestamptz, empty), ``fence`` (integer, 0)."""

    due: Due
    ttl: timedelta

    @cached_property
    def _claim(self) -> sa.UpdateBase:
        rows = self.due.rows
        free = sa.or_(rows.c.lease_until.is_(None), rows.c.lease_until <= sa.bindparam("claim_now", type_=_INSTANT))
        found = (
            sa.select(rows.c.id)
            .where(self.due.is_due, free)
            .order_by(self.due.deadline)
            .limit(sa.bindparam("claim_size", type_=sa.Integer))
            .with_for_update(skip_locked=True, key_share=True)
            .cte("found")
        )
        return (
            sa.update(rows)
            .where(rows.c.id == found.c.id)
            .values(lease_until=sa.bindparam("lease_end", type_=_INSTANT), fence=rows.c.fence + 1)
            .returning(rows.c.id, rows.c.fence, self.due.deadline.label("due_at"))
        )

    @cached_property
    def _ours(self) -> sa.ColumnElement[bool]:
        """The rows of the binds ``lease_ids`` and ``lease_fences`` that nobody claimed after us."""
        ids, fences = (
            sa.bindparam("lease_ids", type_=ARRAY(sa.Uuid)),
            sa.bindparam("lease_fences", type_=ARRAY(sa.Integer)),
        )
        held = sa.func.unnest(ids, fences).table_valued("id", "fence").render_derived("held")
        rows = self.due.rows
        return sa.tuple_(rows.c.id, rows.c.fence).in_(sa.select(held.c.id, held.c.fence))

    @cached_property
    def _set_until(self) -> sa.UpdateBase:
        rows = self.due.rows
        until = sa.bindparam("lease_end", type_=_INSTANT)
        changed = sa.update(rows).where(self._ours, rows.c.lease_until.is_not(None)).values(lease_until=until)
        return changed.returning(rows.c.id)

    async def claim(self, session: AsyncSession, size: int) -> list[Held]:
        """Lease up to ``size`` due rows, the longest due first; commit before working on them."""
        now = clock.now()
        found = await session.execute(self._claim, {"claim_now": now, "lease_end": now + self.ttl, "claim_size": size})
        by_deadline = sorted(found.all(), key=lambda row: row.due_at)
        return [Held(row.id, row.fence) for row in by_deadline]

    async def renew(self, session: AsyncSession, held: Sequence[Held]) -> set[uuid.UUID]:
        """Extend the lease by ``ttl`` from now; return the ids that are still ours."""
        return await self._change(session, held, clock.now() + self.ttl)

    async def finish(self, session: AsyncSession, held: Sequence[Held]) -> set[uuid.UUID]:
        """Lock the rows that are still ours and end their lease; return their ids.

        Only for these may results be stored, in this transaction, which must also move their deadline. What is missing
        from the result was claimed by somebody else after our lease had ended.
        """
        return await self._change(session, held, None)

    async def release(self, session: AsyncSession, held: Sequence[Held]) -> set[uuid.UUID]:
        """Give rows back untouched, to be claimed again at once; return their ids."""
        return await self._change(session, held, None)

    async def _change(self, session: AsyncSession, held: Sequence[Held], until: datetime | None) -> set[uuid.UUID]:
        binds = {"lease_ids": [row.id for row in held], "lease_fences": [row.fence for row in held], "lease_end": until}
        return set((await session.scalars(self._set_until, binds)).all())

    @asynccontextmanager
    async def holding(self, size: int) -> AsyncIterator[list[Held]]:
        """Lease up to ``size`` rows for the block; what it did not finish is given back, also when it is cancelled."""
        async with unit_of_work() as session:
            held = await self.claim(session, size)
        try:
            yield held
        finally:
            if held:
                await asyncio.shield(self._give_back(held))

    async def _give_back(self, held: Sequence[Held]) -> None:
        async with unit_of_work() as session:
            await self.release(session, held)
