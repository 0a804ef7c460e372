"""Where benchmarks run: a durable embedded PostgreSQL of their own, and databases cloned from a prepared one."""

import gc
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from app import assembly, migrations
from app.core import embedded, wakeups
from app.core.database import Plans, close_database, open_database
from app.core.settings import DatabaseSettings, Settings, install_settings

DIRECTORY = Path(".hearthline/bench")


@contextmanager
def server() -> Iterator[embedded.EmbeddedServer]:
    """Run the benchmarks' PostgreSQL: durable, as in production."""
    install_settings(Settings(environment="test", directory=DIRECTORY))
    running = embedded.start_sync(DIRECTORY / "postgres")
    try:
        yield running
    finally:
        running.stop_sync()


def migrated(running: embedded.EmbeddedServer, name: str) -> str:
    """Make a fresh, migrated database and return its URL."""
    running.drop_database(name)
    running.create_database(name)
    migrations.upgrade(running.url(name))
    return running.url(name)


def cloned(running: embedded.EmbeddedServer, name: str, template: str) -> str:
    """Make a database that is a copy of ``template`` and return its URL."""
    running.drop_database(name)
    running.create_database(name, template=template)
    return running.url(name)


async def execute(url: str, *statements: str, **parameters: object) -> None:
    """Run SQL outside of Hearthline: what prepares a database, and what the limit does."""
    engine = create_async_engine(url)
    try:
        for statement in statements:
            async with engine.connect() as connection:
                autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
                used = {name: value for name, value in parameters.items() if f":{name}" in statement}
                # An instant stands where its type cannot be told from the context.
                await autocommit.execute(sa.text(statement.replace(":now", "CAST(:now AS timestamptz)")), used)
    finally:
        await engine.dispose()


@asynccontextmanager
async def hearthline(url: str, *, plans: Plans = "force_custom_plan") -> AsyncIterator[None]:
    """Open Hearthline on a database in this process, as workers do; with ``auto`` plans as the API does."""
    assembly.install()
    # As both do: what was loaded stays, and the collector does not look through it again and again.
    gc.collect()
    gc.freeze()
    open_database(url, DatabaseSettings(), plans=plans)
    await wakeups.start()
    try:
        yield
    finally:
        await wakeups.stop()
        await close_database()
        gc.unfreeze()


def peak_memory() -> float:
    """Return the most memory this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
