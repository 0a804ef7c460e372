"""What every test stands on: a migrated database per worker, a clock that is set, the assembled application."""

import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from sqlalchemy.engine import make_url

from app.core import clock as clocks
from app.core import embedded, live
from app.core.database import Database, close_database, open_database
from app.core.settings import DatabaseSettings, Settings, install_settings
from tests.emptying import Emptying

if TYPE_CHECKING:
    from tests.architecture.kept_world import Keeping
    from tests.faults.processes import Nursery

# A busy machine is no fault of what is tested: no test asserts a time.
settings.register_profile("hearthline", deadline=None)
settings.load_profile("hearthline")
# It would parse every module of ours in each process (eight seconds) to draw their constants now and then: among all
# 13,000 of the application's those that matter to one test hardly ever come up.
providers._get_local_constants = Constants

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".hearthline" / "test"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def emptying(opened: Database) -> AsyncIterator[Emptying]:
    """Keep a connection that empties the worker's database."""
    dsn = make_url(opened.url).set(drivername="postgresql").render_as_string(hide_password=False)
    ready = await Emptying.connect(dsn)
    yield ready
    await ready.close()


@pytest_asyncio.fixture(loop_scope="session")
async def database(opened: Database, emptying: Emptying) -> AsyncIterator[Database]:
    """Give a test the worker's database, and empty what it filled: it is really committed, so readers see it."""
    yield opened
    await emptying.empty()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nursery() -> AsyncIterator["Nursery"]:
    """Run what forks processes: one for all that want some, as it takes half a minute of a busy machine to start."""
    from tests.faults.processes import open_nursery  # noqa: PLC0415 - stands on this module

    async with open_nursery() as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def keeping(opened: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator["Keeping"]:
    """Keep the world that everybody is asked about, from the first test that wants it to the last."""
    from tests.architecture.kept_world import Keeping  # noqa: PLC0415 - imports every package

    ready = Keeping(tmp_path_factory.mktemp("kept"))
    yield ready
    await ready.close()


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


@pytest.fixture(scope="session")
def document(app: FastAPI) -> dict[str, Any]:
    """Return the API's description: it takes five seconds to make, so it is kept while the code is the same.

    The application serves it, too.
    """
    DATA.mkdir(parents=True, exist_ok=True)
    kept = DATA / f"openapi_{_code_fingerprint()}.json"
    with (DATA / "openapi.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            for older in DATA.glob("openapi_*.json"):
                older.unlink()
            written = kept.with_suffix(".new")
            written.write_bytes(orjson.dumps(app.openapi()))
            written.rename(kept)
        found: dict[str, Any] = orjson.loads(kept.read_bytes())
    app.openapi_schema = found
    return found


def _code_fingerprint() -> str:
    packages = ("app", "community", "eldercare", "notifications", "telemedicine")
    files = sorted(file for package in packages for file in (ROOT / package).rglob("*.py"))
    content = [file.read_bytes() for file in (*files, ROOT / "requirements.lock")]
    return hashlib.sha256(b"\0".join(content)).hexdigest()[:12]


@pytest_asyncio.fixture(loop_scope="session")
async def client(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Return an HTTP client of the application, without a network: streams end when they have told what there is."""
    live.end()
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened_client:
        yield opened_client
    live.begin()


_LONG: Final = ("tests/demo/", "tests/community/whole_", "tests/faults/", "tests/browser/", "tests/cli/")
"""What has tests of minutes: begun first, they do not leave one process alone with the last of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first; otherwise everything stays in its order."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))
