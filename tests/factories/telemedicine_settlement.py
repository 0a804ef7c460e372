"""Bills, and what insurers said of them, really committed, without anybody having been asked."""

import uuid
from datetime import timedelta

from app.billing.charges.models import Charge
from app.billing.charges.rules import DeskKind
from app.billing.charges.schemas import PaymentRecord
from app.billing.charges.service.counting import Owed, open_charge
from app.billing.charges.service.desks import record_payment
from app.core import clock
from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Organization, Resident
from telemedicine.settlement.models import ASKED, DISPOSITION, Bill, BillChange, BillLine, InsurerRequest
from telemedicine.settlement.rules.asking import Asked, AskedLine
from telemedicine.settlement.rules.states import RequestKind

TOTAL, INSURED = 15_000, 9_000


async def bill(of: Resident, clinic: Organization, *, state: str = "due") -> Bill:
    """Insert the bill of a visit, of which an insurer has been asked and pays a part."""
    now = clock.now()
    row = Bill(
        community_id=of.community_id,
        organization_id=clinic.id,
        resident_id=of.id,
        account_id=of.account_id,
        origin_kind="encounter",
        origin_id=clock.new_id(),
        served_at=now - timedelta(days=1),
        state=state,
        currency="CNY",
        total_amount=TOTAL,
        insured_amount=INSURED,
        decision="approved",
        issued_at=now,
        issued_by=of.account_id,
        due_at=now + timedelta(days=30),
    )
    line = BillLine(
        bill_id=row.id,
        resident_id=of.id,
        sequence=1,
        charge_item_id=clock.new_id(),
        code="visit",
        name={"en": "Visit", "zh-CN": "就诊"},
        quantity=1,
        unit_amount=TOTAL,
        amount=TOTAL,
        insured_amount=INSURED,
        insured_reason="covered",
    )
    async with unit_of_work() as session:
        session.add(row)
        await session.flush()
        session.add_all([line, BillChange(bill_id=row.id, resident_id=of.id, state=state)])
        session.add_all([asked(row, "eligibility"), asked(row, "claim")])
    return row


def asked(of: Bill, kind: str) -> InsurerRequest:
    """Return what an insurer was asked about a bill and has answered."""
    is_claim = kind == "claim"
    identifier = clock.new_id()
    return InsurerRequest(
        id=identifier,
        community_id=of.community_id,
        organization_id=of.organization_id,
        resident_id=of.resident_id,
        bill_id=of.id,
        kind=kind,
        state="complete",
        insurer="mutual",
        coverage_id=clock.new_id(),
        asked=seal(_said(of, identifier, "claim" if is_claim else "eligibility").model_dump_json(), ASKED),
        requested_by=of.account_id,
        answered_at=clock.now(),
        reference="R-1",
        decision="approved" if is_claim else None,
        insured_amount=INSURED if is_claim else None,
        deductible_amount=0 if is_claim else None,
        in_force=None if is_claim else True,
        disposition=seal("as agreed", DISPOSITION),
    )


def _said(of: Bill, identifier: uuid.UUID, kind: RequestKind) -> Asked:
    line = AskedLine(sequence=1, code="visit", name="Visit", quantity=1, unit_amount=TOTAL, amount=TOTAL)
    return Asked(
        identifier=identifier,
        kind=kind,
        created=clock.now(),
        resident_id=of.resident_id,
        birth_date=None,
        member_number="M-1",
        relationship="self",
        insurer="mutual",
        insurer_name="Mutual",
        organization_id=of.organization_id,
        organization_name="Clinic",
        city="shanghai",
        tier="community",
        served_on=of.served_at.date(),
        currency=of.currency,
        total=of.total_amount,
        lines=(line,),
        registered=False,
    )


async def charge(of: Organization, payer: Resident, amount: int = 1_000, currency: str = "CNY") -> Charge:
    """Insert what a resident owes an organization."""
    owed = Owed(
        community_id=of.community_id,
        payer_id=payer.id,
        organization_id=of.id,
        amount=amount,
        currency=currency,
        reference_kind="test",
        reference_id=clock.new_id(),
        due_at=clock.now() + timedelta(days=30),
    )
    async with unit_of_work() as session:
        return await open_charge(session, payer.account_id, owed)


async def payment(of: Charge, amount: int, kind: DeskKind = "cash") -> object:
    """Insert what was paid for a charge and return its id."""
    desk = Actor(kind="account", id=of.opened_by, community_id=of.community_id)
    data = PaymentRecord(kind=kind, amount=amount, currency=of.currency)
    async with unit_of_work() as session:
        return (await record_payment(session, desk, of.organization_id, of.id, data)).id
