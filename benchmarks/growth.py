"""Growth: what the claims and the list cost with ten thousand and with millions of rows of history behind them."""

import asyncio
import re
import time
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.core import embedded
from app.core.database import reading
from benchmarks import place, population
from benchmarks.report import Comparison, Series, out, show
from eldercare.check_ins import jobs
from eldercare.check_ins.views import check_ins as views

RESIDENTS = 10_000
DAYS = {"ten thousand": 1, "ten million": 1_000}
ROUNDS = 7
DUE_NOW = 500
_FEW_DUE = f"""UPDATE eldercare_check_in SET next_prompt_at = :now + interval '1 day'
WHERE id NOT IN (SELECT id FROM eldercare_check_in WHERE state = 'scheduled' LIMIT {DUE_NOW}) AND state = 'scheduled'"""
_dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's has no types


async def _explain(
    name: str, statement: sa.Select[*tuple[object, ...]], binds: dict[str, object]
) -> tuple[float, int, str]:
    """Return the median milliseconds of a statement, the buffers it touches, and its plan."""
    seconds = []
    async with reading() as connection:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await connection.execute(statement, binds)
            seconds.append(time.perf_counter() - started)
        compiled = statement.compile(dialect=_dialect)
        values = [binds.get(key, compiled.params[key]) for key in compiled.positiontup or ()]
        driver: Any = (await connection.get_raw_connection()).driver_connection
        lines = await driver.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {compiled.string}", *values)
    plan = "\n".join(line[0] for line in lines)
    touched = re.search(r"Buffers: shared hit=(\d+)(?: read=(\d+))?", plan)
    buffers = sum(int(count or 0) for count in touched.groups()) if touched else 0
    return sorted(seconds)[len(seconds) // 2] * 1000, buffers, f"{name}\n{plan}"


async def _measure(url: str) -> dict[str, tuple[float, int, str]]:
    async with place.hearthline(url):
        claim = {"claim_now": datetime.now(UTC), "claim_size": DUE_NOW}
        page = {"resident_id": population.identifier(2, 7), "limit": 20}
        return {
            "claim what is due": await _explain("claim", jobs.PROMPT.claim, claim),
            "list 20 check-ins": await _explain("list", views._LISTS[False, False], page),
        }


def run(server: embedded.EmbeddedServer) -> None:
    """Measure and print."""
    found: dict[str, dict[str, tuple[float, int, str]]] = {}
    for size, days in DAYS.items():
        url = place.migrated(server, "growth")
        asyncio.run(
            place.execute(
                url,
                *population.DUE,
                _FEW_DUE,
                population.HISTORY,
                "VACUUM ANALYZE",
                now=datetime.now(UTC),
                count=RESIDENTS,
                residents=RESIDENTS,
                days=days,
            )
        )
        found[size] = asyncio.run(_measure(url))
    small, large = DAYS
    comparisons = []
    for name in found[small]:
        ours, other = Series(large, "ms"), Series(f"{small} rows", "ms")
        ours.add(found[large][name][0])
        other.add(found[small][name][0])
        comparisons.append(Comparison(name, ours, other, 2, at_most=True))
    show(f"Growth: {large} rows of history against {small}", comparisons)
    for size, measured in found.items():
        for _, buffers, plan in measured.values():
            out.print(f"--- {size} rows of history, {buffers} buffers: {plan}\n", markup=False)
    server.drop_database("growth")
