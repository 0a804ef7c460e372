"""What is asked of the database, by whichever way it goes there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import sqlalchemy as sa

from app.core.connections import Connection

_OF_DRIVER: Final = ("typeinfo", "current_setting('jit')")
"""What the driver asks of its own, once for each connection and type."""


@asynccontextmanager
async def statements(connection: Connection) -> AsyncIterator[list[str]]:
    """Collect the statements that run on a connection, SQLAlchemy's and ours; whole once the block has ended."""
    seen: list[str] = []

    def of_driver(logged: Any) -> None:
        if not any(word in logged.query for word in _OF_DRIVER):
            seen.append(logged.query)

    def of_sqlalchemy(*event: Any) -> None:
        seen.append(event[2])

    connection.driver.add_query_logger(of_driver)
    sa.event.listen(connection.sync_connection, "before_cursor_execute", of_sqlalchemy)
    try:
        yield seen
    finally:
        await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
        connection.driver.remove_query_logger(of_driver)
        sa.event.remove(connection.sync_connection, "before_cursor_execute", of_sqlalchemy)
