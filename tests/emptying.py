"""Emptying a database after a test, as fast as it goes: what a test committed is gone before the next begins."""

import asyncio
from collections.abc import Sequence
from typing import Final, Self

import asyncpg

GROWN: Final = 524_288
"""So many bytes a table may have: rows that were deleted are still in the way of whoever looks."""
PATIENCE: Final = 10.0

TABLES: Final = """
    SELECT array_agg(oid::regclass::text ORDER BY oid) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
"""
"""The names of all tables with rows of a test's."""
_IS_GROWN: Final = "SELECT max(pg_relation_size(name::regclass)) > $2 FROM unnest($1::text[]) AS name"
_COUNTED_ANEW: Final = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"
_EMPTIED: Final = "BEGIN; {}; " + _COUNTED_ANEW + "; COMMIT"


class Emptying:
    """A connection that is kept for it: a new one would have to learn of every table first, after every test.

    Asked is which tables have rows, by one statement that is planned once; only those are emptied. To delete a few rows
    takes a few milliseconds; to truncate makes new files for every table and index that hangs together, which is most
    of the schema, and took longer than the tests did. What has grown is truncated all the same.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Take over a connection of ``connect``."""
        self._connection = connection
        self._tables: Sequence[str] = ()
        self._filled: asyncpg.prepared_stmt.PreparedStatement | None = None

    @classmethod
    async def connect(cls, dsn: str) -> Self:
        """Open the connection.

        The audit trail refuses to be emptied by anything but a replica role, and that asks no foreign keys either. To
        change the role forgets every plan: it is the connection's from the beginning.
        """
        return cls(await asyncpg.connect(dsn, server_settings={"session_replication_role": "replica"}))

    @property
    def pid(self) -> int:
        """The database's process for it."""
        return int(self._connection.get_server_pid())

    async def empty(self) -> None:
        """Empty all tables that have rows, and let sequences begin again."""
        async with asyncio.timeout(PATIENCE):
            filled = await self._with_rows()
            if filled and await self._connection.fetchval(_IS_GROWN, filled, GROWN):
                await self._connection.execute(_EMPTIED.format(f"TRUNCATE {', '.join(filled)} CASCADE"))
                await self._connection.execute("VACUUM pg_class")  # it has another row for every one of those files
            elif filled:
                await self._connection.execute(_EMPTIED.format("; ".join(f"DELETE FROM {name}" for name in filled)))
            else:
                await self._connection.execute(_COUNTED_ANEW)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    async def _with_rows(self) -> Sequence[str]:
        tables = await self._connection.fetchval(TABLES)
        if self._filled is None or tables != self._tables:  # partitions come and go, and tables of tests' own
            cases = (f"CASE WHEN EXISTS (SELECT FROM {name}) THEN '{name}' END" for name in tables)
            self._filled = await self._connection.prepare(f"SELECT array_remove(ARRAY[{', '.join(cases)}], NULL)")
            self._tables = tables
        filled: Sequence[str] = await self._filled.fetchval()
        return filled
