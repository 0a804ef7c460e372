"""The catalogue, what providers take, and what a visit would cost, over HTTP."""

import uuid
from typing import Final

from fastapi import Response

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.identity.api import Person
from community.housekeeping import service, views
from community.housekeeping.access import Keeper, Operator, require_service
from community.housekeeping.problems import NotAProvider, NotOfferedSo, OfferExists, ServiceExists
from community.housekeeping.schemas import (
    HomeServiceCreate,
    HomeServicePublic,
    HomeServiceWrite,
    QuotePublic,
    QuoteRequest,
    ServiceOfferCreate,
    ServiceOfferPublic,
    ServiceOfferWrite,
)

router = Router(tags=["housekeeping"])

_OFFERS: Final = "/organizations/{organization_id}/service-offers"
_ASKED: Final = (Unauthenticated, Forbidden, NotFound)


@router.get("/home-services", responses=problem_responses(Unauthenticated, Forbidden))
async def list_home_services(connection: Reading, actor: Person, page: PageQuery) -> Page[HomeServicePublic]:
    """List what can be had at home in one's community; who keeps the catalogue also sees what was put aside."""
    return await views.services(connection, actor, page)


@router.post("/home-services", status_code=201, responses=problem_responses(Unauthenticated, Forbidden, ServiceExists))
async def add_home_service(
    session: Session, member: Operator, data: HomeServiceCreate, response: Response
) -> HomeServicePublic:
    """Add a service to the catalogue."""
    row = await service.add_service(session, member.actor, data)
    set_etag(response, row.version)
    return (await views.services_public(await session.connection(), [row]))[0]


@router.get("/home-services/{service_id}", responses=problem_responses(*_ASKED))
async def get_home_service(
    service_id: uuid.UUID, connection: Reading, actor: Person, response: Response
) -> HomeServicePublic:
    """Show a service of one's community."""
    row = await require_service(connection, actor, service_id)
    set_etag(response, row.version)
    return (await views.services_public(connection, [row]))[0]


@router.put("/home-services/{service_id}", responses=problem_responses(*_ASKED, StaleVersion))
async def set_home_service(
    service_id: uuid.UUID,
    session: Session,
    member: Operator,
    data: HomeServiceWrite,
    if_match: IfMatch,
    response: Response,
) -> HomeServicePublic:
    """Say what a service consists of from now on, or put it aside: then nobody offers it."""
    row = await service.set_service(session, member.actor, service_id, data, if_match)
    set_etag(response, row.version)
    return (await views.services_public(await session.connection(), [row]))[0]


@router.get("/home-services/{service_id}/offers", responses=problem_responses(*_ASKED))
async def list_offers_of_home_service(
    service_id: uuid.UUID, connection: Reading, actor: Person, page: PageQuery
) -> Page[ServiceOfferPublic]:
    """List who offers a service, for how much, and where."""
    await require_service(connection, actor, service_id)
    return await views.offers_of_service(connection, actor, service_id, page)


@router.get(_OFFERS, responses=problem_responses(*_ASKED))
async def list_service_offers(
    organization_id: uuid.UUID, connection: Reading, member: Keeper, page: PageQuery
) -> Page[ServiceOfferPublic]:
    """List what a provider offers, also what it put aside."""
    return await views.offers_of_provider(connection, member.actor, organization_id, page)


@router.post(_OFFERS, status_code=201, responses=problem_responses(*_ASKED, NotAProvider, OfferExists))
async def add_service_offer(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: ServiceOfferCreate, response: Response
) -> ServiceOfferPublic:
    """Offer a service of the catalogue."""
    row = await service.add_offer(session, member.actor, organization_id, data)
    set_etag(response, row.version)
    return (await views.offers_public(await session.connection(), member.community_id, [row]))[0]


@router.put(f"{_OFFERS}/{{offer_id}}", responses=problem_responses(*_ASKED, StaleVersion))
async def set_service_offer(
    organization_id: uuid.UUID,
    offer_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: ServiceOfferWrite,
    if_match: IfMatch,
) -> ServiceOfferPublic:
    """Say what a provider takes for a service from now on; what was agreed before stays as it was agreed."""
    row = await service.set_offer(session, member.actor, organization_id, offer_id, data, if_match)
    return (await views.offers_public(await session.connection(), member.community_id, [row]))[0]


@router.post("/service-offers/{offer_id}/quotes", responses=problem_responses(*_ASKED, NotOfferedSo))
@route_options(writes=False)
async def quote_service_offer(
    offer_id: uuid.UUID, connection: Reading, actor: Person, data: QuoteRequest
) -> QuotePublic:
    """Ask what a visit would cost, line by line. Nothing is kept or held."""
    return await service.quote(connection, actor, offer_id, data)
