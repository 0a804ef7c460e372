"""Growth: what claims and lists cost with ten thousand and with ten million rows of history behind them.

Needs 10 GB of disk while it runs.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from rich.table import Table
from sqlalchemy.dialects import postgresql

from app.core import embedded
from app.core.access import Actor, Membership
from app.core.audit import trace_each_binds
from app.core.changes import KEPT_BY_APPS, Since
from app.core.database import reading
from app.identity.api import actor_binds
from benchmarks import place, population
from benchmarks.report import Comparison, Series, out, show
from eldercare.check_ins import jobs
from eldercare.check_ins.views import changes
from eldercare.check_ins.views import check_ins as views

RESIDENTS = 10_000
HISTORIES = {"ten thousand": (400, 25), "ten million": (RESIDENTS, 1_000)}  # residents who have one, its days
ROUNDS = 7
DUE_NOW = 500
_LATER = f"""
UPDATE eldercare_check_in SET next_prompt_at = :now + interval '1 day'
WHERE id > '{population.identifier(5, DUE_NOW)}'"""
_UNANSWERED = f"""
UPDATE eldercare_check_in SET state = 'prompted', next_prompt_at = NULL, prompted_at = :now, asked_at = :now,
    answer_by = :now
WHERE id > '{population.identifier(5, DUE_NOW)}' AND id <= '{population.identifier(5, 2 * DUE_NOW)}'"""
_dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's has no types


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a statement took, round by round, how many pages it touched, and how."""

    milliseconds: list[float]
    buffers: int
    plan: str


async def _explain(statement: sa.Select[*tuple[Any, ...]], binds: Mapping[str, Any]) -> _Cost:
    milliseconds = []
    async with reading() as connection:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await connection.execute(statement, binds)
            milliseconds.append((time.perf_counter() - started) * 1000)
        compiled = statement.compile(dialect=_dialect)
        values = [binds.get(key, compiled.params[key]) for key in compiled.positiontup or ()]
        driver: Any = (await connection.get_raw_connection()).driver_connection
        lines = await driver.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {compiled.string}", *values)
    plan = "\n".join(line[0] for line in lines)
    touched = re.search(r"Buffers: shared hit=(\d+)(?: read=(\d+))?", plan)
    buffers = sum(int(count or 0) for count in touched.groups()) if touched else 0
    return _Cost(milliseconds, buffers, plan)


async def _measure(url: str, now: datetime) -> dict[str, _Cost]:
    resident = {"resident_id": population.identifier(2, 7)}
    page = {**resident, "limit": 20}
    desk = Actor(
        kind="account",
        id=population.identifier(1, 1),
        community_id=population.COMMUNITY,
        memberships=(Membership(population.OPERATOR, "operator", "dispatcher"),),
    )
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = {
        **actor_binds(desk, "check_ins:read"),
        **trace_each_binds(desk, shown=20),
        "community_id": population.COMMUNITY,
        "day": now.date(),
        "earliest": midnight - timedelta(hours=16),
        "latest": midnight + timedelta(hours=40),
        "limit": 20,
    }
    changed = Since().binds_of(resident["resident_id"]) | {"first_kept": now - KEPT_BY_APPS}
    claim = {"claim_now": now, "claim_size": DUE_NOW}
    async with place.hearthline(url):
        return {
            "claim whom to ask": await _explain(jobs.PROMPT.claim, claim),
            "claim who did not answer": await _explain(jobs.CLOSE.claim, claim),
            "list a resident's 20": await _explain(views._LISTS["all", False], page),
            "list a resident's missed ones": await _explain(
                views._LISTS["unanswered", False], page | {"state": "missed"}
            ),
            "list a resident's changes": await _explain(changes._CHANGED, changed),
            "list a day's 20": await _explain(views._day(), day),
            "list a day's missed ones": await _explain(views._day(views._in_state), {**day, "state": "missed"}),
        }


def run(server: embedded.EmbeddedServer) -> None:
    """Measure and print."""
    found: dict[str, dict[str, _Cost]] = {}
    # Early enough in the day that a day's list leaves out the day before, which is as large as the history is wide.
    now = datetime.now(UTC).replace(hour=6, minute=0) - timedelta(days=1)
    for size, (residents, days) in HISTORIES.items():
        url = place.migrated(server, "growth")
        prepared = (
            *population.PEOPLE,
            *population.STAFF,
            population.CHECK_INS,
            _LATER,
            _UNANSWERED,
            population.HISTORY,
        )
        asyncio.run(
            place.execute(url, *prepared, "VACUUM ANALYZE", now=now, count=RESIDENTS, residents=residents, days=days)
        )
        found[size] = asyncio.run(_measure(url, now))
        server.drop_database("growth")
    small, large = HISTORIES
    show(
        f"Growth: {large} rows of history against {small}",
        [
            Comparison(
                name,
                Series(large, "ms", found[large][name].milliseconds),
                Series(f"{small} rows", "ms", found[small][name].milliseconds),
                2,
                at_most=True,
            )
            for name in found[small]
        ],
    )
    _show_pages(found)


def _show_pages(found: Mapping[str, Mapping[str, _Cost]]) -> None:
    table = Table("", *found, title="Pages of 8 kB touched", title_justify="left")
    for name in next(iter(found.values())):
        table.add_row(name, *(f"{costs[name].buffers:,}" for costs in found.values()))
    out.print(table)
    for size, costs in found.items():
        for name, cost in costs.items():
            out.print(f"--- {name}, {size} rows of history\n{cost.plan}\n", markup=False)
