"""Programmes, entitlements and promised orders, really committed."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from app.billing.authorizations.models import Authorization
from app.billing.authorizations.schemas import Authorizing, Line, Settling
from app.billing.authorizations.service import authorizing, settling
from app.billing.charges.models import Charge, Payment
from app.billing.charges.schemas import PlatformPaymentRecord
from app.billing.charges.service.desks import record_platform_payment
from app.billing.invoices.models import Invoice, Issuer
from app.billing.invoices.service.issuing import issue_invoice
from app.billing.payers.models import Payer
from app.billing.subsidies.models import Entitlement, Programme
from app.core import clock
from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.tables import Table
from app.identity.models import Account, Community, Organization, Resident

CLEANING = "cleaning"
Row = TypeVar("Row", bound=Table)


async def programme(of: Community, **values: Any) -> Programme:
    """Insert a programme that pays half of what cleaning costs."""
    given: dict[str, Any] = {
        "kind": "city_voucher",
        "name": {"en": "Voucher", "zh-CN": "养老券"},
        "categories": [CLEANING],
        "rate": 5_000,
        "currency": of.currency,
        "budget_amount": 1_000_000,
        "valid_from": date(2026, 1, 1),
    }
    return await _insert(Programme(community_id=of.id, **given | values))


async def entitlement(of: Programme, resident: Resident, **values: Any) -> Entitlement:
    """Insert that a resident is entitled to what a programme pays."""
    given: dict[str, Any] = {"valid_from": date(2026, 1, 1), "granted_by": clock.new_id()}
    row = Entitlement(community_id=of.community_id, programme_id=of.id, resident_id=resident.id, **given | values)
    return await _insert(row)


def order(of: Organization, resident: Resident, amount: int, **values: Any) -> Authorizing:
    """Return what is to be paid for cleaning, to the provider itself unless a card is given."""
    given: dict[str, Any] = {
        "payer_account_id": resident.account_id,
        "amount": amount,
        "currency": "CNY",
        "category": CLEANING,
        "reference_kind": "home_order",
        "reference_id": clock.new_id(),
        "service_at": clock.now() + timedelta(days=1),
    }
    return Authorizing(community_id=of.community_id, resident_id=resident.id, organization_id=of.id, **given | values)


async def authorized(wanted: Authorizing) -> Authorization:
    """Ask for a promise and return it."""
    async with unit_of_work() as session:
        return await authorizing.authorize(session, wanted)


async def settled(
    wanted: Authorizing, *amounts: int, lines: Sequence[Line] = (), due_at: datetime | None = None
) -> Charge | None:
    """Say what an order came to, and return its charge."""
    found = lines or [line(amount) for amount in amounts]
    data = Settling(lines=found, due_at=due_at or clock.now() + timedelta(days=14))
    async with unit_of_work() as session:
        return await settling.settle(session, wanted.payer_account_id, wanted.reference_kind, wanted.reference_id, data)


async def refunded(wanted: Authorizing, amount: int) -> Charge:
    """Waive a part of what an order came to, and give back what was paid of it."""
    by = wanted.payer_account_id
    async with unit_of_work() as session:
        return await settling.refund(session, by, wanted.reference_kind, wanted.reference_id, amount, "a broken vase")


def line(amount: int, tax_rate: int = 600, *, code: str = "cleaning", quantity: int = 1) -> Line:
    """Return a line of what something came to."""
    return Line(code, {"en": "Cleaning", "zh-CN": "居家保洁"}, quantity, amount, tax_rate)


async def invoiced(of: Organization, resident: Resident) -> tuple[Invoice, Payment]:
    """Insert what a resident owes through the platform, its invoice, and what a sponsor sent of it."""
    wanted = order(of, resident, 1_000)
    await authorized(wanted)
    charge = await settled(wanted, 1_000)
    assert charge is not None
    actor = Actor(kind="account", id=resident.account_id, community_id=of.community_id)
    sent = PlatformPaymentRecord(kind="sponsor", amount=100, currency=charge.currency, reference="S-1")
    async with unit_of_work() as session:
        payment = await record_platform_payment(session, actor, charge.id, sent)
        invoice = await issue_invoice(session, charge.id)
    assert invoice is not None
    return invoice, payment


async def issuer(of: Organization) -> Issuer:
    """Insert how an organization is named on what it issues."""
    row = Issuer(community_id=of.community_id, organization_id=of.id, name="Bright Homes Ltd.", address="12 Elm Road")
    return await _insert(row)


async def payer(of: Resident, person: Account) -> Payer:
    """Insert that somebody agreed to pay for a resident."""
    row = Payer(
        community_id=of.community_id,
        resident_id=of.id,
        account_id=person.id,
        state="accepted",
        invited_by=of.account_id,
        accepted_at=clock.now(),
    )
    return await _insert(row)


async def _insert(row: Row) -> Row:
    async with unit_of_work() as session:
        session.add(row)
    return row
