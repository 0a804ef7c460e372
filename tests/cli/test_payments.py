"""What the gateway told and where its books differ, as the commands say it."""

import asyncio
import os
import sys

import pytest
from typer.testing import CliRunner

from app.billing.gateway_events.service import take
from app.billing.gateways.port import Told
from app.cli.payments import payments
from app.core.clock import now
from app.core.database import Database, unit_of_work
from tests.conftest import DATA, ROOT


async def said(database: Database, *arguments: str) -> tuple[int | None, str]:
    """Run a command on the tests' database; return its exit status and what it said."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "app.cli", "payments", *arguments),
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")},
            "HEARTHLINE_DIRECTORY": str(DATA),
            "HEARTHLINE_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "COLUMNS": "240",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await asyncio.wait_for(running.communicate(), 240)
    return running.returncode, output.decode()


async def test_what_nobody_knows_is_listed(database: Database) -> None:
    async with unit_of_work() as session:
        await take(session, "stripe", Told("evt_1", "payment_intent.succeeded", now(), {"id": "pi_1", "amount": 5}))
    status, listed = await said(database, "discrepancies")
    assert status == 0
    (row,) = (line for line in listed.splitlines() if "pi_1" in line)
    assert "unknown" in row
    assert await said(database, "reconcile") == (0, "0 compared, 0 looked at again, 0 newly reported\n")


@pytest.mark.parametrize("arguments", [["replay"], ["replay", "--hours", "0"], ["reconcile", "--days", "0"]])
def test_what_is_meant_has_to_be_said(arguments: list[str]) -> None:
    assert CliRunner().invoke(payments, arguments).exit_code == 2
