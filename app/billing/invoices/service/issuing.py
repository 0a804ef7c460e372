"""Invoices and credit notes are issued for what happened to a charge, each with the next number of its issuer.

They follow the fact that a charge was opened, or a part of it waived, in a transaction of their own. The issuer's
counter is locked until the document is there, so numbers have no gap; in the transaction that settles an order, all of
a provider's orders would wait for one another there. The fact is handed on until the document is there, and both commit
together: exactly one is issued.
"""

import uuid
from datetime import date
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.charges.models import CREDIT_REASON, Charge, Credit, Payment
from app.billing.invoices.models import COUNTERS, RECIPIENT, Invoice, Issuer
from app.billing.invoices.rules.taxes import TaxGroup, credited, groups_of, taxes
from app.billing.invoices.rules.words import Kind, number_of
from app.billing.subsidies.models import PROGRAMMES
from app.core import clock
from app.core.sealing import seal, unseal
from app.core.wall_time import zone
from app.identity.api import community, homes, organizations_named

_counter = insert(COUNTERS)
_NEXT: Final = _counter.on_conflict_do_update(
    index_elements=["organization_id", "kind", "year"],
    set_={
        "last_number": COUNTERS.c.last_number + 1,
        "updated_at": _counter.excluded.updated_at,
        "version": COUNTERS.c.version + 1,
    },
).returning(COUNTERS.c.last_number)
_UNNAMED: Final = {"en": "Service", "zh-CN": "服务"}


async def issue_invoice(session: AsyncSession, charge_id: uuid.UUID) -> Invoice | None:
    """Issue the invoice for a charge and return it; ``None`` for what an organization collects at its own desk."""
    charge = await session.get_one(Charge, charge_id)
    if charge.collected_by != "platform":
        return None
    place = await community(await session.connection(), charge.community_id)
    local = zone(place.time_zone)
    lines = charge.lines or [_line(charge)]
    groups = taxes(lines)
    content = {
        "issuer": await _issuer(session, charge),
        "supplied_on": charge.created_at.astimezone(local).date().isoformat(),
        "due_on": charge.due_at.astimezone(local).date().isoformat(),
        "lines": lines,
        "taxes": [group.as_json() for group in groups],
        "subsidies": await _subsidies(session, charge),
    }
    today = clock.now().astimezone(local).date()
    return await _issue(session, charge, "invoice", today, groups=groups, content=content)


async def issue_credit_note(session: AsyncSession, credit_id: uuid.UUID) -> Invoice | None:
    """Issue the credit note for what was waived and return it; ``None`` where there is no invoice."""
    credit = await session.get_one(Credit, credit_id)
    charge = await session.get_one(Charge, credit.charge_id)
    issued = sa.select(Invoice).where(col(Invoice.charge_id) == charge.id).order_by(col(Invoice.id))
    documents = list((await session.scalars(issued)).all())
    invoice = next((one for one in documents if one.kind == "invoice"), None)
    if invoice is None:
        return None
    before = [group for one in documents if one.kind == "credit_note" for group in groups_of(one.content)]
    groups = credited(groups_of(invoice.content), before, credit.amount)
    place = await community(await session.connection(), charge.community_id)
    today = clock.now().astimezone(zone(place.time_zone)).date()
    content = {
        "issuer": await _issuer(session, charge),
        "taxes": [group.as_json() for group in groups],
        "corrects": {
            "number": number_of(invoice.kind, invoice.year, invoice.number),
            "issued_on": invoice.issued_on.isoformat(),
        },
    }
    return await _issue(session, charge, "credit_note", today, groups=groups, content=content, credit=credit)


async def _issue(
    session: AsyncSession,
    charge: Charge,
    kind: Kind,
    today: date,
    *,
    groups: list[TaxGroup],
    content: dict[str, Any],
    credit: Credit | None = None,
) -> Invoice:
    reason = unseal(credit.reason, CREDIT_REASON) if credit is not None and credit.reason else None
    recipient = await _recipient(session, charge, reason)
    # The counter last: whoever issues meanwhile waits no longer than it takes to insert one row.
    number = await _next(session, charge.organization_id, kind, today.year)
    row = Invoice(
        community_id=charge.community_id,
        organization_id=charge.organization_id,
        resident_id=charge.payer_id,
        charge_id=charge.id,
        credit_id=credit.id if credit else None,
        kind=kind,
        year=today.year,
        number=number,
        issued_on=today,
        issued_at=clock.now(),
        currency=charge.currency,
        amount=sum(group.gross for group in groups),
        tax_amount=sum(group.tax for group in groups),
        content=content,
        recipient=recipient,
    )
    session.add(row)
    await session.flush()
    return row


async def _next(session: AsyncSession, organization_id: uuid.UUID, kind: Kind, year: int) -> int:
    now = clock.now()
    row = {"id": clock.new_id(), "created_at": now, "updated_at": now, "version": 1, "last_number": 1}
    of = {"organization_id": organization_id, "kind": kind, "year": year}
    return int((await session.execute(_NEXT, row | of)).scalar_one())


async def _issuer(session: AsyncSession, charge: Charge) -> dict[str, str | None]:
    found = await session.scalar(sa.select(Issuer).where(col(Issuer.organization_id) == charge.organization_id))
    if found is not None:
        return {"name": found.name, "address": found.address, "tax_number": found.tax_number}
    connection = await session.connection()
    named = await organizations_named(connection, charge.community_id, [charge.organization_id])
    return {"name": named[charge.organization_id].name, "address": None, "tax_number": None}


async def _recipient(session: AsyncSession, charge: Charge, reason: str | None) -> str | None:
    home = (await homes(await session.connection(), [charge.payer_id])).get(charge.payer_id)
    if home is None:
        return None
    said = {"name": home.name, "address": home.address, "reason": reason}
    return seal(orjson.dumps(said).decode(), RECIPIENT)


async def _subsidies(session: AsyncSession, charge: Charge) -> list[dict[str, Any]]:
    found = (
        sa.select(PROGRAMMES.c.name, col(Payment.amount))
        .join_from(Payment, PROGRAMMES, PROGRAMMES.c.id == col(Payment.programme_id))
        .where(col(Payment.charge_id) == charge.id, col(Payment.refunds_id).is_(None))
        .order_by(col(Payment.id))
    )
    return [{"name": row.name, "amount": row.amount} for row in await session.execute(found)]


def _line(charge: Charge) -> dict[str, Any]:
    return {
        "code": charge.reference_kind,
        "name": _UNNAMED,
        "quantity": 1,
        "amount": charge.amount,
        "tax_rate": 0,
    }
