"""Ratings over HTTP: given and changed, looked at by the operator, answered, and read."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import Member, PeopleOnly, Person, member_guard
from community.orders.access import Subject, order_guard
from community.ratings import service, views
from community.ratings.problems import NamesSomebody, NotRateable, RatingAnswered, RatingExists, RatingModerated
from community.ratings.schemas import (
    MyRatings,
    RatingAnswer,
    RatingGive,
    RatingModerate,
    RatingPublic,
    RatingShown,
    RatingsOf,
    RatingToModerate,
)

router = Router(tags=["housekeeping"])

Theirs = Annotated[Subject, Depends(order_guard("resident"))]
Looked = Annotated[Subject, Depends(order_guard("resident", "operator"))]
Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
Provider = Annotated[Member, Depends(member_guard("coordinator"))]
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ONE: Final = "/home-orders/{order_id}/rating"
_OF: Final = "/organizations/{organization_id}/ratings"


@router.post(_ONE, status_code=201, responses=problem_responses(*_GUARDED, NotRateable, RatingExists))
async def rate_home_order(
    session: Session, actor: CurrentActor, subject: Theirs, data: RatingGive, response: Response
) -> RatingPublic:
    """Rate work that is done. Its stars count at once; others read the comment once it is approved."""
    row = await service.give(session, actor, subject, data)
    set_etag(response, row.version)
    return views.public(row)


@router.put(_ONE, responses=problem_responses(*_GUARDED, NotRateable, RatingModerated, StaleVersion))
async def set_home_order_rating(
    session: Session, actor: CurrentActor, subject: Theirs, data: RatingGive, if_match: IfMatch, response: Response
) -> RatingPublic:
    """Change what you gave, until it is looked at."""
    row = await service.change(session, actor, subject, data, if_match)
    set_etag(response, row.version)
    return views.public(row)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_home_order_rating(
    connection: Reading, actor: CurrentActor, subject: Looked, response: Response
) -> RatingPublic:
    """Show what was given for an order."""
    found = await views.of_order(connection, actor, subject)
    set_etag(response, found.version)
    return found


@router.get("/ratings-to-moderate", responses=problem_responses(Unauthenticated, Forbidden))
async def list_ratings_to_moderate(connection: Reading, member: Operator, page: PageQuery) -> Page[RatingToModerate]:
    """List the comments that nobody has looked at yet, the oldest first."""
    return await views.to_moderate(connection, member.actor, page)


@router.post(
    "/ratings-to-moderate/{rating_id}/moderation",
    status_code=204,
    responses=problem_responses(*_GUARDED, RatingModerated),
)
async def moderate_rating(rating_id: uuid.UUID, session: Session, member: Operator, data: RatingModerate) -> None:
    """Let others read a comment, or not, and say why not."""
    await service.moderate(session, member.actor, rating_id, data)


@router.get("/service-offers/{offer_id}/ratings", responses=problem_responses(*_GUARDED))
async def list_service_offer_ratings(
    offer_id: uuid.UUID, connection: Reading, actor: Person, page: PageQuery
) -> Page[RatingShown]:
    """List what others say of the provider of an offer, the latest first."""
    return await views.of_offer(connection, actor, offer_id, page)


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def get_provider_ratings(
    organization_id: uuid.UUID, connection: Reading, member: Keeper, page: PageQuery
) -> RatingsOf:
    """Show what a provider and its people were given, and what is said of it."""
    return await views.of_provider(connection, member.community_id, organization_id, page)


@router.post(
    f"{_OF}/{{rating_id}}/answer",
    status_code=204,
    responses=problem_responses(*_GUARDED, NamesSomebody, RatingAnswered),
)
async def answer_rating(
    organization_id: uuid.UUID, rating_id: uuid.UUID, session: Session, member: Provider, data: RatingAnswer
) -> None:
    """Answer an approved rating, once, for everybody to read."""
    await service.answer(session, member.actor, organization_id, rating_id, data)


@router.get("/me/ratings", responses=problem_responses(Unauthenticated, PeopleOnly))
async def get_my_ratings(connection: Reading, actor: Person, page: PageQuery) -> MyRatings:
    """Show what you were given for your work, and what is said of it."""
    return await views.of_worker(connection, actor, page)
