"""Invoices, credit notes, receipts and statements over HTTP: for whom they are, who issued them, the operator."""

import uuid
from datetime import date
from typing import Annotated, BinaryIO, Final

from fastapi import Header, Path, Response
from fastapi.responses import StreamingResponse

from app.billing.invoices.access import Desk, Reader
from app.billing.invoices.schemas import (
    InvoicePublic,
    IssuerPublic,
    IssuerWrite,
    ProviderStatement,
    ResidentStatement,
)
from app.billing.invoices.service import naming, printing
from app.billing.invoices.views import documents
from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import (
    Forbidden,
    NotFound,
    StaleVersion,
    Unauthenticated,
    Unavailable,
    problem_responses,
)
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.core.typesetting import pieces, size_of
from app.identity.api import language_for

router = Router(tags=["billing"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}"
_PDF: Final = {
    200: {
        "description": "The document, PDF/UA",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    },
    **problem_responses(*_GUARDED, Unavailable),
}
Language = Annotated[str, Header(alias="Accept-Language", max_length=200, description="en or zh-CN")]
Month = Annotated[
    str, Path(pattern=r"^20\d{2}-(0[1-9]|1[0-2])$", description="of the wall calendar: YYYY-MM", examples=["2026-03"])
]


@router.resident_route("GET", "/invoices", responses=problem_responses(*_GUARDED))
async def list_invoices(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[InvoicePublic]:
    """List the invoices and credit notes a resident was issued, the last first."""
    return await documents.of_resident(connection, actor, subject, page)


@router.resident_route("GET", "/invoices/{invoice_id}.pdf", response_class=StreamingResponse, responses=_PDF)
@route_options(database=False)
async def print_invoice(
    actor: CurrentActor, subject: Reader, invoice_id: uuid.UUID, accept_language: Language = "en"
) -> StreamingResponse:
    """Print an invoice or a credit note as it was issued."""
    language = language_for(accept_language)
    paper = await printing.invoice(actor, invoice_id, language, resident_id=subject.resident_id)
    return _sent(paper, "invoice")


@router.resident_route("GET", "/payment-receipts/{payment_id}.pdf", response_class=StreamingResponse, responses=_PDF)
@route_options(database=False)
async def print_receipt(
    actor: CurrentActor, subject: Reader, payment_id: uuid.UUID, accept_language: Language = "en"
) -> StreamingResponse:
    """Print the receipt of a payment, or of what was given back of one."""
    language = language_for(accept_language)
    return _sent(await printing.receipt(actor, payment_id, language, resident_id=subject.resident_id), "receipt")


# Before the same without an ending, which would take this for a month.
@router.resident_route("GET", "/bill-statements/{month}.pdf", response_class=StreamingResponse, responses=_PDF)
@route_options(database=False)
async def print_bill_statement(
    actor: CurrentActor, subject: Reader, month: Month, accept_language: Language = "en"
) -> StreamingResponse:
    """Print a month of a resident's account with the platform."""
    language = language_for(accept_language)
    return _sent(await printing.print_resident_statement(actor, subject, _month(month), language), "statement")


@router.resident_route("GET", "/bill-statements/{month}", responses=problem_responses(*_GUARDED))
@route_options(database=False)
async def get_bill_statement(actor: CurrentActor, subject: Reader, month: Month) -> ResidentStatement:
    """Show a month of a resident's account with the platform."""
    return await printing.resident_statement(actor, subject, _month(month))


@router.get(f"{_OF}/invoices", responses=problem_responses(*_GUARDED))
async def list_issued_invoices(
    organization_id: uuid.UUID, connection: Reading, member: Desk, page: PageQuery
) -> Page[InvoicePublic]:
    """List the invoices and credit notes an organization issued, the last first."""
    return await documents.of_organization(connection, member.actor, organization_id, page)


@router.get(f"{_OF}/invoices/{{invoice_id}}.pdf", response_class=StreamingResponse, responses=_PDF)
@route_options(database=False)
async def print_issued_invoice(
    organization_id: uuid.UUID, member: Desk, invoice_id: uuid.UUID, accept_language: Language = "en"
) -> StreamingResponse:
    """Print an invoice or a credit note as an organization issued it."""
    language = language_for(accept_language)
    paper = await printing.invoice(member.actor, invoice_id, language, organization_id=organization_id)
    return _sent(paper, "invoice")


@router.get(f"{_OF}/payment-receipts/{{payment_id}}.pdf", response_class=StreamingResponse, responses=_PDF)
@route_options(database=False)
async def print_issued_receipt(
    organization_id: uuid.UUID, member: Desk, payment_id: uuid.UUID, accept_language: Language = "en"
) -> StreamingResponse:
    """Print the receipt of a payment an organization was owed, or of what was given back of one."""
    language = language_for(accept_language)
    paper = await printing.receipt(member.actor, payment_id, language, organization_id=organization_id)
    return _sent(paper, "receipt")


@router.get(f"{_OF}/provider-statements/{{month}}.pdf", response_class=StreamingResponse, responses=_PDF)
@route_options(database=False)
async def print_provider_statement(
    organization_id: uuid.UUID, member: Desk, month: Month, accept_language: Language = "en"
) -> StreamingResponse:
    """Print a month between the platform and a provider."""
    language = language_for(accept_language)
    paper = await printing.print_provider_statement(member.community_id, organization_id, _month(month), language)
    return _sent(paper, "provider-statement")


@router.get(f"{_OF}/provider-statements/{{month}}", responses=problem_responses(*_GUARDED))
@route_options(database=False)
async def get_provider_statement(organization_id: uuid.UUID, member: Desk, month: Month) -> ProviderStatement:
    """Show a month between the platform and a provider: charged, kept, paid out, still payable."""
    return await printing.provider_statement(member.community_id, organization_id, _month(month))


@router.get(f"{_OF}/invoice-issuer", responses=problem_responses(*_GUARDED))
async def get_invoice_issuer(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only its desk and the operator
    response: Response,
) -> IssuerPublic:
    """Show how an organization is named on what it issues."""
    found = await documents.issuer(connection, organization_id)
    set_etag(response, found.version)
    return found


@router.put(f"{_OF}/invoice-issuer", responses=problem_responses(*_GUARDED, StaleVersion))
async def set_invoice_issuer(
    organization_id: uuid.UUID,
    session: Session,
    member: Desk,
    data: IssuerWrite,
    if_match: IfMatch,
    response: Response,
) -> IssuerPublic:
    """Say how an organization is named on what it issues from now on."""
    row = await naming.set_issuer(session, member, organization_id, data, if_match)
    set_etag(response, row.version)
    return IssuerPublic.model_validate(row)


def _month(written: str) -> date:
    return date.fromisoformat(f"{written}-01")


def _sent(paper: BinaryIO, name: str) -> StreamingResponse:
    return StreamingResponse(
        pieces(paper),
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.pdf"',
            "Content-Length": str(size_of(paper)),
            "Cache-Control": "no-store",
        },
    )
