"""Payouts over HTTP: the desk of an organization that is paid, and the operator who sets the terms."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query, Response

from app.billing.payouts import views
from app.billing.payouts.problems import (
    GatewaySilent,
    NobodyPaysOut,
    NothingToReverse,
    PayoutAccountRefused,
    ReversalUnderWay,
)
from app.billing.payouts.rules import TransferState
from app.billing.payouts.schemas import (
    FeeGiven,
    FeePublic,
    Onboarding,
    OnboardingLink,
    PayoutAccountPublic,
    PayoutBalance,
    Reversing,
    TermsGiven,
    TermsPublic,
    TransferDetail,
    TransferPublic,
)
from app.billing.payouts.service import accounts, reversing, terms
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.identity.api import Member, member_guard

router = Router(tags=["billing"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}"
Coordinator = Annotated[Member, Depends(member_guard("coordinator"))]
Desk = Annotated[Member, Depends(member_guard("operator", "coordinator"))]
Overseer = Annotated[Member, Depends(member_guard("operator"))]
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
Stands = Annotated[TransferState | None, Query()]


@router.get(f"{_OF}/payout-account", responses=problem_responses(*_GUARDED))
async def get_payout_account(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only these
    response: Response,
) -> PayoutAccountPublic:
    """Show how an organization's account at the gateway stands, and what is still wanted of it."""
    found = await views.account(connection, organization_id)
    set_etag(response, found.version)
    return found


@router.post(
    f"{_OF}/payout-account/onboarding",
    responses=problem_responses(*_GUARDED, NobodyPaysOut, PayoutAccountRefused, GatewaySilent),
)
@route_options(database=False, idempotency=False)
async def begin_onboarding(organization_id: uuid.UUID, member: Coordinator, data: Onboarding) -> OnboardingLink:
    """Open an organization's account at the gateway, if it has none, and say where it goes on: its coordinator does."""
    url = await accounts.begin_onboarding(member.actor, member.community_id, organization_id, data.country)
    return OnboardingLink(url=url)


@router.get(f"{_OF}/payout-balances", responses=problem_responses(*_GUARDED))
async def list_payout_balances(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only these
) -> Page[PayoutBalance]:
    """Show what an organization is still to be paid out, by currency, and what of it must stay."""
    return Page(items=await views.balances(connection, organization_id), next=None)


@router.get("/transfers", responses=problem_responses(Unauthenticated, Forbidden))
async def list_transfers(
    connection: Reading, member: Operator, page: PageQuery, state: Stands = None
) -> Page[TransferPublic]:
    """List what was paid out in the operator's community, the last first."""
    return await views.transfers_of_community(connection, member.community_id, state, page)


@router.get(f"{_OF}/transfers", responses=problem_responses(*_GUARDED))
async def list_organization_transfers(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only these
    page: PageQuery,
    state: Stands = None,
) -> Page[TransferPublic]:
    """List what an organization was paid out, the last first."""
    return await views.transfers_of_organization(connection, organization_id, state, page)


@router.get(f"{_OF}/transfers/{{transfer_id}}", responses=problem_responses(*_GUARDED))
async def get_transfer(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only these
    transfer_id: uuid.UUID,
) -> TransferDetail:
    """Show a transfer and which charges it is for: the items add up to its amount."""
    return await views.transfer(connection, organization_id, transfer_id)


@router.post(
    f"{_OF}/transfers/{{transfer_id}}/reversals",
    status_code=202,
    responses=problem_responses(*_GUARDED, NothingToReverse, ReversalUnderWay),
)
async def reverse_transfer(
    organization_id: uuid.UUID, session: Session, member: Overseer, transfer_id: uuid.UUID, data: Reversing
) -> TransferPublic:
    """Take back what an organization was paid out too much; without this it is carried over to its next payouts."""
    made = await reversing.reverse(session, member.actor, organization_id, transfer_id, data.amount)
    return TransferPublic(**made.model_dump(include=set(TransferPublic.model_fields)))


@router.get(f"{_OF}/payout-terms", responses=problem_responses(*_GUARDED))
async def get_payout_terms(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only these
    response: Response,
) -> TermsPublic:
    """Show when an organization is paid out, and what of."""
    found = await views.terms(connection, organization_id)
    set_etag(response, found.version)
    return found


@router.put(f"{_OF}/payout-terms", responses=problem_responses(*_GUARDED, StaleVersion))
async def set_payout_terms(
    organization_id: uuid.UUID,
    session: Session,
    member: Overseer,
    data: TermsGiven,
    if_match: IfMatch,
    response: Response,
) -> TermsPublic:
    """Set when an organization is paid out, and what of: from its next cut-off on."""
    made = await terms.set_terms(session, member.actor, member.community_id, organization_id, data, if_match)
    set_etag(response, made.version)
    return TermsPublic(**made.model_dump(include=set(TermsPublic.model_fields)))


@router.get(f"{_OF}/platform-fee", responses=problem_responses(*_GUARDED))
async def get_platform_fee(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only these
) -> FeePublic:
    """Show what the platform keeps of what it collects for an organization."""
    return FeePublic(rate=await views.fee_rate(connection, organization_id))


@router.put(f"{_OF}/platform-fee", responses=problem_responses(*_GUARDED, StaleVersion))
async def set_platform_fee(
    organization_id: uuid.UUID,
    session: Session,
    member: Overseer,
    data: FeeGiven,
    if_match: IfMatch,
    response: Response,
) -> FeePublic:
    """Set what the platform keeps of what is charged for an organization from now on."""
    fee = await terms.set_fee(session, member.actor, member.community_id, organization_id, data.rate, if_match)
    set_etag(response, fee.version)
    return FeePublic(rate=fee.rate)
