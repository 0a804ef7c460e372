"""A trail: what is committed to a table whose ids are in order of time, seen soon, each row once and none missed.

A row's place is the transaction that wrote it, not its id: one that commits late has an old id, and is found all the
same. A look reads what transactions wrote that had not ended at the look before, and knows which of that it has seen.
"""

import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import changes, clock
from app.core.statements import HotStatement

MARGIN: Final = timedelta(minutes=2)
"""How long before its transaction's first write, and by which other machine's clock, an id may have been minted."""
_OLDEST: Final = timedelta(hours=1)  # what may be running when a trail begins
_BETWEEN_MARKS: Final = timedelta(seconds=5)

_SNAPSHOT: Final = "CAST(CAST(pg_snapshot_{}(pg_current_snapshot()) AS text) AS bigint)"
_SETTLED, _NEWEST = (sa.literal_column(_SNAPSHOT.format(end), sa.BigInteger) for end in ("xmin", "xmax"))


def trail_of(rows: sa.Select[*tuple[Any, ...]], table: sa.Table) -> HotStatement:
    """Return what a ``Trail`` reads: ``rows``, which are of ``table`` and its ids, with how far this moment sees."""
    found = (
        rows.add_columns(table.c.id.label("trail_id"), changes.written_by(table).label("trail_writer"))
        .where(table.c.id >= sa.bindparam("trail_first", type_=sa.Uuid), changes.written_since(table))
        .subquery("found")
    )
    horizon = sa.select(_SETTLED.label("settled"), _NEWEST.label("newest")).subquery("horizon")
    return HotStatement(
        sa.select(horizon.c.settled, horizon.c.newest, *found.c).select_from(horizon.outerjoin(found, sa.true()))
    )


class Trail:
    """Where somebody stands on a trail."""

    def __init__(self, statement: HotStatement) -> None:
        self._statement = statement
        self._since = 0
        self._seen: set[uuid.UUID] = set()
        # All that ran at the first mark has ended, so whatever commits from here on began after its instant.
        self._marks: deque[tuple[int, datetime]] = deque()

    async def begin(self, connection: AsyncConnection) -> None:
        """Begin here: what is committed from now on is told."""
        now, here = clock.now(), await changes.horizon(connection)
        self._since, self._seen = here.settled, set()
        self._marks = deque([(0, now - _OLDEST), (here.newest, now)])

    async def read(self, connection: AsyncConnection, binds: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Return the rows that were committed since the last look, or since the beginning.

        ``binds`` are the values of the named parameters of the trail's rows.
        """
        own = {"trail_first": clock.id_floor(self._marks[0][1] - MARGIN), "since": self._since}
        now = clock.now()
        rows = await self._statement.rows(connection, {**(binds or {}), **own})
        settled, newest = rows[0].settled, rows[0].newest
        found = [row for row in rows if row.trail_id is not None]
        fresh = [row for row in found if row.trail_id not in self._seen]
        # What ended transactions wrote is not read again.
        self._since, self._seen = settled, {row.trail_id for row in found if row.trail_writer >= settled}
        self._mark(settled, newest, now)
        return fresh

    def _mark(self, settled: int, newest: int, now: datetime) -> None:
        if not timedelta() <= now - self._marks[-1][1] < _BETWEEN_MARKS:
            self._marks.append((newest, now))
        while len(self._marks) > 1 and self._marks[1][0] <= settled:
            self._marks.popleft()
