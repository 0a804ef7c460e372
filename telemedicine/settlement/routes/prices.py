"""A clinic's terms and prices over HTTP."""

import uuid
from typing import Final

from fastapi import Response

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from telemedicine.clinics.problems import NotAClinic
from telemedicine.settlement.access import Desk
from telemedicine.settlement.problems import NoTerms, PriceInPast
from telemedicine.settlement.schemas.prices import (
    BillingTermsPublic,
    BillingTermsWrite,
    ChargeItemPublic,
    ChargeItemWrite,
)
from telemedicine.settlement.service import prices as service
from telemedicine.settlement.views import prices as views

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_CLINIC: Final = "/clinics/{organization_id}"


@router.get(f"{_CLINIC}/billing-terms", responses=problem_responses(*_GUARDED))
async def get_billing_terms(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only coordinators
    response: Response,
) -> BillingTermsPublic:
    """Show on which terms a clinic bills."""
    found = await views.terms(connection, organization_id)
    set_etag(response, found.version)
    return found


@router.put(f"{_CLINIC}/billing-terms", responses=problem_responses(*_GUARDED, NotAClinic, StaleVersion))
async def put_billing_terms(
    organization_id: uuid.UUID,
    session: Session,
    member: Desk,
    data: BillingTermsWrite,
    if_match: IfMatch,
    response: Response,
) -> BillingTermsPublic:
    """Set where a clinic is, which tier it is of, its currency, and how long residents have to pay."""
    row = await service.set_terms(session, member.actor, organization_id, data, if_match)
    set_etag(response, row.version)
    return BillingTermsPublic.model_validate(row)


@router.get(f"{_CLINIC}/charge-items", responses=problem_responses(*_GUARDED))
async def list_charge_items(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only coordinators
    page: PageQuery,
) -> Page[ChargeItemPublic]:
    """List a clinic's prices that are in force or will be, by code."""
    return await views.prices(connection, organization_id, page)


@router.post(f"{_CLINIC}/charge-items", status_code=201, responses=problem_responses(*_GUARDED, NoTerms, PriceInPast))
async def set_charge_item(
    organization_id: uuid.UUID, session: Session, member: Desk, data: ChargeItemWrite
) -> ChargeItemPublic:
    """Set what a clinic asks for a code from an instant on; the price before it ends then, and stays as it was."""
    return ChargeItemPublic.model_validate(await service.set_price(session, member.actor, organization_id, data))
