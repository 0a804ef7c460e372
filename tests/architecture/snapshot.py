"""A copy of all rows to go back to: far cheaper than making a world anew after each change."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self

import asyncpg
from sqlalchemy.engine import make_url

from app.core.database import database
from tests.emptying import TABLES

_SEQUENCES: Final = """
    SELECT array_agg(format('setval(%L, %s, %L)', seqrelid::regclass, coalesce(value, seqstart), value IS NOT NULL))
    FROM pg_sequence, pg_sequence_last_value(seqrelid) AS value
"""
_AT: Final = "SELECT pg_current_xact_id()::text::bigint"


_taken: "list[Snapshot]" = []


class Snapshot:
    """A copy, and a connection that is kept for it: each look is at every table, by a statement planned once.

    The audit trail refuses to be emptied by anything but a replica role, so that is what the connection is.
    """

    def __init__(self, connection: asyncpg.Connection, schema: str) -> None:
        """Take over a connection of ``connect``."""
        self._connection = connection
        self._schema = schema
        self._counted: Sequence[str] = ()
        self._then: Sequence[str] = ()
        self._kept: dict[str, int] = {}
        self._tables: Sequence[str] = ()
        self._at = 0
        self._changed: asyncpg.prepared_stmt.PreparedStatement | None = None

    @classmethod
    async def connect(cls, schema: str) -> Self:
        """Open the connection; the copies are in a schema of their own."""
        dsn = make_url(database().url).set(drivername="postgresql").render_as_string(hide_password=False)
        settings = {"session_replication_role": "replica", "plan_cache_mode": "force_generic_plan"}
        return cls(await asyncpg.connect(dsn, server_settings=settings), schema)

    @property
    def pid(self) -> int:
        """The database's process for it."""
        return int(self._connection.get_server_pid())

    async def take(self) -> None:
        """Copy every row."""
        async with self._connection.transaction():
            await self._connection.execute(f"CREATE SCHEMA {self._schema}")
            self._at = await self._connection.fetchval(_AT)
            self._then = await self._connection.fetchval(TABLES)
            for name in self._then:
                if count := await self._connection.fetchval(f"SELECT count(*) FROM {name}"):
                    await self._connection.execute(f"CREATE UNLOGGED TABLE {self._schema}.{name} AS TABLE {name}")
                    self._kept[name] = count
            self._counted = await self._connection.fetchval(_SEQUENCES)

    async def go_back(self) -> None:
        """Put back the tables that were changed."""
        tables = await self._connection.fetchval(TABLES)
        if self._changed is None or tables != self._tables:
            looks = ", ".join(f"CASE WHEN {self._look(name)} THEN '{name}' END" for name in tables)
            self._changed = await self._connection.prepare(f"SELECT array_remove(ARRAY[{looks}], NULL), $1::bigint")
            self._tables = tables
        changed = await self._changed.fetchval(self._at)
        if not changed:
            return
        async with self._connection.transaction():
            await self._connection.execute("; ".join(f"DELETE FROM {name}" for name in changed))
            for name in self._kept.keys() & set(changed):
                copied = f"INSERT INTO {name} OVERRIDING SYSTEM VALUE SELECT * FROM {self._schema}.{name}"
                await self._connection.execute(copied)
            self._at = await self._connection.fetchval(_AT)

    async def is_good(self) -> bool:
        """Say whether there are the tables there were: rows of another partition could not be put back."""
        tables: Sequence[str] = await self._connection.fetchval(TABLES)
        return tables == self._then

    async def restore(self) -> None:
        """Put back everything after the database was emptied: what is numbered goes on where it was, too."""
        await self.go_back()
        await self._connection.execute(f"SELECT {', '.join(self._counted)}")

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Let ``go_back`` go back to this one, for as long as the block runs."""
        _taken.append(self)
        try:
            yield
        finally:
            _taken.remove(self)

    async def drop(self) -> None:
        """Forget the copy."""
        await self._connection.execute(f"DROP SCHEMA {self._schema} CASCADE")
        await self._connection.close()

    def _look(self, name: str) -> str:
        """Return what is true of a changed table: a row is of a later transaction, or there are more or fewer."""
        if name not in self._kept:
            return f"EXISTS (SELECT FROM {name})"
        later = "count(*) FILTER (WHERE xmin::text::bigint > $1) > 0"
        return f"(SELECT {later} OR count(*) <> {self._kept[name]} FROM {name})"


@asynccontextmanager
async def snapshot() -> AsyncIterator[None]:
    """Keep a copy of every row for as long as the block runs."""
    taken = await Snapshot.connect("snapshot")
    await taken.take()
    try:
        async with taken.held():
            yield
    finally:
        await taken.drop()


async def go_back() -> None:
    """Put all rows back to what they were when the snapshot was taken."""
    await _taken[-1].go_back()
