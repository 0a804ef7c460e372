"""The SQL that reads what was issued, and the payments receipts are made from."""

import uuid
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.charges.models import PAYMENTS
from app.billing.invoices.models import INVOICES, ISSUERS, RECIPIENT
from app.billing.invoices.rules.papers import Issued
from app.billing.invoices.rules.words import number_of
from app.billing.invoices.schemas import InvoicePublic, IssuerPublic
from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import ResidentSubject, trace_read

_LIST: Final = "billing.invoices"
_i, _p = INVOICES.c, PAYMENTS.c
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_id = sa.bindparam("id", type_=sa.Uuid)
_page: Final = (
    sa.select(INVOICES)
    .where(after((_i.id,), ("after_id",), descending=True))
    .order_by(_i.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OF_RESIDENT: Final = _page.where(_i.resident_id == _resident)
_OF_ORGANIZATION: Final = traced_each(_page.where(_i.organization_id == _organization), "invoices:list")
# Whose it has to be is a part of the question: what is somebody else's is not found.
_ONE: Final = sa.select(INVOICES).where(
    _i.id == _id,
    sa.or_(_i.resident_id == _resident, _i.organization_id == _organization),
)
_PAYMENT: Final = (
    sa.select(PAYMENTS, INVOICES.c.id.label("invoice_id"))
    .join_from(PAYMENTS, INVOICES, sa.and_(_i.charge_id == _p.charge_id, _i.kind == sa.literal_column("'invoice'")))
    .where(_p.id == _id, sa.or_(_p.payer_id == _resident, _p.organization_id == _organization))
)
_BY_ID: Final = sa.select(INVOICES).where(_i.id == _id)
_ISSUER: Final = sa.select(ISSUERS).where(ISSUERS.c.organization_id == _organization)


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[InvoicePublic]:
    """Return a page of what a resident was issued, the last first; leaves a trace."""
    await trace_read(connection, actor, subject, "invoices:list")
    return await _paged(connection, _OF_RESIDENT, page, {"resident_id": subject.resident_id})


async def of_organization(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, page: PageRequest
) -> Page[InvoicePublic]:
    """Return a page of what an organization issued, the last first; leaves a trace."""
    binds = {"organization_id": organization_id, **trace_each_binds(actor, shown=page.limit)}
    return await _paged(connection, _OF_ORGANIZATION, page, binds)


async def one(
    connection: AsyncConnection,
    invoice_id: uuid.UUID,
    *,
    resident_id: uuid.UUID | None = None,
    organization_id: uuid.UUID | None = None,
) -> tuple[Issued, uuid.UUID]:
    """Return a document of a resident's or an organization's, and whose it is; raises ``NotFound``."""
    binds = {"id": invoice_id, "resident_id": resident_id, "organization_id": organization_id}
    row = (await connection.execute(_ONE, binds)).one_or_none()
    if row is None:
        raise NotFound
    return issued(row), row.resident_id


async def payment(
    connection: AsyncConnection,
    payment_id: uuid.UUID,
    *,
    resident_id: uuid.UUID | None = None,
    organization_id: uuid.UUID | None = None,
) -> tuple[Any, Issued]:
    """Return a payment for something that was invoiced, with the invoice; raises ``NotFound``."""
    binds = {"id": payment_id, "resident_id": resident_id, "organization_id": organization_id}
    row = (await connection.execute(_PAYMENT, binds)).one_or_none()
    if row is None:
        raise NotFound
    invoice = (await connection.execute(_BY_ID, {"id": row.invoice_id})).one()
    return row, issued(invoice)


async def issuer(connection: AsyncConnection, organization_id: uuid.UUID) -> IssuerPublic:
    """Return how an organization is named on what it issues; raises ``NotFound`` until it has said so."""
    row = (await connection.execute(_ISSUER, {"organization_id": organization_id})).one_or_none()
    if row is None:
        raise NotFound
    return IssuerPublic.model_validate(row)


def issued(row: Any) -> Issued:
    """Return a document as it was issued."""
    recipient = orjson.loads(unseal(row.recipient, RECIPIENT)) if row.recipient else None
    names = ("kind", "year", "number", "issued_on", "issued_at", "currency", "amount", "content")
    return Issued(**{name: getattr(row, name) for name in names}, recipient=recipient)


async def _paged(
    connection: AsyncConnection, statement: sa.Select[Any], page: PageRequest, binds: dict[str, Any]
) -> Page[InvoicePublic]:
    (last_id,) = decode_cursor(_LIST, page.cursor) if page.cursor else (None,)
    paging = {"after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}
    rows = (await connection.execute(statement, binds | paging)).all()
    items = [_public(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_LIST, rows, page.limit, ("id",)))


def _public(row: Any) -> InvoicePublic:
    fields = {name: getattr(row, name) for name in InvoicePublic.model_fields if name != "number"}
    return InvoicePublic(**fields, number=number_of(row.kind, row.year, row.number))
