"""Every table says how long it keeps its rows, and a job takes away what is past that."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app import assembly
from app.core import clock as clocks
from app.core import lawfulness, partitions, privacy
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.lawfulness import Basis, Retention, years
from app.core.tables import Privacy
from tests.architecture import test_erasure_coverage as coverage

assembly.load_tables()

DECLARED = {table.name: (table, declared) for table, declared in privacy.declarations().items()}
PERSONAL = {name: declared.retention for name, (_, declared) in DECLARED.items() if declared.subject}
JOBS = {job.name: job for job in assembly.JOBS}

# What their own features' rules keep while somebody may still act on it; their own tests say when it goes.
STATES: dict[str, dict[str, Any]] = {
    "community_card_claim": {"state": "withdrawn", "number": None, "digest": None, "decide_by": None},
    "community_citizen_card": {
        "state": "removed",
        "close_reason": "holder",
        **dict.fromkeys(("number", "digest", "verify_by")),
    },
    "community_home": {"state": "closed", "secret": None},
    "community_home_incident": {"state": "over"},
    "community_home_silence": {"tell_at": None},
    "community_home_statistic": {"starts_at": sa.text("starts_at + interval '1 day'")},  # filled in as a day ago
    "community_office_shift": {
        "closed_by": sa.column("account_id"),
        **dict.fromkeys(("counted_amount", "expected_amount"), 0),
        "remind_at": None,
    },
    "community_order_series": {"state": "ended", "plan_at": None, "end_reason": "ended"},
    "media_upload": {"state": "stored"},
    "notifications_delivery": {"send_at": None},
    "notifications_preference": {"digests": {}},
    "notifications_webhook_delivery": {"send_at": None},
}
# Kept only while somebody may see it, and here nobody may: goes before its time.
SOONER = {
    "eldercare_position",
    # With the home they are of, a month after it was closed.
    "community_home_automation_run",
    "community_home_command",
    "community_home_day",
    "community_home_incident",
    "community_home_silence",
}


def of(*enforcers: str) -> list[str]:
    return sorted(name for name, retention in PERSONAL.items() if retention.enforcer in enforcers)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_every_table_says_on_which_basis_and_for_how_long(name: str) -> None:
    table, declared = DECLARED[name]
    assert isinstance(declared.retention, Retention)
    assert (declared.basis is None) == (declared.subject is None), "no basis, or nobody it is for"
    assert declared.retention.in_words()
    assert set(declared.retention.since) <= set(table.c.keys())
    if declared.sensitive is not None:
        assert declared.basis is not None


@pytest.mark.parametrize("name", sorted(PERSONAL))
def test_who_is_said_to_see_to_a_retention_is_there(name: str) -> None:
    table, retention = DECLARED[name][0], PERSONAL[name]
    match retention.enforcer:
        case "erasure":
            assert DECLARED[name][1].erasure != "keep", "an erasure removes nothing from what it keeps"
        case "parent":
            keys = [key for key in table.foreign_keys if key.column.table.name == retention.parent]
            assert keys
            above = DECLARED[str(retention.parent)][1].retention
            if above.enforcer == "parent":  # it goes by itself with what goes with something
                assert keys[0].ondelete == "CASCADE"
                above = DECLARED[str(above.parent)][1].retention
            assert above.enforcer == "prune"
        case "nobody":
            assert retention.why
        case "months":
            assert partitions.is_partitioned(table)
            assert retention.period == partitions._retentions[name].keep
        case _:
            assert retention.period is not None
            assert retention.since
            assert retention.job in JOBS


def test_a_table_cannot_leave_out_its_basis_or_its_retention() -> None:
    with pytest.raises(TypeError, match="retention"):
        Privacy(subject="account_id", purpose="to know", basis=Basis.CONTRACT)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="basis"):
        Privacy(subject="account_id", purpose="to know", retention=Retention.until_erasure())  # type: ignore[call-arg]


def test_periods_are_told_in_the_unit_they_were_given_in() -> None:
    periods = {years(3): "3 years", years(1): "1 year", timedelta(days=92): "92 days", timedelta(hours=6): "6 hours"}
    assert {period: lawfulness.period_in_words(period) for period in periods} == periods


class Undone(Exception):  # noqa: N818 - says what happened
    """Rolls a transaction back."""


async def _left(names: list[str]) -> set[str]:
    async with reading() as connection:
        statements = {name: sa.select(sa.func.count()).select_from(DECLARED[name][0]) for name in names}
        return {name for name, statement in statements.items() if await connection.scalar(statement)}


async def _end_everything() -> None:
    """Let what the rows are counted from be now."""
    async with unit_of_work() as session:
        for name in of("prune", "job"):
            table, since = DECLARED[name][0], PERSONAL[name].since
            # The earliest counts: each alone is enough, and the last one named is what every row gets in the end.
            values = {column: sa.func.coalesce(table.c[column], clocks.now()) for column in since}
            await session.execute(sa.update(table).values(values | STATES.get(name, {})))
        for name in STATES.keys() - set(of("prune", "job")):
            await session.execute(sa.update(DECLARED[name][0]).values(STATES[name]))


def _groups() -> Iterator[tuple[timedelta, list[str]]]:
    names = of("prune", "job")
    for period in sorted({PERSONAL[name].period or timedelta(0) for name in names}):
        yield period, [name for name in names if (PERSONAL[name].period or timedelta(0)) == period]


async def _run(names: list[str]) -> None:
    for job in sorted({str(PERSONAL[name].job) for name in names}):
        while await JOBS[job].run():
            pass


async def test_what_is_past_its_retention_goes_and_nothing_before(database: Database, clock: ManualClock) -> None:
    await coverage._write_everything()
    await _end_everything()
    written = clock.now()
    for period, names in _groups():
        if period:
            clock.set(written + period - timedelta(hours=1))
            await _run(names)
            assert await _left(names) >= set(names) - SOONER, "went too early"
        clock.set(written + period + timedelta(hours=1))
        await _run(names)
        assert await _left(names) == set()
    assert await _left(of("parent")) == set()


async def test_what_has_not_ended_is_kept(database: Database, clock: ManualClock) -> None:
    await coverage._write_everything()
    pruned = {name for name in of("prune") if len(PERSONAL[name].since) == 1}
    async with unit_of_work() as session:
        for name in sorted(pruned):
            (since,) = PERSONAL[name].since
            if DECLARED[name][0].c[since].nullable:
                await session.execute(sa.update(DECLARED[name][0]).values({since: None}))
            else:
                pruned.discard(name)
    clock.advance(years(30))
    await JOBS[lawfulness.FORGET_JOB_NAME].run()
    assert "eldercare_alarm" in pruned
    assert await _left(sorted(pruned)) == pruned


async def test_what_something_younger_refers_to_waits_for_it(database: Database, clock: ManualClock) -> None:
    await coverage._write_everything()
    await _end_everything()
    visits = DECLARED["eldercare_visit"][0]
    ends_at = clock.now() + timedelta(days=90)
    async with unit_of_work() as session:
        await session.execute(sa.update(visits).values(ends_at=ends_at))
    at_home = ["eldercare_care_plan", "eldercare_visit", "eldercare_visit_note", "eldercare_visit_template"]
    clock.advance(years(3) + timedelta(hours=1))
    await _run(["eldercare_visit"])
    assert await _left([*at_home, "eldercare_alarm"]) == set(at_home)
    clock.set(ends_at + years(3) + timedelta(hours=1))
    await _run(["eldercare_visit"])
    assert await _left(at_home) == set()


async def _maintain(connection: AsyncConnection, name: str) -> None:
    await connection.execute(partitions._MAINTENANCE)
    for work in (partitions._make_months, partitions._drop_months):
        await connection.run_sync(work, name)


@pytest.mark.parametrize("name", of("months"))
async def test_months_that_are_past_go(name: str, database: Database, clock: ManualClock) -> None:
    table, keep = DECLARED[name][0], PERSONAL[name].period
    assert keep is not None
    counted = sa.select(sa.func.count()).select_from(table)
    left = []

    async def live() -> None:
        async with unit_of_work() as session:
            connection = await session.connection()
            await _maintain(connection, name)
            ids = {coverage.ACCOUNT: clocks.new_id(), coverage.RESIDENT: clocks.new_id()}
            row = coverage._filled(table, ids) | STATES.get(name, {})
            await connection.execute(sa.insert(table), row | {"id": clocks.new_id()})
            for passed in (keep - timedelta(hours=1), timedelta(days=32)):
                clock.advance(passed)
                await _maintain(connection, name)
                left.append(await connection.scalar(counted))
            raise Undone

    # The months of other tests must still be there afterwards.
    with pytest.raises(Undone):
        await live()
    assert left == [1, 0]
