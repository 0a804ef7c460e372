"""Whatever is forgotten is found by an index and goes in batches, however much there is."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from app import assembly
from app.core import batches, retention
from app.core.clock import ManualClock
from app.core.database import Database, connection_of, reading, unit_of_work
from app.core.rate_limits import RateBucket
from app.core.tables import table_of
from tests.conftest import ROOT

assembly.load_tables()

PRUNED = {pruning.table: pruning for pruning in retention._prunings()}
BY_INSTANT = (
    ("core_idempotent_answer", "expires_at"),
    ("core_rate_bucket", "full_at"),
    ("identity_app_authorization", "expires_at"),
    ("identity_app_grant", "ended_at"),
    ("identity_app_token", "expires_at"),
    ("identity_browser_session", "expires_at"),
    ("identity_client_assertion", "expires_at"),
    ("identity_pairing", "expires_at"),
    ("identity_passkey_challenge", "expires_at"),
    ("identity_refresh_token", "expires_at"),
    ("identity_refresh_token", "used_at"),
    ("identity_session", "expires_at"),
    ("identity_session", "revoked_at"),
    ("identity_sign_in_challenge", "expires_at"),
    ("identity_staff_invitation", "expires_at"),
    ("notifications_allowance", "ends_at"),
    ("notifications_announcement", "expires_at"),
    ("notifications_dedupe", "expires_at"),
    ("notifications_handled_callback", "expires_at"),
)


def _referring() -> Iterator[Any]:
    for name in sorted(PRUNED):
        for column, _ in retention._referring(SQLModel.metadata.tables[name]):
            yield pytest.param(column.table, column.name, id=f"{column.table.name}.{column.name}")


def _leads(table: sa.Table, column: str) -> bool:
    """Say whether an index leads with a column and has all rows in which it is set."""
    keys = [list(table.primary_key.columns)]
    keys += [list(one.columns) for one in table.constraints if isinstance(one, sa.UniqueConstraint)]
    for index in table.indexes:
        where = index.dialect_options["postgresql"]["where"]
        if where is None or str(where) == f"{column} IS NOT NULL":
            keys.append(list(index.columns))
    return any(columns and columns[0].name == column for columns in keys)


@pytest.mark.parametrize(("table", "column"), list(_referring()))
def test_what_refers_to_a_row_that_goes_is_found_by_an_index(table: sa.Table, column: str) -> None:
    assert _leads(table, column)


@pytest.mark.parametrize(("name", "column"), BY_INSTANT)
def test_what_goes_by_its_instant_is_found_by_an_index(name: str, column: str) -> None:
    assert _leads(SQLModel.metadata.tables[name], column)


def test_what_goes_by_its_instant_is_all_that_is_deleted_so() -> None:
    called = re.compile(r"delete_past\(\s*\w+,")
    files = [path for package in ("app", "notifications") for path in (ROOT / package).rglob("*.py")]
    calls = sum(len(called.findall(path.read_text())) for path in files)
    of_sessions = [name for name, _ in BY_INSTANT if name in {"identity_session", "identity_refresh_token"}]
    assert calls == len(BY_INSTANT) - len(of_sessions) + 1  # theirs are one call


async def _plan(statement: Any, binds: dict[str, Any]) -> str:
    """Return how PostgreSQL would run a statement of which it knows that tables are large."""
    compiled = statement.compile(dialect=postgresql.asyncpg.dialect())  # type: ignore[no-untyped-call]
    values = [binds.get(name, compiled.params.get(name)) for name in compiled.positiontup or ()]
    async with unit_of_work() as session:
        raw = connection_of(session).driver
        await raw.execute("SET LOCAL enable_seqscan = off")
        return "\n".join(row[0] for row in await raw.fetch(f"EXPLAIN {compiled.string}", *values))


@pytest.mark.parametrize("name", sorted(PRUNED))
async def test_what_is_past_its_retention_is_found_by_an_index(
    name: str, database: Database, clock: ManualClock
) -> None:
    pruning = PRUNED[name]
    assert "Seq Scan" not in await _plan(pruning.find, retention._binds(pruning))
    for statement in (*pruning.along, pruning.delete):
        assert "Seq Scan" not in await _plan(statement, {"ids": []})


async def test_more_than_a_batch_goes_in_batches_the_oldest_first(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)
    buckets, now = table_of(RateBucket), clock.now()
    rows = [
        {
            "key": bytes([minute % 256]),
            "tokens": 1,
            "full_at": now - timedelta(minutes=minute),
            "used_at": now,
            "allowed": True,
        }
        for minute in (-1, 0, 3, 1, 2)
    ]
    async with unit_of_work() as session:
        await session.execute(sa.insert(buckets), rows)
    left = sa.select(buckets.c.key).order_by(buckets.c.key)
    async with reading() as connection:
        assert await batches.delete_past(connection, buckets, "full_at", now) == 2
        assert list(await connection.scalars(sa.select(sa.func.count()).select_from(buckets))) == [3]
        assert max([key[0] for key in await connection.scalars(left) if key[0] < 200], default=0) == 1
        assert await batches.delete_past(connection, buckets, "full_at", now) == 2
        assert await batches.delete_past(connection, buckets, "full_at", now) == 0
