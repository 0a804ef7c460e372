"""What a process stands on while it runs: the database (embedded if none is named) and the wake-ups."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core import embedded, wakeups
from app.core.database import Database, Plans, close_database, open_database
from app.core.settings import Settings

EMBEDDED_DATABASE = "hearthline"


@asynccontextmanager
async def running(settings: Settings, *, plans: Plans = "auto") -> AsyncIterator[Database]:
    """Open the database, with ``plans`` as `open_database` has them, and the wake-ups for as long as the block runs.

    Without ``HEARTHLINE_DATABASE_URL`` the embedded PostgreSQL in the data directory is started, or joined if another
    process of ours runs it already.
    """
    async with _database_url(settings) as url:
        opened = open_database(url, settings.database, plans=plans)
        await wakeups.start()
        try:
            yield opened
        finally:
            await wakeups.stop()
            await close_database()


@asynccontextmanager
async def _database_url(settings: Settings) -> AsyncIterator[str]:
    if settings.database.url is not None:
        yield settings.database.url.get_secret_value()
        return
    server = await embedded.start(settings.directory / "postgres")
    try:
        server.create_database(EMBEDDED_DATABASE)
        yield server.url(EMBEDDED_DATABASE)
    finally:
        await server.stop()
