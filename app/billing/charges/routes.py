"""Charges and payments over HTTP: the desk of the organization that is owed."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query, Response

from app.billing.charges import views
from app.billing.charges.problems import ChargeNotOpen, OtherCurrency, PaymentKnown, TooMuchPaid, TooMuchRefunded
from app.billing.charges.rules import ChargeState
from app.billing.charges.schemas import (
    ChargeDetail,
    ChargePublic,
    PaymentPublic,
    PaymentRecord,
    PlatformPaymentRecord,
    RefundRecord,
)
from app.billing.charges.service import desks
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, set_etag
from app.identity.api import Member, member_guard

router = Router(tags=["billing"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}"
_PLATFORM: Final = "/platform-charges"
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
Desk = Annotated[Member, Depends(member_guard("coordinator"))]


@router.get(f"{_OF}/charges", responses=problem_responses(*_GUARDED))
async def list_charges(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,
    page: PageQuery,
    state: Annotated[ChargeState | None, Query()] = None,
) -> Page[ChargePublic]:
    """List what is owed to an organization, the last first."""
    return await views.charges(connection, member.actor, organization_id, state, page)


@router.get(f"{_OF}/charges/{{charge_id}}", responses=problem_responses(*_GUARDED))
async def get_charge(
    organization_id: uuid.UUID, connection: Reading, member: Desk, charge_id: uuid.UUID, response: Response
) -> ChargeDetail:
    """Show a charge and what was paid for it."""
    found = await views.charge(connection, member.actor, organization_id, charge_id)
    set_etag(response, found.version)
    return found


@router.post(
    f"{_OF}/charges/{{charge_id}}/payments",
    status_code=201,
    responses=problem_responses(*_GUARDED, ChargeNotOpen, OtherCurrency, TooMuchPaid, PaymentKnown),
)
async def record_payment(
    organization_id: uuid.UUID, session: Session, member: Desk, charge_id: uuid.UUID, data: PaymentRecord
) -> PaymentPublic:
    """Record money the desk took: cash, a transfer that arrived, or a terminal's payment; a part will do."""
    return views.payment(await desks.record_payment(session, member.actor, organization_id, charge_id, data))


@router.post(
    f"{_OF}/charges/{{charge_id}}/payments/{{payment_id}}/refunds",
    status_code=201,
    responses=problem_responses(*_GUARDED, TooMuchRefunded),
)
async def refund_payment(
    organization_id: uuid.UUID,
    session: Session,
    member: Desk,
    charge_id: uuid.UUID,
    payment_id: uuid.UUID,
    data: RefundRecord,
) -> PaymentPublic:
    """Record money given back of a payment; what it was for is owed again."""
    refund = await desks.refund_payment(session, member.actor, organization_id, charge_id, payment_id, data)
    return views.payment(refund)


@router.get(_PLATFORM, responses=problem_responses(Unauthenticated, Forbidden))
async def list_platform_charges(
    connection: Reading,
    member: Operator,
    page: PageQuery,
    state: Annotated[ChargeState, Query()] = "open",
) -> Page[ChargePublic]:
    """List what the platform collects for the community's organizations, the last first: what is open unless said."""
    return await views.platform_charges(connection, member.actor, state, page)


@router.post(
    f"{_PLATFORM}/{{charge_id}}/payments",
    status_code=201,
    responses=problem_responses(*_GUARDED, ChargeNotOpen, OtherCurrency, TooMuchPaid, PaymentKnown),
)
async def record_platform_payment(
    session: Session, member: Operator, charge_id: uuid.UUID, data: PlatformPaymentRecord
) -> PaymentPublic:
    """Record money that arrived at the platform for a charge it collects: a transfer, or what a sponsor sent."""
    return views.payment(await desks.record_platform_payment(session, member.actor, charge_id, data))


@router.post(
    "/platform-payments/{payment_id}/refunds",
    status_code=201,
    responses=problem_responses(*_GUARDED, TooMuchRefunded),
)
async def refund_platform_payment(
    session: Session, member: Operator, payment_id: uuid.UUID, data: RefundRecord
) -> PaymentPublic:
    """Record money the platform gave back of a transfer or a sponsor's payment; what it was for is owed again."""
    return views.payment(await desks.refund_platform_payment(session, member.actor, payment_id, data))
