"""Products, quotas, add-ons and terms of an attraction, for those who keep them."""

import uuid
from typing import Final

from fastapi import Response

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from community.attractions.access import Keeper, OnSite, require_of
from community.ticketing import views
from community.ticketing.problems import CodeTaken, MoreIsSold
from community.ticketing.schemas.given import (
    TicketAddonCreate,
    TicketAddonWrite,
    TicketProductCreate,
    TicketProductWrite,
    TicketQuotaCreate,
    TicketQuotaWrite,
    TicketTermsWrite,
)
from community.ticketing.schemas.shown import (
    TicketAddonPublic,
    TicketProductPublic,
    TicketQuotaAdded,
    TicketQuotaPublic,
    TicketTermsPublic,
)
from community.ticketing.service import keeping, quotas

router = Router(tags=["tourism"])

_OF: Final = "/organizations/{organization_id}"
_ATTRACTION: Final = f"{_OF}/attractions/{{attraction_id}}"
_ASKED: Final = (Unauthenticated, Forbidden, NotFound)


@router.get(f"{_ATTRACTION}/ticket-products", responses=problem_responses(*_ASKED))
async def list_ticket_products(
    organization_id: uuid.UUID, attraction_id: uuid.UUID, connection: Reading, member: Keeper, page: PageQuery
) -> Page[TicketProductPublic]:
    """List what an attraction sells, also what was withdrawn."""
    await require_of(connection, organization_id, attraction_id)
    return await views.kept(connection, member.community_id, TicketProductPublic, attraction_id, page)


@router.get(f"{_ATTRACTION}/office-products", responses=problem_responses(*_ASKED))
async def list_office_products(
    organization_id: uuid.UUID, attraction_id: uuid.UUID, connection: Reading, member: OnSite, page: PageQuery
) -> Page[TicketProductPublic]:
    """List what is sold over the counter, also what cannot be bought online."""
    await require_of(connection, organization_id, attraction_id)
    found = await views.kept(connection, member.community_id, TicketProductPublic, attraction_id, page)
    return Page(items=[one for one in found.items if one.state == "active"], next=found.next)


@router.post(f"{_ATTRACTION}/ticket-products", status_code=201, responses=problem_responses(*_ASKED, CodeTaken))
async def add_ticket_product(
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: TicketProductCreate,
    response: Response,
) -> TicketProductPublic:
    """Sell something new."""
    row = await keeping.add_product(session, member.actor, organization_id, attraction_id, data)
    set_etag(response, row.version)
    return TicketProductPublic.model_validate(row)


@router.put(f"{_OF}/ticket-products/{{product_id}}", responses=problem_responses(*_ASKED, StaleVersion))
async def set_ticket_product(
    organization_id: uuid.UUID,
    product_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: TicketProductWrite,
    if_match: IfMatch,
) -> TicketProductPublic:
    """Say what a product is, and costs, from now on; what was sold stays as it was sold."""
    row = await keeping.set_product(session, member.actor, organization_id, product_id, data, if_match)
    return TicketProductPublic.model_validate(row)


@router.get(f"{_ATTRACTION}/ticket-quotas", responses=problem_responses(*_ASKED))
async def list_ticket_quotas(
    organization_id: uuid.UUID, attraction_id: uuid.UUID, connection: Reading, member: Keeper, page: PageQuery
) -> Page[TicketQuotaPublic]:
    """List the limits beside the slots' own."""
    await require_of(connection, organization_id, attraction_id)
    return await views.kept(connection, member.community_id, TicketQuotaPublic, attraction_id, page)


@router.post(f"{_ATTRACTION}/ticket-quotas", status_code=201, responses=problem_responses(*_ASKED, CodeTaken))
async def add_ticket_quota(
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: TicketQuotaCreate,
    response: Response,
) -> TicketQuotaAdded:
    """Limit some products within each slot, or all that is sold of a day or a season.

    Slots of which something is sold already are left out, and told of: nobody knows how much of that it would count.
    """
    row, uncovered = await quotas.add_quota(session, member.actor, organization_id, attraction_id, data)
    set_etag(response, row.version)
    return TicketQuotaAdded(**TicketQuotaPublic.model_validate(row).model_dump(), uncovered=uncovered)


@router.put(f"{_OF}/ticket-quotas/{{quota_id}}", responses=problem_responses(*_ASKED, StaleVersion, MoreIsSold))
async def set_ticket_quota(
    organization_id: uuid.UUID,
    quota_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: TicketQuotaWrite,
    if_match: IfMatch,
) -> TicketQuotaPublic:
    """Say how much there is of a quota from today on. Below what is sold only on purpose, with a reason."""
    row = await quotas.set_quota(session, member.actor, organization_id, quota_id, data, if_match)
    return TicketQuotaPublic.model_validate(row)


@router.get(f"{_ATTRACTION}/ticket-addons", responses=problem_responses(*_ASKED))
async def list_ticket_addons(
    organization_id: uuid.UUID, attraction_id: uuid.UUID, connection: Reading, member: Keeper, page: PageQuery
) -> Page[TicketAddonPublic]:
    """List what is sold with tickets, also what was put aside."""
    await require_of(connection, organization_id, attraction_id)
    return await views.kept(connection, member.community_id, TicketAddonPublic, attraction_id, page)


@router.post(f"{_ATTRACTION}/ticket-addons", status_code=201, responses=problem_responses(*_ASKED, CodeTaken))
async def add_ticket_addon(
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: TicketAddonCreate,
    response: Response,
) -> TicketAddonPublic:
    """Sell something with tickets."""
    row = await keeping.add_addon(session, member.actor, organization_id, attraction_id, data)
    set_etag(response, row.version)
    return TicketAddonPublic.model_validate(row)


@router.put(f"{_OF}/ticket-addons/{{addon_id}}", responses=problem_responses(*_ASKED, StaleVersion, MoreIsSold))
async def set_ticket_addon(
    organization_id: uuid.UUID,
    addon_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: TicketAddonWrite,
    if_match: IfMatch,
) -> TicketAddonPublic:
    """Say what an add-on is, costs, and how many there are. Below what is sold only on purpose, with a reason."""
    row = await keeping.set_addon(session, member.actor, organization_id, addon_id, data, if_match)
    return TicketAddonPublic.model_validate(row)


@router.get(f"{_ATTRACTION}/ticket-terms", responses=problem_responses(*_ASKED))
async def get_ticket_terms(
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    connection: Reading,
    member: Keeper,  # noqa: ARG001 - the guard
) -> TicketTermsPublic:
    """Show on which terms an attraction sells, also one that is not shown yet."""
    await require_of(connection, organization_id, attraction_id)
    return views.terms_public((await views.terms_for(connection, [attraction_id]))[attraction_id])


@router.put(f"{_ATTRACTION}/ticket-terms", responses=problem_responses(*_ASKED))
async def set_ticket_terms(
    organization_id: uuid.UUID, attraction_id: uuid.UUID, session: Session, member: Keeper, data: TicketTermsWrite
) -> TicketTermsPublic:
    """Say what is given back, what may be changed, and how tickets are paid from now on."""
    await keeping.set_terms(session, member.actor, organization_id, attraction_id, data)
    return views.terms_public((await views.terms_for(await session.connection(), [attraction_id]))[attraction_id])
