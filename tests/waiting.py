"""Knowing that somebody waits for somebody else inside PostgreSQL: nobody tells, so the test asks until it is so."""

import asyncio
from typing import Any

import sqlalchemy as sa

from app.core.database import reading

# Of this database alone: other workers' tests share the server, and their locks are none of ours.
_WAITING = sa.text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
)


async def waits_or_ends(task: "asyncio.Task[Any]") -> None:
    """Return once what ``task`` does waits for a lock, or it is done without having had to."""
    while not task.done():
        async with reading() as connection:
            if await connection.scalar(_WAITING):
                return


async def waits(task: "asyncio.Task[Any]") -> None:
    """Return once what ``task`` does waits for a lock; raises ``AssertionError`` if it ends without."""
    await waits_or_ends(task)
    assert not task.done(), "nobody had to wait"
