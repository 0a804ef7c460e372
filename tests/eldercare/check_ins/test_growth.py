"""Lists and claims cost the same however long the history is: they use the index made for them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.core import set_ids
from app.core.clock import ManualClock
from app.core.database import connect_raw, unit_of_work
from app.core.queues import Due
from app.identity.models import Resident
from eldercare.check_ins import jobs
from eldercare.check_ins.views import check_ins as views
from tests.factories import eldercare_check_ins as made

_DIALECT = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's has no types

pytestmark = pytest.mark.usefixtures("database")

_HISTORY = f"""
INSERT INTO eldercare_check_in (id, created_at, updated_at, version, community_id, resident_id, account_id, plan_id,
    schedule_id, due_at, local_date, channel, state, round, reply_code, reminders_sent, late, answer, answer_by)
SELECT {set_ids.MINT_SQL}, :start, :start, 1, community_id, resident_id, account_id, plan_id, schedule_id,
    CAST(:start AS timestamptz) - day * interval '1 day', local_date, channel, 'answered', 1, '0000', 0, false, 'ok',
    CAST(:start AS timestamptz) - day * interval '1 day'
FROM (SELECT * FROM eldercare_check_in ORDER BY due_at LIMIT 1) one, generate_series(1, 5000) AS day
"""


async def explain(statement: Any, binds: dict[str, object]) -> str:
    """Return the plan PostgreSQL chooses for a statement with these values."""
    async with unit_of_work() as session:
        connection = await session.connection()
        literal = statement.params(**binds).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        rows = await connection.exec_driver_sql(f"EXPLAIN {literal}")
        return "\n".join(row[0] for row in rows)


@pytest.fixture
async def history(resident: Resident, clock: ManualClock) -> Resident:
    await made.plan(resident)
    async with unit_of_work() as session:
        await session.execute(
            sa.text(_HISTORY).bindparams(sa.bindparam("start", type_=sa.DateTime(timezone=True))),
            {"start": clock.now(), "minted_at": set_ids.minted_at()},
        )
    raw = await connect_raw()
    await raw.execute("ANALYZE eldercare_check_in")
    await raw.close()
    return resident


@pytest.mark.parametrize(
    ("due", "index"),
    [
        (jobs.PROMPT, "ix_eldercare_check_in_next_prompt_at"),
        (jobs.SETTLE, "ix_eldercare_check_in_settle_by"),
        (jobs.REMIND, "ix_eldercare_check_in_next_reminder_at"),
        (jobs.CLOSE, "ix_eldercare_check_in_answer_by"),
    ],
)
async def test_claims_read_only_what_is_due(history: Resident, clock: ManualClock, due: Due, index: str) -> None:
    names = due.claim.compile().params
    plan = await explain(due.claim, {name: 500 if name.endswith("size") else clock.now() for name in names})
    assert index in plan
    assert "Seq Scan" not in plan


async def test_the_list_reads_one_page_of_its_index(history: Resident, clock: ManualClock) -> None:
    binds: dict[str, object] = {"resident_id": history.id, "limit": 20}
    plan = await explain(views._LISTS["all", False], binds)
    assert "Index Scan Backward using uq_eldercare_check_in_resident_id_due_at_plan_id" in plan
    binds |= {"after_due_at": datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=90), "after_plan_id": UUID(int=5)}
    plan = await explain(views._LISTS["all", True], binds)
    assert "Index Scan Backward using uq_eldercare_check_in_resident_id_due_at_plan_id" in plan
    assert "Seq Scan" not in plan


async def test_the_few_unanswered_ones_are_found_without_their_history(history: Resident) -> None:
    compiled = views._LISTS["unanswered", False].compile(dialect=_DIALECT)
    binds: dict[str, object] = {**compiled.params, "resident_id": history.id, "limit": 20, "state": "missed"}
    values = ", ".join(f"'{binds[name]}'" for name in compiled.positiontup or ())
    raw = await connect_raw()
    try:
        # As after some repetitions, when PostgreSQL no longer looks at the values.
        await raw.execute("SET plan_cache_mode = force_generic_plan")
        await raw.execute(f"PREPARE page AS {compiled.string}")
        plan = "\n".join(row[0] for row in await raw.fetch(f"EXPLAIN EXECUTE page ({values})"))
    finally:
        await raw.close()
    assert "Index Scan Backward using ix_eldercare_check_in_unanswered" in plan
