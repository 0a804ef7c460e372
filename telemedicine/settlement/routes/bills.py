"""Bills and claims over HTTP: the clinic's desk writes them, the resident and whom they let read them."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query, Response

from app.billing.api import PaymentsToRefund
from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import ResidentSubject
from telemedicine.settlement.access import Desk, reader_guard
from telemedicine.settlement.models import Bill
from telemedicine.settlement.problems import (
    BilledAlready,
    BillState,
    NoCoverage,
    NoPrice,
    NoTerms,
    NotServed,
    RequestUnderWay,
    SeveralCoverages,
    UnknownInsurer,
)
from telemedicine.settlement.rules.states import State
from telemedicine.settlement.schemas.bills import (
    BillCredit,
    BillDetail,
    BillDraft,
    BillLines,
    BillPublic,
    ClaimSubmit,
    CoverageChosen,
    InsurerRequestPublic,
)
from telemedicine.settlement.service import billing, claiming
from telemedicine.settlement.views import bills as views

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ASKING: Final = (*_GUARDED, BillState, NoTerms, NoCoverage, SeveralCoverages, UnknownInsurer)
_BILLS: Final = "/clinics/{organization_id}/bills"
_ONE: Final = f"{_BILLS}/{{bill_id}}"
Reader = Annotated[ResidentSubject, Depends(reader_guard)]


@router.resident_route("GET", "/bills", responses=problem_responses(*_GUARDED))
async def list_bills(connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery) -> Page[BillPublic]:
    """List the bills a resident was sent, the last first."""
    return await views.of_resident(connection, actor, subject, page)


@router.resident_route("GET", "/bills/{bill_id}", responses=problem_responses(*_GUARDED))
async def get_bill(connection: Reading, actor: CurrentActor, subject: Reader, bill_id: uuid.UUID) -> BillDetail:
    """Show a bill: its lines, what the insurer pays and why, what is left to pay, and what was paid."""
    return await views.residents_one(connection, actor, subject, bill_id)


@router.get(_BILLS, responses=problem_responses(*_GUARDED))
async def list_clinic_bills(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,
    page: PageQuery,
    state: Annotated[State | None, Query()] = None,
) -> Page[BillPublic]:
    """List a clinic's bills, the last first."""
    return await views.of_clinic(connection, member.actor, organization_id, state, page)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_clinic_bill(
    organization_id: uuid.UUID, connection: Reading, member: Desk, bill_id: uuid.UUID, response: Response
) -> BillDetail:
    """Show a bill of a clinic's."""
    found = await views.clinics_one(connection, member.actor, organization_id, bill_id)
    set_etag(response, found.version)
    return found


@router.post(
    _BILLS, status_code=201, responses=problem_responses(*_GUARDED, NoTerms, NotServed, BilledAlready, NoPrice)
)
async def draft_bill(
    organization_id: uuid.UUID, session: Session, member: Desk, data: BillDraft, response: Response
) -> BillDetail:
    """Draft the bill of a visit that took place; nobody but the clinic sees it yet."""
    return await _answer(session, await billing.draft_bill(session, member.actor, organization_id, data), response)


@router.put(f"{_ONE}/lines", responses=problem_responses(*_GUARDED, StaleVersion, BillState, NoPrice))
async def redraft_bill(
    organization_id: uuid.UUID,
    session: Session,
    member: Desk,
    bill_id: uuid.UUID,
    data: BillLines,
    *,
    if_match: IfMatch,
    response: Response,
) -> BillDetail:
    """Write a draft's lines anew, whole. What is issued never changes: it is taken back, and billed anew."""
    row = await billing.redraft_bill(session, member.actor, organization_id, bill_id, data, if_match)
    return await _answer(session, row, response)


@router.post(f"{_ONE}/issue", responses=problem_responses(*_GUARDED, StaleVersion, BillState))
async def issue_bill(
    organization_id: uuid.UUID,
    session: Session,
    member: Desk,
    bill_id: uuid.UUID,
    if_match: IfMatch,
    response: Response,
) -> BillDetail:
    """Issue a draft: the resident sees it from now on, and its lines stay as they are."""
    row = await billing.issue_bill(session, member.actor, organization_id, bill_id, if_match)
    return await _answer(session, row, response)


@router.post(f"{_ONE}/eligibility-requests", status_code=202, responses=problem_responses(*_ASKING))
async def request_eligibility(
    organization_id: uuid.UUID, session: Session, member: Desk, bill_id: uuid.UUID, data: CoverageChosen
) -> InsurerRequestPublic:
    """Ask the insurer whether the resident was insured on the day of the visit; the bill shows what it answers."""
    row = await claiming.check_eligibility(session, member.actor, organization_id, bill_id, data)
    return views.request_public(row)


@router.post(f"{_ONE}/claims", status_code=202, responses=problem_responses(*_ASKING))
async def submit_claim(
    organization_id: uuid.UUID, session: Session, member: Desk, bill_id: uuid.UUID, data: ClaimSubmit
) -> InsurerRequestPublic:
    """Claim a bill from the resident's insurer; after a denial anew, linked to the claim before."""
    row = await claiming.submit_claim(session, member.actor, organization_id, bill_id, data)
    return views.request_public(row)


@router.post(f"{_ONE}/own-share", responses=problem_responses(*_GUARDED, BillState, NoTerms))
async def demand_own_share(
    organization_id: uuid.UUID, session: Session, member: Desk, bill_id: uuid.UUID, response: Response
) -> BillDetail:
    """Ask the resident for all of a bill: without an insurer, or after a denial."""
    row = await billing.demand_own_share(session, member.actor, organization_id, bill_id)
    return await _answer(session, row, response)


@router.post(f"{_ONE}/credit", responses=problem_responses(*_GUARDED, BillState, PaymentsToRefund, RequestUnderWay))
async def credit_bill(
    organization_id: uuid.UUID,
    session: Session,
    member: Desk,
    bill_id: uuid.UUID,
    data: BillCredit,
    response: Response,
) -> BillDetail:
    """Take a bill back, with its charge and its claims; ``reissue`` answers with a new draft of the same lines."""
    row = await billing.credit_bill(session, member.actor, organization_id, bill_id, data)
    return await _answer(session, row, response)


async def _answer(session: Session, row: Bill, response: Response) -> BillDetail:
    set_etag(response, row.version)
    return await views.clinics_written(await session.connection(), row.organization_id, row.id)
