"""An operator's overview reads its own community's rows, and so many at most, however many others there are."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core import set_ids
from app.core.database import connect_raw, reading, unit_of_work
from notifications.delivery.models import DELIVERIES
from notifications.operations import views
from tests.notifications.notices import ALARM
from tests.notifications.sending.conftest import Scene

_OTHER_VALUES = {"id": set_ids.MINT_SQL, "community_id": "gen_random_uuid()", "lane": "number % 3"}
_OTHERS = f"""
INSERT INTO notifications_delivery ({", ".join(column.name for column in DELIVERIES.c)})
SELECT {", ".join(_OTHER_VALUES.get(column.name, column.name) for column in DELIVERIES.c)}
FROM (SELECT * FROM notifications_delivery ORDER BY id LIMIT 1) one, generate_series(1, 5000) AS number
"""


async def explain(statement: Any, binds: dict[str, object]) -> str:
    """Return the plan PostgreSQL chooses for a statement with these values."""
    async with unit_of_work() as session:
        connection = await session.connection()
        literal = statement.params(**binds).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        rows = await connection.exec_driver_sql(f"EXPLAIN {literal}")
        return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("name", ["_CHANNELS", "_LANES"])
async def test_the_overview_reads_only_its_communitys_rows(scene: Scene, clock: clocks.ManualClock, name: str) -> None:
    await scene.tell(ALARM)
    async with unit_of_work() as session:
        await session.execute(sa.text(_OTHERS), {"minted_at": set_ids.minted_at()})
    raw = await connect_raw()
    # A month that was emptied is without pages again, as one that was never filled.
    await raw.execute("VACUUM (ANALYZE) notifications_delivery")
    await raw.close()
    now = clock.now()
    statement = getattr(views, name)
    first_id = clocks.id_floor(now - timedelta(days=7))
    given = {"community_id": scene.community.id, "now": now, "first_id": first_id, "most": views.MOST_COUNTED}
    binds = {bind: given[bind] for bind in statement.compile().params if bind in given}
    plan = await explain(statement, binds)
    assert "Index Cond: ((community_id = " in plan
    scanned = [line for line in plan.splitlines() if "Seq Scan on" in line]
    assert all("cost=0.00..0.00" in line for line in scanned), plan  # the months that are empty
    assert "Filter: (community_id" not in plan


async def test_no_more_is_counted_than_the_newest(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.tell(ALARM)
    monkeypatch.setattr(views, "MOST_COUNTED", 1)
    async with reading() as connection:
        shown = await views.overview(connection, scene.community.id, timedelta(hours=1))
    assert sum(row.written for row in shown.channels) == 1
