"""A provider that is paid out over the loopback Stripe, whoever pays it, and what must be true after every step."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio
import sqlalchemy as sa

from app.billing.charges.schemas import PaymentRecord
from app.billing.charges.service.desks import record_payment
from app.billing.disputes import jobs as dispute_jobs
from app.billing.disputes.service import answering
from app.billing.ledger import views as ledger
from app.billing.payouts import jobs
from app.billing.payouts.models import TERMS, TRANSFERS
from app.billing.payouts.service import accounts, sending
from app.core.access import Actor
from app.core.clock import new_id, now
from app.core.database import reading, unit_of_work
from app.identity.sessions.models import AccountSession
from tests.billing.cards import conftest as cards
from tests.billing.test_ledger import balances
from tests.emulators.stripe import money
from tests.factories import identity, sign_in

buyer = cards.buyer
"""Whoever pays: a fixture of the neighbours."""

Body = dict[str, Any]
WEEK = timedelta(days=7)
_SUMS = sa.text(
    "SELECT coalesce(sum(c.payable_amount), 0) AS payable, coalesce(sum(c.paid_out_amount), 0) AS paid_out,"
    " coalesce((SELECT sum(i.amount) FROM billing_transfer_item i JOIN billing_transfer t ON t.id = i.transfer_id"
    " WHERE t.organization_id = :id AND t.state IN ('wanted', 'sent', 'reversed')), 0) AS items,"
    " coalesce((SELECT sum(CASE WHEN t.reverses_id IS NULL THEN t.amount ELSE -t.amount END) FROM billing_transfer t"
    " WHERE t.organization_id = :id AND t.state IN ('sent', 'reversed')), 0) AS sent"
    " FROM billing_charge c WHERE c.organization_id = :id"
)
_UNEVEN = sa.text(
    "SELECT count(*) FROM billing_transfer t WHERE t.state <> 'dropped' AND"
    " CASE WHEN t.reverses_id IS NULL THEN t.amount ELSE -t.amount END <>"
    " (SELECT sum(i.amount) FROM billing_transfer_item i WHERE i.transfer_id = t.id)"
)


@dataclass
class Seller:
    """The provider's desk and its operator; ``buyer`` pays on a card, each time for something else."""

    buyer: cards.Buyer
    desk_session: AccountSession
    operator_session: AccountSession
    path: str
    references: list[uuid.UUID] = field(default_factory=list)

    @property
    def desk(self) -> dict[str, str]:
        return sign_in.access_headers(self.desk_session)

    @property
    def operator(self) -> dict[str, str]:
        return sign_in.access_headers(self.operator_session)

    @property
    def stripe(self) -> Any:
        return self.buyer.stripe

    async def post(self, path: str, body: Body, *, by: dict[str, str] | None = None) -> httpx.Response:
        return await self.buyer.client.post(f"{self.path}/{path}", headers=by or self.desk, json=body)

    async def seen(self, path: str, *, by: dict[str, str] | None = None) -> Any:
        answer = await self.buyer.client.get(f"{self.path}/{path}", headers=by or self.desk)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def onboard(self, *, enabled: bool = True) -> str:
        """Let the desk open its account, and say all that is wanted."""
        answer = await self.post("payout-account/onboarding", {"country": "IE"})
        assert answer.status_code == 200, answer.text
        account: str = answer.json()["url"].split("/")[-2]
        if enabled:
            money.onboard(self.stripe.state, account)
            await self.buyer.tell()
            await accounts.run()
            assert (await self.seen("payout-account"))["state"] == "enabled"
        return account

    async def terms(self, **values: Any) -> None:
        """Let the provider be paid out every Monday at once, unless said otherwise."""
        given = {"cadence": "weekly", "day": 1, "minimum_amount": 1, "hold_days": 0, **values}
        path = f"{self.path}/payout-terms"
        answer = await self.buyer.client.put(path, headers=self.operator, json=given)
        assert answer.status_code == 200, answer.text

    async def paid(self, amount: int = 10_000) -> uuid.UUID:
        """Let something be paid on a card, and return what it is for."""
        reference = await self.owed(amount)
        await self.buyer.work()
        charge = await self.buyer.charge()
        assert (charge.state, charge.paid_amount) == ("paid", amount)
        return reference

    async def owed(self, amount: int = 10_000, held: int | None = None) -> uuid.UUID:
        self.buyer.reference = new_id()
        self.references.append(self.buyer.reference)
        await self.buyer.authorized(held or amount)
        await self.buyer.settle(amount)
        return self.buyer.reference

    async def took_cash(self, amount: int) -> None:
        """Let the provider take money itself for something that is not paid on the card."""
        charge = await self.buyer.charge()
        actor = Actor(
            kind="account", id=self.operator_session.account_id, community_id=self.buyer.resident.community_id
        )
        async with unit_of_work() as session:
            given = PaymentRecord(kind="cash", amount=amount, currency="EUR")
            await record_payment(session, actor, self.buyer.organization.id, charge.id, given)

    async def refund(self, reference: uuid.UUID, amount: int) -> None:
        self.buyer.reference = reference
        await self.buyer.refund(amount)
        await self.buyer.work()

    async def intent(self, reference: uuid.UUID) -> str:
        """Return Stripe's id of what was paid for something on a card."""
        async with reading() as connection:
            found = await connection.scalar(
                sa.text(
                    "SELECT p.ref FROM billing_card_payment p JOIN billing_authorization a ON a.id = p.authorization_id"
                    " WHERE a.reference_id = :reference AND p.state = 'captured'"
                ),
                {"reference": reference},
            )
        return str(found)

    async def dispute(self, reference: uuid.UUID) -> str:
        found: Body = money.dispute(self.stripe.state, await self.intent(reference))
        await self.tell()
        return str(found["id"])

    async def decide(self, ref: str, outcome: str) -> None:
        money.decide(self.stripe.state, ref, outcome)
        await self.tell()

    async def tell(self, events: list[Body] | None = None) -> None:
        assert set(await self.buyer.tell(events)) <= {204}

    async def work(self) -> None:
        """Do all that is due now."""
        await self.buyer.work()
        while (
            await accounts.run() + await sending.run() + await answering.run() + await dispute_jobs.remind_of_disputes()
        ):
            pass

    async def cut_off(self, *, settles: bool = True) -> None:
        """Go on to the next cut-off and pay out what there is."""
        async with reading() as connection:
            at = await connection.scalar(
                sa.select(TERMS.c.cut_off_at).where(TERMS.c.organization_id == self.buyer.organization.id)
            )
        assert at is not None
        self.buyer.clock.set(max(at, now()))
        if settles:
            self.stripe.state.settle()
        await jobs.draw_transfers()
        await self.work()

    async def transfers(self) -> list[Any]:
        async with reading() as connection:
            of = TRANSFERS.c.organization_id == self.buyer.organization.id
            return list((await connection.execute(sa.select(TRANSFERS).where(of).order_by(TRANSFERS.c.id))).all())

    async def states(self) -> list[tuple[str, int]]:
        return [(one.state, one.amount) for one in await self.transfers()]

    async def balance(self) -> Body:
        found = (await self.seen("payout-balances"))["items"]
        shown = dict.fromkeys(("payable", "on_its_way", "frozen", "waiting", "available"), 0) | dict(*found)
        shown.pop("currency", None)
        return shown

    async def holds(self) -> Body:
        """Hold everything to what must be true after each step, and return the balance as the desk sees it."""
        await balances()
        organization_id = self.buyer.organization.id
        async with reading() as connection:
            accounts_of = await ledger.balances(connection, "organization", [organization_id])
            sums = (await connection.execute(_SUMS, {"id": organization_id})).one()
            assert await connection.scalar(_UNEVEN) == 0
        payable = -sum(one.balance for one in accounts_of[organization_id] if one.kind == "payable")
        assert payable == sums.payable - sums.sent
        assert sums.paid_out == sums.items
        rows = {str(one.id) for one in await self.transfers()}
        there = [one for one in self.stripe.state.all_of("transfer") if one["metadata"]["row"] in rows]
        assert len({one["metadata"]["row"] for one in there}) == len(there)
        shown = await self.balance()
        parts = shown["on_its_way"] + shown["frozen"] + shown["waiting"] + shown["available"]
        assert shown["payable"] == parts == payable
        arrived = sum(one["amount"] - one["amount_reversed"] for one in there)
        assert arrived in (sums.sent, sums.sent + shown["on_its_way"])
        return shown

    async def notices(self) -> list[str]:
        """Return what the desk was told, the last first."""
        answer = await self.buyer.client.get("/v1/me/inbox", headers=self.desk)
        return [one["notice"].removeprefix("billing.") for one in answer.json()["items"]]


async def selling(buyer: cards.Buyer) -> Seller:
    """Return a provider that ``buyer`` pays, with its desk and the operator."""
    place = await identity.community_of(buyer.resident)  # type: ignore[arg-type] # it has one, as an account does
    operator = await identity.staff(await identity.organization(place), "operator")
    coordinator = await identity.staff(buyer.organization, "coordinator", name="Cora")
    return Seller(
        buyer,
        await sign_in.session_of(coordinator, second_factor=True),
        await sign_in.session_of(operator, second_factor=True),
        f"/v1/organizations/{buyer.organization.id}",
    )


@pytest_asyncio.fixture(loop_scope="session")
async def seller(buyer: cards.Buyer) -> Seller:
    return await selling(buyer)


@pytest_asyncio.fixture(loop_scope="session")
async def ready(seller: Seller) -> Seller:
    """A provider whose account takes money, every Monday, of all that was paid by then."""
    await seller.onboard()
    await seller.terms()
    return seller
