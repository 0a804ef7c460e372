"""What a supervisor is told: that the process lives, whether it can work, and its figures."""

from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa

from app.core import database as databases
from app.core import health
from app.core.database import close_database, database, open_database, unit_of_work
from app.core.settings import DatabaseSettings


@pytest.fixture
def expected() -> Iterator[str]:
    health.expect_revision("0042")
    yield "0042"
    health.expect_revision(None)


async def _at(revision: str) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.text("CREATE TABLE IF NOT EXISTS alembic_version (version_num text)"))
        await session.execute(sa.text("DELETE FROM alembic_version"))
        await session.execute(sa.text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


async def test_a_process_with_its_database_is_alive_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "alive"}
    assert (await client.get("/health/ready")).json() == {"status": "ready"}


async def test_on_a_database_of_another_version_it_is_not_ready(client: httpx.AsyncClient, expected: str) -> None:
    async with unit_of_work() as session:
        kept = await session.scalar(sa.text("SELECT to_regclass('alembic_version')"))
        before = await session.scalar(sa.text("SELECT version_num FROM alembic_version")) if kept else None
    await _at("0041")
    refused = await client.get("/health/ready")
    assert (refused.status_code, refused.json()["code"]) == (503, "not_migrated")
    assert "0041" not in refused.text
    assert (await client.get("/health/live")).status_code == 200
    await _at(expected)
    assert (await client.get("/health/ready")).status_code == 200
    async with unit_of_work() as session:
        if before is None:
            await session.execute(sa.text("DROP TABLE alembic_version"))
    if before is not None:
        await _at(before)


async def test_without_its_database_it_is_alive_but_not_ready(client: httpx.AsyncClient) -> None:
    opened = database()
    nowhere = opened.url.set(query={"host": "/nonexistent"}).render_as_string(hide_password=False)
    try:
        open_database(nowhere, DatabaseSettings())
        refused = await client.get("/health/ready")
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert "nonexistent" not in refused.text
        assert (await client.get("/health/live")).status_code == 200
        await close_database()
    finally:
        databases._database = opened


async def test_metrics_are_those_of_prometheus(client: httpx.AsyncClient) -> None:
    await client.get("/health/live")
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'hearthline_http_requests_total{method="GET",route="/health/live",status="200"}' in answer.text
