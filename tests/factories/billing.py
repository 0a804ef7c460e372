"""Payouts and disputes, really committed, without a gateway having been asked."""

import uuid
from datetime import timedelta
from typing import Any

from app.billing.authorizations.models import Authorization, CardPayment
from app.billing.cards.models import Customer, PaymentMethod
from app.billing.disputes.models import Dispute
from app.billing.payouts.models import PayoutAccount, PayoutTerms, Transfer
from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Organization, Resident


async def transfer(to: Organization) -> uuid.UUID:
    """Insert an organization's account, its terms, and a transfer that was sent to it; return the transfer's id."""
    now = clock.now()
    common: dict[str, Any] = {"community_id": to.community_id, "organization_id": to.id}
    account = PayoutAccount(**common, gateway="local", country="IE", ref=f"acct_{to.id.hex}", state="enabled")
    row = Transfer(
        **common,
        payout_account_id=account.id,
        cut_off_at=now,
        amount=1_000,
        currency="CNY",
        state="sent",
        ref=f"tr_{to.id.hex}",
        asked_at=now,
        ended_at=now,
    )
    async with unit_of_work() as session:
        session.add_all([account, PayoutTerms(**common, cut_off_at=now + timedelta(days=7), set_by=uuid.UUID(int=0))])
        await session.flush()
        session.add(row)
    return row.id


async def dispute(of: Organization, by: Resident) -> uuid.UUID:
    """Insert a dispute of what a resident paid an organization on a card, and return its id."""
    payer: dict[str, Any] = {"community_id": by.community_id, "account_id": by.account_id, "gateway": "local"}
    customer = Customer(**payer, ref=f"cus_{by.id.hex}")
    method = PaymentMethod(**payer, customer_id=customer.id, ref=f"pm_{by.id.hex}", state="active")
    common: dict[str, Any] = {"community_id": by.community_id, "resident_id": by.id, "payer_account_id": by.account_id}
    authorization = Authorization(
        **common,
        organization_id=of.id,
        reference_kind="home_order",
        reference_id=clock.new_id(),
        category="cleaning",
        service_at=clock.now(),
        amount=1_000,
        currency="CNY",
        method="card",
        payment_method_id=method.id,
        is_present=True,
        state="settled",
    )
    payment = CardPayment(
        **common,
        authorization_id=authorization.id,
        payment_method_id=method.id,
        gateway="local",
        ref=f"pi_{by.id.hex}",
        amount=1_000,
        captured_amount=1_000,
        currency="CNY",
        is_present=True,
        state="captured",
        wish=None,
        ask_at=None,
    )
    row = Dispute(
        **common,
        organization_id=of.id,
        card_payment_id=payment.id,
        gateway="local",
        ref=f"dp_{by.id.hex}",
        amount=1_000,
        currency="CNY",
        reason="general",
        evidence_due_at=clock.now() + timedelta(days=7),
    )
    async with unit_of_work() as session:
        for one in (customer, method, authorization, payment, row):
            session.add(one)
            await session.flush()
    return row.id
