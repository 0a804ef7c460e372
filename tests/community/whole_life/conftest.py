"""Everybody an order passes by: its resident, a programme that pays half, the provider, its people, Stripe, a bank."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.billing.authorizations import jobs as card_jobs
from app.billing.disputes import jobs as dispute_jobs
from app.billing.gateways.stripe_gateway import StripeGateway
from app.billing.payouts import jobs as payout_jobs
from app.billing.subsidies.models import Programme
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.leases import Lease
from app.core.relay import RELAY_JOBS
from app.core.settings import Settings, install_settings
from community.order_dispatch import jobs as dispatch_jobs
from community.order_series import jobs as series_jobs
from community.orders import jobs as order_jobs
from tests.billing.cards.conftest import WEBHOOKS, Buyer, saved_card
from tests.billing.gateways.conftest import settings_for
from tests.billing.payouts.conftest import Seller
from tests.billing.test_ledger import balances
from tests.community.orders.conftest import Body, Scene, no_drift, scene, subscribed
from tests.emulators.stripe import Fault, stripe
from tests.factories import billing_subsidies as subsidies

__all__ = ["scene", "subscribed"]

JOBS: Final = (
    *(*RELAY_JOBS, *series_jobs.JOBS, *order_jobs.JOBS, *dispatch_jobs.JOBS),
    *(*card_jobs.JOBS, *payout_jobs.JOBS, *dispute_jobs.JOBS),
)
LOST: Final = ("cut_before", "cut_after", "error_before", "error_after")
"""What hangs is lost as what is cut off is, and a busy gateway has done as little as one that was never reached: to all
that comes after the gateway's own module they are one thing. Each of them at each step: `tests/billing/cards`.
"""
TOLD: Final = ("doubled_and_backwards", "withheld")
KILLED: Final = ("killed_before", "killed_after")
_CALLS: Final = ("authorize", "capture", "cancel", "refund", "transfer", "give_evidence")
_TRIES: Final = (timedelta(minutes=1), timedelta(minutes=6), timedelta(minutes=6), timedelta(minutes=6))
"""A lease ends after five minutes, and an order waits twenty for its money."""
_MISCOUNTED: Final = sa.text(
    "SELECT count(*) FROM billing_charge c WHERE c.paid_amount <> (SELECT coalesce(sum("
    "CASE WHEN p.refunds_id IS NULL THEN p.amount ELSE -p.amount END), 0)"
    " FROM billing_payment p WHERE p.charge_id = c.id)"
)
_PROMISED: Final = sa.text("SELECT state, sum(amount) AS amount FROM billing_subsidy_use GROUP BY state")
_DOCUMENTS: Final = sa.text("SELECT kind, number, amount FROM billing_invoice ORDER BY kind, number")


class KilledError(BaseException):
    """The worker is gone at this instant."""


@dataclass
class Life(Seller):
    """What goes wrong at every step of it, and what must be true after each."""

    scene: Scene = None  # type: ignore[assignment]  # always given: what comes before it has a default
    programme: Programme = None  # type: ignore[assignment]  # as above
    trouble: str = "none"
    kills: list[str] = field(default_factory=list)
    withheld: list[Body] = field(default_factory=list)

    async def step(self, does: Callable[[], Awaitable[Any]], *calls: str) -> Any:
        """Do something, while each of the ``calls`` of the gateway that follow from it goes wrong once."""
        if self.trouble in LOST:
            self.stripe.faults += [Fault(self.trouble, f"POST /v1/{call}") for call in calls]  # type: ignore[arg-type]  # its words
        elif self.trouble in KILLED:
            self.kills += calls
        done = await does()
        await self.works()
        await self.hears()
        for wait in _TRIES if calls and self.trouble in (*LOST, *KILLED) else ():
            self.buyer.clock.advance(wait)
            await self.works()
        assert (self.stripe.faults, self.kills) == ([], [])
        await self.agrees()
        return done

    async def works(self) -> None:
        """Let the worker do all that is due, and another one if it is killed."""
        for _ in range(10):
            try:
                await settle(JOBS)
            except KilledError:
                continue
            return
        raise AssertionError("killed again and again")

    async def hears(self) -> None:
        """Let Stripe tell what happened: in order, or twice and backwards, or only what is known in no other way."""
        events = list(self.stripe.state.events)
        if self.trouble == "doubled_and_backwards":
            events = [*reversed(events), *events]
        elif self.trouble == "withheld":
            told = [one for one in events if "dispute" in one["type"]]
            self.withheld += [one for one in events if one not in told]
            self.stripe.state.events, events = [], told
        statuses = await self.stripe.deliver(self.buyer.client, WEBHOOKS, events)
        assert set(statuses) <= {204}
        await self.works()

    async def hears_all(self) -> None:
        """Let Stripe tell what it withheld, the last first: it is all known."""
        before = await balances()
        await self.stripe.deliver(self.buyer.client, WEBHOOKS, self.withheld[::-1])
        await self.works()
        assert await balances() == before

    async def agrees(self) -> None:
        """Hold our books against themselves, Stripe's and the programme's."""
        await self.holds()
        await no_drift()
        books = await balances()
        async with reading() as connection:
            assert await connection.scalar(_MISCOUNTED) == 0
            promised = {row.state: int(row.amount) for row in await connection.execute(_PROMISED)}
        async with unit_of_work() as session:
            budget = (await session.get_one(Programme, self.programme.id)).committed_amount
        assert budget == promised.get("reserved", 0) + promised.get("used", 0)
        assert books.get("subsidy", 0) == promised.get("used", 0)
        assert books.get("card", 0) == self.at_the_gateway()

    def at_the_gateway(self) -> int:
        """Return what Stripe has of ours: what was taken, less what was given back, disputed and paid out."""
        state = self.stripe.state
        taken = sum(one["amount_captured"] - one["amount_refunded"] for one in state.all_of("charge"))
        disputed = sum(move["amount"] for one in state.all_of("dispute") for move in one["balance_transactions"])
        return int(taken + disputed - sum(one["amount"] - one["amount_reversed"] for one in state.all_of("transfer")))

    async def documents(self) -> list[tuple[str, int, int]]:
        """Return what was issued: kind, number and amount."""
        async with reading() as connection:
            return [tuple(row) for row in await connection.execute(_DOCUMENTS)]

    async def gives_back(self, order: Body, amount: int) -> None:
        """Give back a part of what an order came to, after a complaint."""
        self.buyer.reference = uuid.UUID(order["id"])
        await self.buyer.refund(amount)

    async def until(self, at: datetime) -> None:
        """Let it be later: what was captured is there to be paid out, what is due by then is done."""
        self.stripe.state.settle()
        self.buyer.clock.set(at)


@pytest_asyncio.fixture(loop_scope="session")
async def life(
    scene: Scene, clock: ManualClock, test_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Life]:
    async with stripe() as running:
        install_settings(test_settings.model_copy(update={"stripe": settings_for(running.url)}))
        try:
            method = await saved_card(running, scene.grace)
            buyer = Buyer(running, scene.client, clock, scene.provider, scene.grace, method.id, str(method.ref))
            programme = await subsidies.programme(scene.place)
            await subsidies.entitlement(programme, scene.grace)
            path = f"/v1/organizations/{scene.provider.id}"
            found = Life(buyer, scene.keeper, scene.operator, path, scene=scene, programme=programme)
            # What programmes sent to the platform's account lies at Stripe too, to be paid out.
            running.state.available["cny"] = programme.budget_amount
            await found.onboard()
            await found.terms()
            fee = await buyer.client.put(f"{path}/platform-fee", headers=found.operator, json={"rate": 1_000})
            assert fee.status_code == 200, fee.text
            running.state.events.clear()
            _mortal(found, monkeypatch)
            yield found
        finally:
            running.go.set()
            install_settings(test_settings)


def _mortal(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker die where ``life.kills`` says: before a call that is committed, or with its answer in hand.

    Nothing stands in for ours: the calls are made as they are. Whoever is dead gives no lease back.
    """

    def dying(call: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
        async def called(*given: Any) -> Any:
            dies = name in life.kills
            if dies:
                life.kills.remove(name)
            if dies and life.trouble == "killed_before":
                raise KilledError
            answer = await call(*given)
            if dies:
                raise KilledError
            return answer

        return called

    async def given_back(lease: Lease, held: Any) -> None:
        if life.trouble not in KILLED:
            await giving_back(lease, held)

    giving_back = Lease._give_back
    monkeypatch.setattr(Lease, "_give_back", given_back)
    for name in _CALLS:
        monkeypatch.setattr(StripeGateway, name, dying(getattr(StripeGateway, name), name))
