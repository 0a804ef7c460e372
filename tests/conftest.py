"""What every test stands on: a migrated database per worker, a clock that is set, the assembled application."""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from hypothesis import settings
from sqlalchemy.engine import make_url

from app.core import clock as clocks
from app.core import embedded, live
from app.core.database import Database, close_database, open_database
from app.core.settings import DatabaseSettings, Settings, install_settings

# A busy machine is no fault of what is tested: no test asserts a time.
settings.register_profile("hearthline", deadline=None)
settings.load_profile("hearthline")

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".hearthline" / "test"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

# A test fills some forty tables with a few rows each. To delete those takes a few milliseconds; to truncate makes new
# files for every table and index that hangs together, which is most of the schema, and took longer than the tests did.
# What has grown is truncated all the same: rows that were deleted are still in the way of whoever looks.
_GROWN = 512 * 1024
_EMPTIED = f"""
DO $$
DECLARE
    filled text[];
    grown boolean;
    one text;
BEGIN
    -- The audit trail refuses to be emptied by anything but a replica role, and that asks no foreign keys either.
    SET LOCAL session_replication_role = replica;
    SELECT array_agg(oid::regclass::text), bool_or(pg_relation_size(oid) > {_GROWN}) INTO filled, grown
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
      AND pg_relation_size(oid) > 0;
    IF grown THEN
        EXECUTE format('TRUNCATE %s CASCADE', array_to_string(filled, ', '));
    ELSE
        FOREACH one IN ARRAY coalesce(filled, '{{}}') LOOP
            EXECUTE format('DELETE FROM %s', one);
        END LOOP;
    END IF;
    PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence;
END $$
"""


def pytest_report_header() -> str:
    """Say which database the tests run on."""
    return f"PostgreSQL {embedded.major_version()}"


@pytest.fixture(scope="session", autouse=True)
def test_settings() -> Iterator[Settings]:
    """Run every test on settings that owe nothing to the environment."""
    settings = Settings(environment="test", directory=DATA)
    install_settings(settings)
    yield settings
    install_settings(None)


@pytest.fixture(scope="session")
def server() -> Iterator[embedded.EmbeddedServer]:
    """Start (or join) the embedded PostgreSQL that all test processes share."""
    DATA.mkdir(parents=True, exist_ok=True)
    running = embedded.start_sync(DATA / f"postgres-{embedded.major_version()}", durable=False)
    yield running
    running.stop_sync()


def _schema_fingerprint() -> str:
    files = sorted((ROOT / "app" / "migrations").rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@pytest.fixture(scope="session")
def template(server: embedded.EmbeddedServer) -> str:
    """Return the name of a database that is migrated to head; built once per state of the migrations."""
    from app.migrations import upgrade  # noqa: PLC0415 - imports every package, which unit tests do not need

    name = f"template_{_schema_fingerprint()}"
    with (DATA / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if name not in server.databases():
            building = f"building_{os.getpid()}"
            server.create_database(building)
            # Alembic runs a loop of its own, which no thread with a loop already can.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(upgrade, server.url(building)).result()
            server.rename_database(building, name)
    return name


@pytest.fixture(scope="session")
def database_name(server: embedded.EmbeddedServer, template: str) -> Iterator[str]:
    """Clone the template for this test process."""
    name = f"test_{os.getpid()}"
    server.create_database(name, template=template)
    yield name
    server.drop_database(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened(server: embedded.EmbeddedServer, database_name: str) -> AsyncIterator[Database]:
    """Open the process's engines on the worker's database."""
    yield open_database(server.url(database_name), DatabaseSettings())
    await close_database()


@pytest_asyncio.fixture(loop_scope="session")
async def database(opened: Database) -> AsyncIterator[Database]:
    """Give a test the worker's database, and empty what it filled: it is really committed, so readers see it."""
    yield opened
    dsn = make_url(opened.url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        await asyncio.wait_for(connection.execute(_EMPTIED), 10)
    finally:
        await connection.close()


@pytest.fixture
def clock() -> Iterator[clocks.ManualClock]:
    """Stop the clock at a Monday morning."""
    manual = clocks.ManualClock(START)
    previous = clocks.install(manual)
    yield manual
    clocks.install(previous)


@pytest.fixture(scope="session")
def app(test_settings: Settings) -> FastAPI:
    """Return the assembled application."""
    from app.main import create_app  # noqa: PLC0415 - imports every package

    return create_app(test_settings)


@pytest_asyncio.fixture(loop_scope="session")
async def client(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Return an HTTP client of the application, without a network: streams end when they have told what there is."""
    live.end()
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened_client:
        yield opened_client
    live.begin()
