"""The community over HTTP: what apps ask at their start, settings, the calendar."""

import uuid
from datetime import date, timedelta
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Response

from app.core.access import CurrentActor, public
from app.core.instants import GivenDay
from app.core.paging import Page
from app.core.problems import (
    FieldError,
    Forbidden,
    Malformed,
    NotFound,
    StaleVersion,
    Unauthenticated,
    problem_responses,
)
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.access import Member, member_guard
from app.identity.communities import service, views
from app.identity.communities.schemas import AppConfig, CommunityChange, CommunityPublic, HolidayPublic, HolidayYear

router = Router(tags=["identity"])

_operator = member_guard("operator", organization_kind="operator")
_LONGEST = timedelta(days=3 * 366)


@router.get("/app-config", responses=problem_responses(NotFound) | {304: {"description": "nothing has changed"}})
@public("apps ask for it before anybody signs in; it holds nobody's data")
async def get_app_config(
    connection: Reading,
    response: Response,
    community_id: Annotated[uuid.UUID | None, Query(description="the first community unless named")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> AppConfig:
    """Minimum app version, features, emergency numbers and languages."""
    config, etag = await views.app_config(connection, community_id)
    headers = {"ETag": etag, "Cache-Control": "public, max-age=300"}
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers=headers)  # type: ignore[return-value]  # FastAPI passes it through
    response.headers.update(headers)
    return config


@router.get("/community", responses=problem_responses(Unauthenticated, NotFound))
async def get_community(actor: CurrentActor, connection: Reading, response: Response) -> CommunityPublic:
    """The caller's community."""
    community = await views.community(connection, actor.community_id)
    set_etag(response, community.version)
    return community


@router.patch("/community", responses=problem_responses(Unauthenticated, Forbidden, NotFound, StaleVersion))
async def change_community(
    change: CommunityChange,
    member: Annotated[Member, Depends(_operator)],
    session: Session,
    if_match: IfMatch,
    response: Response,
) -> CommunityPublic:
    """Change the community's numbers, languages, features or minimum app version."""
    community = await service.change_community(session, member.actor, change, if_match)
    set_etag(response, community.version)
    return CommunityPublic.model_validate(community)


@router.get("/holidays", responses=problem_responses(Unauthenticated))
async def list_holidays(
    actor: CurrentActor,
    connection: Reading,
    first: Annotated[GivenDay, Query(alias="from")],
    last: Annotated[GivenDay, Query(alias="to")],
) -> Page[HolidayPublic]:
    """The community's holidays and make-up workdays between two days, both included, at most three years."""
    if not timedelta(0) <= last - first <= _LONGEST:
        raise Malformed(errors=[FieldError("/query/to", "has to lie within three years after from", "period")])
    days = await views.local_calendar(connection, actor.community_id, first, last)
    return Page(items=list(days), next=None)


@router.put("/holidays/{year}", responses=problem_responses(Unauthenticated, Forbidden))
async def set_holidays(
    year: Annotated[int, Path(ge=2000, le=2200)],
    calendar: HolidayYear,
    member: Annotated[Member, Depends(_operator)],
    session: Session,
) -> Page[HolidayPublic]:
    """Set a year's calendar as it was published; what was known of that year is replaced."""
    await service.set_holidays(session, member.actor, year, calendar.days)
    connection = await session.connection()
    days = await views.local_calendar(connection, member.community_id, date(year, 1, 1), date(year, 12, 31))
    return Page(items=list(days), next=None)
