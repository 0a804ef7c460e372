"""Whatever is paid, given back, disputed and paid out in whatever order: the books balance, nothing leaves twice."""

import random
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.billing import api as billing
from app.billing.charges.models import CHARGES
from app.billing.payouts.models import ITEMS
from app.core.clock import new_id
from app.core.database import reading, unit_of_work
from tests.billing.cards.conftest import Buyer
from tests.billing.payouts.conftest import Seller, selling
from tests.emulators.stripe import Fault, money
from tests.factories import identity

which = st.integers(0, 3)
amounts = st.integers(1, 20_000)
FAULTS = ["cut_after", "cut_before", "error_before", "error_after", "busy"]

steps = st.one_of(
    st.tuples(st.just("pay"), amounts),
    st.tuples(st.just("pay_in_cash"), amounts, st.integers(1, 100)),
    st.tuples(st.just("refund"), which, st.integers(1, 100)),
    st.tuples(st.just("dispute"), which),
    st.tuples(st.just("decide"), which, st.sampled_from(["won", "lost"])),
    st.tuples(st.just("freeze"), which, amounts),
    st.tuples(st.just("unfreeze"), which),
    st.tuples(st.just("cut_off"), st.booleans()),
    st.tuples(st.just("cut_off"), st.booleans()),
    st.tuples(st.just("reverse"), st.integers(1, 100)),
    st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
)


@dataclass
class Model:
    """What was paid on cards, by what it was for, and which of it is disputed; every event there was."""

    seller: Seller
    paid: dict[uuid.UUID, int] = field(default_factory=dict)
    refunded: dict[uuid.UUID, int] = field(default_factory=dict)
    disputes: dict[uuid.UUID, str] = field(default_factory=dict)
    decided: set[uuid.UUID] = field(default_factory=set)
    events: list[dict[str, Any]] = field(default_factory=list)

    def one(self, number: int) -> uuid.UUID | None:
        return sorted(self.paid)[number % len(self.paid)] if self.paid else None

    def left(self, one: uuid.UUID) -> int:
        return self.paid[one] - self.refunded.get(one, 0)

    async def pay(self, amount: int) -> None:
        self.paid[await self.seller.paid(amount)] = amount

    async def pay_in_cash(self, amount: int, percent: int) -> None:
        on_card = max(1, amount * percent // 100)
        reference = await self.seller.owed(amount, held=on_card)
        await self.seller.buyer.work()
        if amount > on_card:
            await self.seller.took_cash(amount - on_card)
        self.paid[reference] = on_card

    async def refund(self, number: int, percent: int) -> None:
        one = self.one(number)
        if one is None or one in self.disputes or not self.left(one):
            return
        amount = max(1, self.left(one) * percent // 100)
        await self.seller.refund(one, amount)
        charge = await self.seller.buyer.charge()
        self.refunded[one] = sum(p.amount for p in charge.payments if p.refunds_id is not None and p.kind == "card")

    async def dispute(self, number: int) -> None:
        one = self.one(number)
        if one is not None and one not in self.disputes and self.left(one):
            self.disputes[one] = await self.seller.dispute(one)

    async def decide(self, number: int, outcome: str) -> None:
        open_ones = sorted(self.disputes.keys() - self.decided)
        if not open_ones:
            return
        one = open_ones[number % len(open_ones)]
        self.decided.add(one)
        money.decide(self.seller.stripe.state, self.disputes[one], outcome)
        events = list(self.seller.stripe.state.events)
        self.events += events
        await self.seller.tell(list(reversed(events)))

    async def freeze(self, number: int, amount: int) -> None:
        if one := self.one(number):
            async with unit_of_work() as session:
                await billing.freeze(session, "home_order", one, amount)

    async def unfreeze(self, number: int) -> None:
        if one := self.one(number):
            async with unit_of_work() as session:
                await billing.unfreeze(session, "home_order", one)

    async def reverse(self, percent: int) -> None:
        seller = self.seller
        sent = [one for one in await seller.transfers() if one.state == "sent" and one.reverses_id is None]
        owing = -(await seller.balance())["payable"]
        if sent and owing > 0:
            amount = max(1, owing * percent // 100)
            await seller.post(f"transfers/{sent[-1].id}/reversals", {"amount": amount}, by=seller.operator)
            await seller.work()

    async def fault(self, what: Any) -> None:
        self.seller.stripe.faults.append(Fault(what, on="POST /v1/transfers"))

    async def cut_off(self, settles: bool) -> None:
        await _cut_off(self, settles=settles)


async def _cut_off(model: Model, *, settles: bool) -> None:
    """Pay out, ask again what nobody answered, and hold what was sent to what it may be."""
    seller = model.seller
    before = {one.id for one in await seller.transfers() if one.state == "sent"}
    await seller.cut_off(settles=settles)
    fresh = [one for one in await seller.transfers() if one.state == "sent" and one.id not in before]
    shown = await seller.balance()
    async with reading() as connection:
        paid_out = {row.id: row for row in await connection.execute(sa.select(CHARGES))}
        items = (
            await connection.execute(sa.select(ITEMS).where(ITEMS.c.transfer_id.in_([one.id for one in fresh])))
        ).all()
    for item in items:
        charge = paid_out[item.charge_id]
        captured = model.paid[charge.reference_id] - model.refunded.get(charge.reference_id, 0)
        assert item.amount < 0 or charge.paid_out_amount <= min(charge.payable_amount, captured)
    if fresh and not shown["on_its_way"]:
        # All that could leave has; what is frozen is still there.
        assert shown["payable"] >= shown["frozen"] >= 0
    there = seller.stripe.state
    captured_ever = sum(one["amount_captured"] for one in there.all_of("charge"))
    assert sum(one["amount"] - one["amount_reversed"] for one in there.all_of("transfer")) <= captured_ever


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=6, max_size=16), st.integers(0, 9))
async def test_the_books_balance_and_nothing_leaves_twice(
    buyer: Buyer, given_steps: list[tuple[Any, ...]], seed: int
) -> None:
    place = await identity.community_of(buyer.resident)  # type: ignore[arg-type] # it has one, as an account does
    organization = await identity.organization(place, "provider")
    buyer.stripe.faults.clear()
    model = Model(await selling(replace(buyer, organization=organization, reference=new_id())))
    await model.seller.onboard()
    await model.seller.terms()
    for step in given_steps:
        does, *values = step
        await getattr(model, does)(*values)
        await model.seller.holds()
    # What is told again, in any order, changes nothing any more.
    shown = await model.seller.holds()
    again = [event | {"id": f"{event['id']}0"} for event in model.events]
    random.Random(seed).shuffle(again)
    await model.seller.tell(again)
    assert await model.seller.holds() == shown
