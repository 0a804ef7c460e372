"""A bill's life at the clinic: drafted for a visit, issued, asked of the resident, taken back."""

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import col

from app.billing.api import cancel_charge
from app.core import audit, clock
from app.core.access import Actor
from app.core.routing import check_version
from app.core.sealing import seal
from app.identity.api import resident_accounts
from telemedicine.settlement import repository
from telemedicine.settlement.models import REASON, Bill, BillLine
from telemedicine.settlement.problems import BilledAlready, BillState, NoPrice, NoTerms, NotServed, RequestUnderWay
from telemedicine.settlement.schemas.bills import BillCredit, BillDraft, BillLines, BillLineWrite
from telemedicine.settlement.service.claiming import take_back
from telemedicine.settlement.service.going_on import CHARGED, ask_own_share, go_on


async def draft_bill(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: BillDraft) -> Bill:
    """Draft the bill of a visit that took place at the clinic and return it.

    Raises ``NoTerms``, ``NotServed``, ``BilledAlready``, ``NoPrice``.
    """
    terms = await repository.terms_of(session, organization_id)
    if terms is None:
        raise NoTerms
    visit = await repository.visit(session, data.origin_kind, data.origin_id)
    if visit is None or visit.organization_id != organization_id:
        raise NotServed
    await repository.one_at_a_time(session, f"telemedicine_bill:{visit.id}")
    known = await session.scalar(
        sa.select(col(Bill.id)).where(col(Bill.origin_id) == visit.id, col(Bill.state) != "void")
    )
    if known is not None:
        raise BilledAlready(bill_id=str(known))
    accounts = await resident_accounts(await session.connection(), [visit.resident_id])
    bill = Bill(
        community_id=terms.community_id,
        organization_id=organization_id,
        resident_id=visit.resident_id,
        account_id=accounts[visit.resident_id],
        origin_kind=visit.kind,
        origin_id=visit.id,
        served_at=visit.served_at,
        currency=terms.currency,
    )
    session.add(bill)
    await session.flush()
    await _write_lines(session, bill, data.lines, visit.visit_type_id)
    await _record(session, actor, "bill:draft", bill)
    return bill


async def redraft_bill(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    bill_id: uuid.UUID,
    data: BillLines,
    if_match: int | None,
) -> Bill:
    """Write a draft's lines anew and return it; raises ``NotFound``, ``StaleVersion``, ``BillState``, ``NoPrice``."""
    bill = await repository.lock(session, bill_id, organization_id)
    check_version(bill, if_match)
    if bill.state != "draft":
        raise BillState(state=bill.state)
    await session.execute(sa.delete(BillLine).where(col(BillLine.bill_id) == bill.id))
    await _write_lines(session, bill, data.lines, None)
    await _record(session, actor, "bill:draft", bill)
    return bill


async def issue_bill(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, bill_id: uuid.UUID, if_match: int | None
) -> Bill:
    """Issue a draft, whose lines never change from then on; return it.

    Raises ``NotFound``, ``StaleVersion``, ``BillState``.
    """
    bill = await repository.lock(session, bill_id, organization_id)
    check_version(bill, if_match)
    if bill.state != "draft":
        raise BillState(state=bill.state)
    bill.issued_at, bill.issued_by = clock.now(), actor.id
    await go_on(session, bill, "issued", actor.id)
    await _record(session, actor, "bill:issue", bill)
    return bill


async def demand_own_share(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, bill_id: uuid.UUID) -> Bill:
    """Ask the resident for all of a bill that no insurer pays, and return it; raises ``NotFound``, ``BillState``."""
    bill = await repository.lock(session, bill_id, organization_id)
    if bill.state not in ("issued", "denied"):
        raise BillState(state=bill.state)
    await ask_own_share(session, bill, actor.id)
    await _record(session, actor, "bill:demand", bill)
    return bill


async def credit_bill(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, bill_id: uuid.UUID, data: BillCredit
) -> Bill:
    """Take a bill back, with its charge and its claims; return it, or the new draft that is made of its lines.

    Raises ``NotFound``, ``BillState``, ``PaymentsToRefund``, ``RequestUnderWay``.
    """
    bill = await repository.lock(session, bill_id, organization_id)
    if bill.state == "void":
        raise BillState(state=bill.state)
    await _withdraw(session, actor, bill)
    await cancel_charge(session, CHARGED, bill.id)
    bill.reason = seal(data.reason, REASON)
    await go_on(session, bill, "void", actor.id, data.reason)
    await _record(session, actor, "bill:credit", bill)
    return await _reissue(session, bill) if data.reissue else bill


async def _withdraw(session: AsyncSession, actor: Actor, bill: Bill) -> None:
    """Call off what insurers are being asked, and have taken back what they decided, or may have received."""
    now = clock.now()
    claims = []
    for request in await repository.open_requests(session, bill.id):
        if request.kind == "reversal":  # what is being taken back still has to be
            continue
        if request.lease_until is not None and request.lease_until > now:
            raise RequestUnderWay
        may_have_arrived = request.fence > 0
        # Whoever still has it in hand finds its fence outdated.
        request.state, request.ask_at, request.remind_at, request.fence = "cancelled", None, None, request.fence + 1
        if request.kind == "claim" and may_have_arrived:
            claims.append(request)
    decided = await repository.last_claim(session, bill.id)
    if decided is not None and decided.decision != "denied":
        claims.append(decided)
    for claim in claims:
        await take_back(session, claim, actor.id)


async def _reissue(session: AsyncSession, bill: Bill) -> Bill:
    """Return a new draft with a bill's lines, at their prices."""
    lines = await repository.lines_of(session, bill.id)
    again = Bill(
        **bill.model_dump(
            include={"community_id", "organization_id", "resident_id", "account_id", "origin_kind", "origin_id"}
            | {"served_at", "currency", "total_amount"}
        ),
        replaces_id=bill.id,
    )
    session.add(again)
    await session.flush()
    kept = {"resident_id", "sequence", "charge_item_id", "code", "name", "quantity", "unit_amount", "amount"}
    session.add_all(BillLine(bill_id=again.id, **line.model_dump(include=kept)) for line in lines)
    await session.flush()
    return again


async def _write_lines(
    session: AsyncSession, bill: Bill, wanted: Sequence[BillLineWrite], visit_type_id: uuid.UUID | None
) -> None:
    """Price the lines as of the day of the visit; without any it is what goes with its type."""
    found = await repository.prices(
        session,
        bill.organization_id,
        bill.served_at,
        {line.code for line in wanted},
        None if wanted else visit_type_id,
    )
    # Prices from before the clinic changed its currency are none.
    by_code = {item.code: item for item in found if item.currency == bill.currency}
    lines = wanted or [BillLineWrite(code=code) for code in sorted(by_code)]
    missing = sorted({line.code for line in lines} - by_code.keys())
    if missing or not lines:
        raise NoPrice(codes=missing)
    written = [
        BillLine(
            bill_id=bill.id,
            resident_id=bill.resident_id,
            sequence=number,
            charge_item_id=by_code[line.code].id,
            code=line.code,
            name=by_code[line.code].name,
            quantity=line.quantity,
            unit_amount=by_code[line.code].amount,
            amount=line.quantity * by_code[line.code].amount,
        )
        for number, line in enumerate(lines, start=1)
    ]
    session.add_all(written)
    bill.total_amount = sum(line.amount for line in written)
    # Who issues a draft means its lines: others are another version, also where they come to the same.
    bill.updated_at = clock.now()
    flag_modified(bill, "updated_at")
    await session.flush()


async def _record(session: AsyncSession, actor: Actor, action: str, bill: Bill) -> None:
    await audit.record(
        session, actor, action, resident_id=bill.resident_id, object_id=bill.id, community_id=bill.community_id
    )
