"""The audit trail: one entry per read and change, append-only, chained, and silent about who was erased."""

import asyncio
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.core import audit, audit_chain, audit_tables
from app.core.access import Actor
from app.core.clock import ManualClock, new_id
from app.core.database import Database, reading, unit_of_work

COMMUNITY = new_id()
RESIDENT = new_id()
CARER = Actor(kind="account", id=new_id(), community_id=COMMUNITY)

_TRACED = audit.traced(sa.select(sa.literal(7).label("answer")), "vitals:read")


async def _record(count: int = 1, community: uuid.UUID = COMMUNITY) -> None:
    async with unit_of_work() as session:
        for _ in range(count):
            await audit.record(session, CARER, "plan:change", resident_id=RESIDENT, community_id=community)


async def _seal(expected: int) -> None:
    """Seal until ``expected`` entries are: transactions of other databases on the same server hold the horizon back."""
    sealed = 0
    while sealed < expected:
        sealed += await audit_chain.seal_entries()
        await asyncio.sleep(0)
    assert sealed == expected


async def _verdict() -> audit_chain.Verdict:
    async with reading() as connection:
        return await audit_chain.verify(connection)


async def _rows() -> list[sa.Row[tuple[object, ...]]]:
    async with reading() as connection:
        return list((await connection.execute(sa.text("SELECT * FROM core_audit_entry ORDER BY id"))).all())


async def test_a_traced_read_answers_and_leaves_one_entry(database: Database, clock: ManualClock) -> None:
    async with reading() as connection:
        answer = await connection.scalar(_TRACED, audit.trace_binds(CARER, resident_id=RESIDENT))
    assert answer == 7
    (entry,) = await _rows()
    assert (entry.action, entry.actor_id) == ("vitals:read", CARER.id)
    assert (entry.resident_id, entry.at) == (RESIDENT, clock.now())


async def test_a_change_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    async def failing() -> None:
        async with unit_of_work() as session:
            await audit.record(session, CARER, "plan:change", resident_id=RESIDENT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await failing()
    assert await _rows() == []


@pytest.mark.parametrize("statement", ["UPDATE core_audit_entry SET action = 'x'", "DELETE FROM core_audit_entry"])
async def test_entries_cannot_be_changed_or_removed(database: Database, statement: str) -> None:
    await _record()
    with pytest.raises(DBAPIError, match="append-only"):
        async with unit_of_work() as session:
            await session.execute(sa.text(statement))
    assert len(await _rows()) == 1


async def test_the_chain_holds_over_many_seals_and_reports_the_unsealed_tail(database: Database) -> None:
    other = new_id()
    for _ in range(3):
        await _record(5)
        await _record(2, other)
        await _seal(7)
    assert await audit_chain.seal_entries() == 0
    await _record(4)
    verdict = await _verdict()
    assert verdict.holds
    assert (verdict.sealed_entries, verdict.unsealed_entries) == (21, 4)


@pytest.mark.parametrize(
    "tampering",
    [
        (
            "UPDATE core_audit_entry SET actor_id = gen_random_uuid()"
            " WHERE id = (SELECT id FROM core_audit_entry ORDER BY id OFFSET 3 LIMIT 1)"
        ),
        "DELETE FROM core_audit_entry WHERE id = (SELECT id FROM core_audit_entry ORDER BY id OFFSET 3 LIMIT 1)",
        (
            "INSERT INTO core_audit_entry (id, at, community_id, actor_kind, actor_id, action, xid)"
            " SELECT gen_random_uuid(), at, community_id, actor_kind, actor_id, action, xid"
            " FROM core_audit_entry LIMIT 1"
        ),
        "DELETE FROM core_audit_seal WHERE number = 1",
        "UPDATE core_audit_seal SET chain = sha256('x') WHERE number = 1",
        "UPDATE core_audit_entry SET details = 'x'",
    ],
)
async def test_tampering_is_found_even_when_the_trigger_was_bypassed(database: Database, tampering: str) -> None:
    for _ in range(3):
        await _record(3)
        await _seal(3)
    assert (await _verdict()).holds
    async with unit_of_work() as session:
        await session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        await session.execute(sa.text(tampering))
    assert not (await _verdict()).holds


async def test_an_entry_that_commits_late_is_sealed_later_not_lost(database: Database) -> None:
    written, go = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with unit_of_work() as session:
            await audit.record(session, CARER, "late:write", resident_id=RESIDENT)
            written.set()
            await go.wait()

    task = asyncio.create_task(slow())
    await written.wait()
    await _record(2)
    sealed_meanwhile = await audit_chain.seal_entries()
    go.set()
    await task
    assert sealed_meanwhile == 0
    await _seal(3)
    verdict = await _verdict()
    assert (verdict.holds, verdict.unsealed_entries) == (True, 0)


async def test_two_sealers_make_one_chain(database: Database) -> None:
    await _record(10)
    sealed = 0
    while sealed < 10:
        sealed += sum(await asyncio.gather(*(audit_chain.seal_entries() for _ in range(4))))
    verdict = await _verdict()
    assert (verdict.holds, verdict.seals, verdict.sealed_entries) == (True, 1, 10)


async def test_details_are_sealed_and_erasing_the_person_makes_them_unreadable_while_the_chain_holds(
    database: Database,
) -> None:
    moved = {"from": "08:00", "to": "09:00"}
    async with unit_of_work() as session:
        await audit.record(session, CARER, "plan:change", resident_id=RESIDENT, details=moved)
    await _seal(1)
    (entry,) = await _rows()
    assert "08:00" not in entry.details
    async with unit_of_work() as session:
        assert await audit.details_of(session, RESIDENT, entry.id, entry.details) == moved
        await audit.forget(session, RESIDENT)
    async with reading() as connection:
        assert await audit.details_of(connection, RESIDENT, entry.id, entry.details) is None
    assert (await _verdict()).holds


async def test_two_first_details_about_a_person_share_one_key(database: Database) -> None:
    async def one(number: int) -> None:
        async with unit_of_work() as session:
            await audit.record(session, CARER, "plan:change", resident_id=RESIDENT, details={"number": number})

    await asyncio.gather(*(one(number) for number in range(5)))
    async with reading() as connection:
        read = [await audit.details_of(connection, RESIDENT, row.id, row.details) for row in await _rows()]
    assert sorted(row["number"] for row in read if row) == [0, 1, 2, 3, 4]


async def _let_go(*, of_month: bool) -> None:
    """Take entries away as the end of their month does, or one as somebody would who has something to hide."""
    which = "" if of_month else "WHERE id = (SELECT id FROM core_audit_entry ORDER BY id LIMIT 1)"
    async with unit_of_work() as session:
        await session.execute(sa.text("SET LOCAL hearthline.maintenance = 'on'"))
        await session.execute(sa.text(f"DELETE FROM core_audit_entry {which}"))


async def test_what_is_past_its_retention_may_be_gone_and_the_chain_holds(
    database: Database, clock: ManualClock
) -> None:
    await _record(2)
    await _seal(2)
    clock.advance(audit_tables.KEEP + timedelta(days=1))
    await _let_go(of_month=True)
    await _record(2)
    await _seal(2)
    assert (await _verdict()).holds
    await _let_go(of_month=False)
    assert [number for _, number in (await _verdict()).broken] == [2]


async def test_a_young_link_cannot_pass_for_an_old_one(database: Database, clock: ManualClock) -> None:
    clock.advance(audit_tables.KEEP + timedelta(days=1))
    await _record()
    await _seal(1)
    await _record()
    await _seal(1)
    await _let_go(of_month=True)
    async with unit_of_work() as session:
        backdate = "UPDATE core_audit_seal SET sealed_at = sealed_at - interval '20 years' WHERE number = 2"
        await session.execute(sa.text(backdate))
    assert {number for _, number in (await _verdict()).broken} == {1, 2}
