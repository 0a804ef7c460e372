"""The two doors: what is committed, what is rolled back, and who sees it when."""

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from app.core.database import Database, after_commit, is_unreachable, reading, unit_of_work
from app.identity.models import Community
from tests.faults.own_server import standing_on


def _community(name: str = "Elm Street") -> Community:
    return Community(name=name, time_zone="Europe/Berlin", country="DE", currency="EUR", languages=["en"])


async def _names() -> list[str]:
    async with reading() as connection:
        return list((await connection.scalars(sa.text("SELECT name FROM identity_community"))).all())


async def test_a_unit_of_work_is_seen_by_readers_once_it_ended(database: Database) -> None:
    async with unit_of_work() as session:
        session.add(_community())
        await session.flush()
        assert await _names() == []
    assert await _names() == ["Elm Street"]


async def test_a_failed_unit_of_work_leaves_nothing_and_calls_nobody(database: Database) -> None:
    called: list[str] = []

    async def failing() -> None:
        async with unit_of_work() as session:
            session.add(_community())
            await session.flush()
            after_commit(session, lambda: called.append("told"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await failing()
    assert await _names() == []
    assert called == []


async def test_callbacks_run_after_the_commit(database: Database) -> None:
    called: list[str] = []
    async with unit_of_work() as session:
        session.add(_community())
        after_commit(session, lambda: called.append("told"))
        assert called == []
    assert called == ["told"]


async def test_a_change_over_a_changed_row_is_refused(database: Database) -> None:
    row = _community()
    async with unit_of_work() as session:
        session.add(row)

    async def overtaken() -> None:
        async with unit_of_work() as mine:
            seen = await mine.get_one(Community, row.id)
            async with unit_of_work() as theirs:
                other = await theirs.get_one(Community, row.id)
                other.name = "Oak Street"
            seen.name = "Ash Street"

    with pytest.raises(StaleDataError):
        await overtaken()
    assert await _names() == ["Oak Street"]


async def test_an_update_counts_the_version_and_moves_updated_at(database: Database) -> None:
    row = _community()
    async with unit_of_work() as session:
        session.add(row)
    async with unit_of_work() as session:
        seen = await session.get_one(Community, row.id)
        seen.name = "Oak Street"
        await session.flush()
        assert seen.version == 2
        assert seen.updated_at > seen.created_at


def test_a_refused_connection_is_the_databases_fault_and_a_bug_is_not() -> None:
    assert is_unreachable(ConnectionRefusedError())
    assert not is_unreachable(ValueError("a bug"))


async def test_a_connection_whose_farewell_was_read_is_not_kept(database: Database) -> None:
    lost: list[object] = []

    async def losing() -> None:
        async with reading() as connection:
            lost.append((await connection.get_raw_connection()).driver_connection)
            raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")

    with pytest.raises(asyncpg.InternalClientError) as caught:
        await losing()
    assert is_unreachable(caught.value)
    async with reading() as connection:
        assert (await connection.get_raw_connection()).driver_connection is not lost[0]


async def test_a_process_that_works_on_queues_has_no_plan_from_when_they_were_empty(database: Database) -> None:
    show = sa.text("SHOW plan_cache_mode")
    async with standing_on(database.url.render_as_string(hide_password=False), plans="force_custom_plan"):
        async with reading() as connection:
            assert await connection.scalar(show) == "force_custom_plan"
        async with unit_of_work() as session:
            assert await session.scalar(show) == "force_custom_plan"
