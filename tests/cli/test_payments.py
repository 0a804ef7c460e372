"""What the gateway told and where its books differ, as the commands say it."""

import pytest
from typer.testing import CliRunner

from app.billing.gateway_events.service import take
from app.billing.gateways.port import Told
from app.cli.payments import payments
from app.core.clock import now
from app.core.database import Database, unit_of_work
from tests.cli.asking import SaidBy


async def test_what_nobody_knows_is_listed(database: Database, said_by: SaidBy) -> None:
    async with unit_of_work() as session:
        await take(session, "stripe", Told("evt_1", "payment_intent.succeeded", now(), {"id": "pi_1", "amount": 5}))
    status, listed = await said_by("payments", "discrepancies")
    assert status == 0
    (row,) = (line for line in listed.splitlines() if "pi_1" in line)
    assert "unknown" in row
    assert await said_by("payments", "reconcile") == (0, "0 compared, 0 looked at again, 0 newly reported\n")


@pytest.mark.parametrize("arguments", [["replay"], ["replay", "--hours", "0"], ["reconcile", "--days", "0"]])
def test_what_is_meant_has_to_be_said(arguments: list[str]) -> None:
    assert CliRunner().invoke(payments, arguments).exit_code == 2
