"""A pool does what a list of parts with a clock does, whatever is done to it in whatever order."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import clock as clocks
from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.reservations import api as reservations
from app.reservations.api import CapacityTaken, HoldOver, Overbooking, PoolExhausted, Portion
from tests.conftest import START
from tests.reservations.conftest import PLACE, TAKER

MINUTE = timedelta(minutes=1)
LEAVE = Overbooking(system_actor(PLACE), "whoever may")

steps = st.one_of(
    st.tuples(st.just("take"), st.integers(1, 4), st.booleans()),
    st.tuples(st.just("squeeze_in"), st.integers(1, 4)),
    st.tuples(st.just("confirm"), st.integers(0, 9)),
    st.tuples(st.just("extend"), st.integers(0, 9)),
    st.tuples(st.just("release"), st.integers(0, 9)),
    st.tuples(st.just("move"), st.integers(0, 9), st.integers(1, 4)),
    st.tuples(st.just("resize"), st.integers(0, 8)),
    st.tuples(st.just("wait"), st.integers(1, 3)),
)


@dataclass
class Part:
    """What the model knows of an allocation."""

    id: uuid.UUID
    quantity: int
    until: datetime | None
    gone: bool = False

    def counts(self) -> bool:
        return not self.gone and (self.until is None or self.until > clocks.now())


@dataclass
class Model:
    """The list of parts."""

    pool: uuid.UUID
    capacity: int = 6
    parts: list[Part] = field(default_factory=list)

    def taken(self) -> int:
        return sum(part.quantity for part in self.parts if part.counts())


async def _take(model: Model, quantity: int, until: datetime | None, leave: Overbooking | None = None) -> None:
    expected = leave is not None or model.taken() + quantity <= model.capacity
    portions = [Portion(model.pool, quantity, TAKER)]
    try:
        async with unit_of_work() as session:
            (made,) = await reservations.allocate(
                session, portions, origin_kind="test", hold_until=until, overbooking=leave
            )
    except PoolExhausted:
        assert not expected
        return
    assert expected
    model.parts.append(Part(made, quantity, until))


async def _move(model: Model, part: Part, quantity: int) -> None:
    expected = part.counts() and model.taken() - part.quantity + quantity <= model.capacity
    try:
        async with unit_of_work() as session:
            (made,) = await reservations.move_allocations(
                session, [part.id], [Portion(model.pool, quantity, TAKER)], origin_kind="test"
            )
    except (PoolExhausted, HoldOver):
        assert not expected
        return
    assert expected
    part.gone = True
    model.parts.append(Part(made, quantity, part.until))


async def _keep(part: Part, *, longer: bool) -> None:
    expected = part.counts() and part.until is not None
    until = clocks.now() + 2 * MINUTE
    try:
        async with unit_of_work() as session:
            if longer:
                await reservations.extend_allocations(session, [part.id], until)
            else:
                await reservations.confirm_allocations(session, [part.id])
    except HoldOver:
        assert not expected
        return
    assert expected
    part.until = until if longer else None


async def _resize(model: Model, capacity: int) -> None:
    expected = model.taken() <= capacity
    try:
        async with unit_of_work() as session:
            await reservations.resize(session, model.pool, capacity)
    except CapacityTaken:
        assert not expected
        return
    assert expected
    model.capacity = capacity


async def _do(model: Model, step: tuple[Any, ...], clock: ManualClock) -> None:
    part = model.parts[step[1] % len(model.parts)] if model.parts else None
    match step:
        case ("take", quantity, holds):
            await _take(model, quantity, clock.now() + 2 * MINUTE if holds else None)
        case ("squeeze_in", quantity):
            await _take(model, quantity, None, LEAVE)
        case ("confirm" | "extend" as what, _) if part:
            await _keep(part, longer=what == "extend")
        case ("release", _) if part:
            async with unit_of_work() as session:
                await reservations.release_allocations(session, [part.id])
            part.gone = True
        case ("move", _, quantity) if part:
            await _move(model, part, quantity)
        case ("resize", capacity):
            await _resize(model, capacity)
        case ("wait", minutes):
            clock.advance(minutes * MINUTE)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=20))
async def test_a_pool_is_a_list_of_parts(
    database: Database, clock: ManualClock, given_steps: list[tuple[Any, ...]]
) -> None:
    clock.set(START)
    async with unit_of_work() as session:
        pool = await reservations.open_pool(
            session, community_id=PLACE, kind="day", subject_id=clocks.new_id(), capacity=6
        )
    model = Model(pool)
    for step in given_steps:
        await _do(model, step, clock)
        async with reading() as connection:
            state = (await reservations.pools(connection, [pool]))[pool]
        assert (state.capacity, state.taken) == (model.capacity, model.taken())
    async with reading() as connection:
        drift = await reservations.recount(connection, PLACE)
    assert [one for one in drift if one.kind != "stale_hold"] == []
