"""What is told of one person's drugs costs the same however many others take theirs."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core import set_ids
from app.core.clock import ManualClock
from app.core.database import connect_raw, unit_of_work
from app.identity.models import Resident
from eldercare.medication.schemas.stocks import StockWrite
from eldercare.medication.service import stocks, telling
from tests.factories import eldercare_medication as made
from tests.plans import explain, nodes

pytestmark = pytest.mark.usefixtures("database", "subscribed")

_OTHERS = f"""
WITH other AS (
    INSERT INTO eldercare_regimen (id, created_at, updated_at, version, community_id, resident_id, account_id, state,
        version_id, drug_index)
    SELECT {set_ids.MINT_SQL}, created_at, updated_at, version, community_id, resident_id, account_id, state,
        version_id, drug_index
    FROM eldercare_regimen, generate_series(1, 3000) RETURNING *
)
INSERT INTO eldercare_medication_stock (id, created_at, updated_at, version, community_id, resident_id, regimen_id,
    on_hand, unit, remind_days, round)
SELECT {set_ids.MINT_SQL}, created_at, updated_at, 1, community_id, resident_id, id, 10, '{{tablet}}', 7, 1 FROM other
"""


@pytest.mark.parametrize("analyzed", [False, True])
async def test_telling_of_a_low_stock_looks_at_no_other(
    resident: Resident, clock: ManualClock, *, analyzed: bool
) -> None:
    await made.relative(resident)
    regimen = await made.regimen(resident)
    subject = await made.subject_of(resident)
    async with unit_of_work() as session:
        data = StockWrite(on_hand=Decimal(1))
        await stocks.count(session, made.self_actor(resident), subject, regimen.id, data, None)
        stock_id = await session.scalar(sa.text("SELECT id FROM eldercare_medication_stock"))
        await session.execute(sa.text(_OTHERS), {"minted_at": set_ids.minted_at()})
    if analyzed:
        raw = await connect_raw()
        await raw.execute("ANALYZE")
        await raw.close()
    binds = telling._LOW.compile().params | {
        "stock_ids": [stock_id],
        "days": [datetime(2026, 3, 4, tzinfo=UTC).date()],
        "granted_at": clocks.now(),
    }
    async with unit_of_work() as session:
        plan = await explain(session, telling._LOW, binds)
    assert plan["Actual Rows"] == 2
    assert max(node["Actual Rows"] * node["Actual Loops"] for node in nodes(plan)) < 100
