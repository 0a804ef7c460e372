"""Slots and the quotas over them count as a list of sales does, whatever is done in whatever order.

The recount trusts neither counters nor shares: it adds up what is allocated, and holds that against the pools.
"""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import clock as clocks
from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import Database, connection_of, reading, unit_of_work
from app.identity.models import Organization
from app.reservations import api as reservations
from app.reservations.api import HoldOver, PoolExhausted
from community.ticketing import views
from community.ticketing.models import TicketProduct, TicketQuota, TicketSlot
from community.ticketing.problems import MoreIsSold
from community.ticketing.rules import Wanted
from community.ticketing.schemas.given import TicketQuotaWrite, TicketSlotChange
from community.ticketing.service.portions import portions_for
from community.ticketing.service.quotas import set_quota
from community.ticketing.service.slots import change_slot
from tests.conftest import START
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing
from tests.factories import identity

pytestmark = pytest.mark.asyncio(loop_scope="session")

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
PERSONS = {"adult": 1, "companion": 1, "group": 3}
SLOTS = (0, 1, 2)
"""The first two are on one day, the third on the next."""
LIMITS = ("companions", "groups", "all")

items = st.tuples(st.sampled_from(SLOTS), st.sampled_from(list(PERSONS)), st.integers(1, 3))
steps = st.one_of(
    st.tuples(st.just("buy"), st.lists(items, min_size=1, max_size=3), st.booleans()),
    st.tuples(st.just("confirm"), st.integers(0, 9)),
    st.tuples(st.just("give_back"), st.integers(0, 9)),
    st.tuples(st.just("exchange"), st.integers(0, 9), st.sampled_from(SLOTS)),
    st.tuples(st.just("resize_slot"), st.sampled_from(SLOTS), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("resize_quota"), st.sampled_from(LIMITS), st.integers(0, 12), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 3)),
)

_RECOUNT = sa.text("""
    SELECT p.kind, p.subject_id, p.capacity, p.taken, p.excess,
           (SELECT coalesce(sum(a.quantity), 0) FROM reservations_allocation a
            WHERE a.pool_id = p.id AND a.state IN ('held', 'booked')) AS recounted
    FROM reservations_pool p WHERE p.community_id = :community_id""").bindparams(
    sa.bindparam("community_id", type_=sa.Uuid)
)


@dataclass
class Sale:
    """What was bought together: (slot, product, quantity), and until when it is held."""

    wanted: list[tuple[int, str, int]]
    allocations: list[uuid.UUID]
    until: datetime | None
    gone: bool = False

    def counts(self) -> bool:
        return not self.gone and (self.until is None or self.until > clocks.now())


@dataclass
class Model:
    """The list of sales, and what limits them: a limit's places are (limit, what it is of) with their capacity."""

    of: Organization
    attraction_id: uuid.UUID
    slots: list[TicketSlot]
    products: dict[str, TicketProduct]
    quotas: dict[str, TicketQuota]
    capacity: dict[Any, int]
    sales: list[Sale] = field(default_factory=list)

    def taken(self, *more: tuple[int, str, int], without: Sale | None = None) -> dict[Any, int]:
        """Return how many persons each place has, counted anew of all sales and ``more``."""
        found: defaultdict[Any, int] = defaultdict(int)
        live = [one for sale in self.sales if sale.counts() and sale is not without for one in sale.wanted]
        for slot, product, quantity in [*live, *more]:
            persons = quantity * PERSONS[product]
            found["slot", slot] += persons
            found["all", "season"] += persons
            if product == "companion":
                found["companions", slot] += persons
            if product == "group":
                found["groups", slot // 2] += persons
        return found

    def fits(self, *more: tuple[int, str, int], without: Sale | None = None) -> bool:
        """Say whether all of ``more`` can be had: only what it takes of is asked."""
        touched = Model(self.of, self.attraction_id, [], {}, {}, {}).taken(*more)
        taken = self.taken(*more, without=without)
        return all(taken[place] <= self._capacity(place) for place in touched)

    def _capacity(self, place: Any) -> int:
        return self.capacity[place if place[0] == "slot" else place[0]]

    def wishes(self, wanted: list[tuple[int, str, int]]) -> list[Wanted]:
        """Return what is asked for."""
        origin = clocks.new_id()
        return [
            Wanted(self.slots[slot].id, self.products[code].id, quantity, origin) for slot, code, quantity in wanted
        ]


async def _model() -> Model:
    of = await identity.organization(await identity.community(), "attraction")
    attraction_id = (await attractions.attraction(of, hours=attractions.ALWAYS)).id
    products = {code: await ticketing.product(of, attraction_id, code, persons=PERSONS[code]) for code in PERSONS}
    starts = [START + DAY, START + DAY + timedelta(hours=2), START + 2 * DAY]
    slots = await ticketing.slots(of, attraction_id, starts, capacity=8)
    quotas = {
        "companions": await ticketing.quota(
            of, attraction_id, slots, products=[products["companion"]], capacity=2, code="companions"
        ),
        "groups": await ticketing.quota(
            of, attraction_id, slots, scope="day", products=[products["group"]], capacity=6, code="groups"
        ),
        "all": await ticketing.quota(of, attraction_id, slots, scope="season", capacity=14, code="all"),
    }
    capacity = {("slot", slot): 8 for slot in SLOTS} | {"companions": 2, "groups": 6, "all": 14}
    return Model(of, attraction_id, slots, products, quotas, capacity)


async def _buy(model: Model, wanted: list[tuple[int, str, int]], until: datetime | None) -> None:
    expected = model.fits(*wanted)
    try:
        async with unit_of_work() as session:
            portions = await portions_for(connection_of(session), model.wishes(wanted))
            made = await reservations.allocate(session, portions, origin_kind="test", hold_until=until)
    except PoolExhausted:
        assert not expected
        return
    assert expected
    model.sales.append(Sale(wanted, made, until))


async def _exchange(model: Model, sale: Sale, slot: int) -> None:
    wanted = [(slot, code, quantity) for _, code, quantity in sale.wanted]
    expected = sale.counts() and model.fits(*wanted, without=sale)
    try:
        async with unit_of_work() as session:
            portions = await portions_for(connection_of(session), model.wishes(wanted))
            made = await reservations.move_allocations(session, sale.allocations, portions, origin_kind="test")
    except (PoolExhausted, HoldOver):
        assert not expected
        return
    assert expected
    sale.gone = True
    model.sales.append(Sale(wanted, made, sale.until))


async def _confirm(sale: Sale) -> None:
    expected = sale.counts() and sale.until is not None
    try:
        async with unit_of_work() as session:
            await reservations.confirm_allocations(session, sale.allocations)
    except HoldOver:
        assert not expected
        return
    assert expected
    sale.until = None


async def _resize(model: Model, place: Any, capacity: int, reason: str | None) -> None:
    most = max((taken for one, taken in model.taken().items() if place in (one, one[0])), default=0)
    actor = system_actor(model.of.community_id)
    try:
        async with unit_of_work() as session:
            if isinstance(place, str):
                write = TicketQuotaWrite(name={"en": "a", "zh-CN": "b"}, capacity=capacity, overbook_reason=reason)
                await set_quota(session, actor, model.of.id, model.quotas[place].id, write, None)
            else:
                row = model.slots[place[1]]
                change = TicketSlotChange(
                    starts_at=row.starts_at, ends_at=row.ends_at, capacity=capacity, overbook_reason=reason
                )
                await change_slot(session, actor, model.of.id, row.id, change, None)
    except MoreIsSold as refused:
        named = max(one["sold"] for one in refused.extensions["conflicts"])
    else:
        assert reason is not None or most <= capacity
        model.capacity[place] = capacity
        return
    assert reason is None
    assert named == most > capacity


async def _do(model: Model, step: tuple[Any, ...], clock: ManualClock) -> None:
    sale = model.sales[step[1] % len(model.sales)] if model.sales and isinstance(step[1], int) else None
    match step:
        case ("buy", wanted, holds):
            await _buy(model, wanted, clock.now() + 2 * MINUTE if holds else None)
        case ("confirm", _) if sale:
            await _confirm(sale)
        case ("give_back", _) if sale:
            async with unit_of_work() as session:
                await reservations.release_allocations(session, sale.allocations)
            sale.gone = True
        case ("exchange", _, slot) if sale:
            await _exchange(model, sale, slot)
        case ("resize_slot", slot, capacity, on_purpose):
            await _resize(model, ("slot", slot), capacity, "as it must be" if on_purpose else None)
        case ("resize_quota", limit, capacity, on_purpose):
            await _resize(model, limit, capacity, "as it must be" if on_purpose else None)
        case ("wait", minutes):
            clock.advance(minutes * MINUTE)


async def _check(model: Model) -> None:
    """Hold what everybody is shown, and what is allocated, against the list of sales."""
    taken = model.taken()

    def left(place: Any) -> int:
        return max(model._capacity(place) - taken[place], 0)

    async with reading() as connection:
        shown = orjson.loads(await views.availability(connection, model.attraction_id, START, START + 9 * DAY))
        pools = list(await connection.execute(_RECOUNT, {"community_id": model.of.community_id}))
    for number, slot in enumerate(shown["slots"]):
        limits = {tuple(one["product_ids"]): one["left"] for one in slot["limits"]}
        assert slot["left"] == min(left(("slot", number)), left(("all", "season")))
        assert limits[(str(model.products["companion"].id),)] == left(("companions", number))
        assert limits[(str(model.products["group"].id),)] == left(("groups", number // 2))
    assert len(pools) == 3 + 3 + 2 + 1
    for pool in pools:
        assert (pool.taken, pool.excess) == (pool.recounted, max(pool.recounted - pool.capacity, 0)), pool.kind


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=3, max_size=12))
async def test_quotas_count_as_a_list_of_sales(
    database: Database, clock: ManualClock, given_steps: list[tuple[Any, ...]]
) -> None:
    clock.set(START)
    model = await _model()
    for step in given_steps:
        await _do(model, step, clock)
    await _check(model)
