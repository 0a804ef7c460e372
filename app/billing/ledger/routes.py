"""An organization's books over HTTP: for the desk that keeps them."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.billing.ledger import views
from app.billing.ledger.schemas import LedgerBalances, LedgerEntry
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from app.identity.api import Member, member_guard

router = Router(tags=["billing"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
Desk = Annotated[Member, Depends(member_guard("coordinator"))]


@router.get("/organizations/{organization_id}/ledger", responses=problem_responses(*_GUARDED))
async def list_ledger(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only coordinators
    page: PageQuery,
) -> Page[LedgerEntry]:
    """List the entries of an organization's ledger, the last first; the postings of each add up to zero."""
    return await views.ledger(connection, organization_id, page)


@router.get("/organizations/{organization_id}/ledger/balances", responses=problem_responses(*_GUARDED))
async def get_ledger_balances(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Desk,  # noqa: ARG001 - only coordinators
) -> LedgerBalances:
    """Show what an organization's accounts come to: what it is owed, what it took, what it is still to be paid out."""
    found = await views.balances(connection, "organization", [organization_id])
    return LedgerBalances(accounts=found[organization_id])
