"""Pools by the thousand: opened and resized in a few statements, all or none, and what is left of each in one."""

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import Database, connection_of, reading, unit_of_work
from app.core.problems import Malformed, NotFound
from app.reservations import api as reservations
from app.reservations.api import CapacityTaken, NewPool, Overbooking, Portion
from tests.asking import statements
from tests.reservations.conftest import PLACE, TAKER

MANY = 2_000


async def opened(subjects: list[uuid.UUID], capacity: int) -> dict[uuid.UUID, uuid.UUID]:
    """Open a pool for each subject."""
    wanted = [NewPool(one, capacity, clocks.now() + timedelta(days=1)) for one in subjects]
    async with unit_of_work() as session, statements(connection_of(session)) as seen:
        made = await reservations.open_pools(session, community_id=PLACE, kind="slot", pools=wanted)
    assert len(seen) == 2
    return made


async def left() -> dict[uuid.UUID, int]:
    """Return what is left of each pool."""
    found = reservations.pools_left("found")
    async with reading() as connection:
        rows = await connection.execute(sa.select(found.c.id, found.c.amount), {"now": clocks.now()})
    return {row.id: row.amount for row in rows}


async def test_many_pools_are_opened_once(database: Database) -> None:
    subjects = [clocks.new_id() for _ in range(MANY)]
    made = await opened(subjects, 5)
    assert made.keys() == set(subjects)
    another = clocks.new_id()
    again = await opened([*subjects[:10], another], 9)
    assert {one: again[one] for one in subjects[:10]} == {one: made[one] for one in subjects[:10]}
    assert (await left())[again[another]] == 9
    found = await left()
    assert {found[made[one]] for one in subjects} == {5}, "a pool that is there keeps its capacity"
    with pytest.raises(Malformed):
        await opened([clocks.new_id()], -1)


async def test_many_are_resized_or_none(database: Database, clock: ManualClock) -> None:
    first, second, third = (await opened([clocks.new_id() for _ in range(3)], 5)).values()
    async with unit_of_work() as session:
        await reservations.allocate(session, [Portion(first, 4, TAKER)], origin_kind="test")
        until = clock.now() + timedelta(minutes=5)
        await reservations.allocate(session, [Portion(second, 4, TAKER)], origin_kind="test", hold_until=until)
    with pytest.raises(CapacityTaken) as refused:
        async with unit_of_work() as session:
            await reservations.resize_pools(session, {first: 3, second: 2, third: 9})
    assert {one["taken"] for one in refused.value.extensions["conflicts"]} == {4}
    assert len(refused.value.extensions["conflicts"]) == 2
    assert await left() == {first: 1, second: 1, third: 5}

    clock.advance(timedelta(minutes=5))
    assert (await left())[second] == 5, "a hold that is over is left, though nobody has put it back"
    async with unit_of_work() as session:
        leave = Overbooking(system_actor(PLACE), "fewer seats came")
        await reservations.resize_pools(session, {first: 3, second: 2, third: 9}, overbooking=leave)
    assert await left() == {first: 0, second: 2, third: 9}
    with pytest.raises(NotFound):
        async with unit_of_work() as session:
            await reservations.resize_pools(session, {first: 3, clocks.new_id(): 2})
    async with reading() as connection:
        assert await reservations.recount(connection) == []
