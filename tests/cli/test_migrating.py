"""Taking a database down to an earlier revision, as the command does it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from app import migrations
from app.cli.__main__ import app
from app.core import embedded
from app.core.settings import Settings, install_settings
from tests.faults.processes import looking

_ALARM = """
INSERT INTO eldercare_alarm (id, created_at, updated_at, version, community_id, resident_id, kind, severity, state,
    is_test, stands_alone, raised_at, step, round, next_step_at)
SELECT gen_random_uuid(), at, at, 1, gen_random_uuid(), $1, $2, 4, 'raised', $3, $4, at, 1, 1, at
FROM (SELECT clock_timestamp() AS at) t"""
_GRACE, _ROSA = "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"


@pytest.fixture
def at_0009(server: embedded.EmbeddedServer, test_settings: Settings) -> Iterator[str]:
    """Run on a database of its own, at revision 0009."""
    name = "migrating"
    server.drop_database(name)
    server.create_database(name)
    url = server.url(name)
    migrations.upgrade(url, "0009")
    install_settings(
        test_settings.model_copy(update={"database": test_settings.database.model_copy(update={"url": SecretStr(url)})})
    )
    yield url
    install_settings(test_settings)
    server.drop_database(name)


def _do(url: str, statement: str, *binds: Any) -> Any:
    async def run() -> Any:
        async with looking(url) as connection:
            await connection.execute("SET session_replication_role = replica")  # whoever lives there is not asked
            return await connection.fetchval(statement, *binds)

    return asyncio.run(run())


def test_an_sos_beside_another_alarm_is_neither_ended_nor_merged_by_going_down(at_0009: str) -> None:
    for resident, kind, is_test in ((_GRACE, "fall", False), (_GRACE, "sos", False), (_ROSA, "sos", True)):
        _do(at_0009, _ALARM, resident, kind, is_test, kind == "sos" and not is_test)
    _do(at_0009, _ALARM, _ROSA, "fall", False, False)

    refused = CliRunner().invoke(app, ["migrate", "--down", "0008"])

    assert refused.exit_code == 1
    said = " ".join(refused.output.split())  # a terminal breaks lines where it likes
    assert "the database stays at 0009: 1 resident(s) have an SOS open beside another alarm" in said
    assert _GRACE in refused.output
    assert _ROSA not in refused.output
    assert _do(at_0009, "SELECT version_num FROM alembic_version") == "0009"
    assert _do(at_0009, "SELECT count(*) FROM eldercare_alarm WHERE stands_alone") == 1

    _do(at_0009, "UPDATE eldercare_alarm SET state = 'resolved', next_step_at = NULL WHERE kind = 'fall'")
    done = CliRunner().invoke(app, ["migrate", "--down", "0008"])

    assert done.exit_code == 0, done.output
    assert _do(at_0009, "SELECT version_num FROM alembic_version") == "0008"
