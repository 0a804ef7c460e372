"""Care in the home over HTTP: its rules, what was noticed, how a day went."""

import uuid
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import Query, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from community.home_care.access import Knower, Manager, Onlooker
from community.home_care.schemas import CareRulesPublic, CareRulesWrite, HomeActivities, IncidentPublic
from community.home_care.service import setting
from community.home_care.views import activity, telling

router = Router(tags=["smart_home"])

_FIRST_DAY: Final = date(2000, 1, 1)  # nearer to the ends of what a date holds no day has a night before it
_LAST_DAY: Final = date(2100, 1, 1)
_REFUSALS: Final = problem_responses(Unauthenticated, Forbidden, NotFound)


@router.get("/homes/{home_id}/care-rules", responses=_REFUSALS)
async def get_home_care_rules(
    connection: Reading,
    actor: CurrentActor,
    subject: Manager,
    home_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    response: Response,
) -> CareRulesPublic:
    """Show how a home is watched, and what was learned to be usual there."""
    shown = await telling.rules(connection, actor, subject)
    set_etag(response, shown.version)
    return shown


@router.put(
    "/homes/{home_id}/care-rules", responses=problem_responses(Unauthenticated, Forbidden, NotFound, StaleVersion)
)
async def set_home_care_rules(
    *,
    session: Session,
    actor: CurrentActor,
    subject: Manager,
    home_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    data: CareRulesWrite,
    if_match: IfMatch,
    response: Response,
) -> CareRulesPublic:
    """Say how a home is watched: which rules are on, from when on they speak, its night, when nobody is there."""
    care = await setting.set_rules(session, actor, subject, data, if_match)
    set_etag(response, care.settings_version)
    return telling.rules_public(care)


@router.get("/homes/{home_id}/incidents", responses=_REFUSALS)
async def list_home_incidents(
    connection: Reading,
    actor: CurrentActor,
    subject: Knower,
    home_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    page: PageQuery,
    state: Annotated[Literal["open", "over"] | None, Query()] = None,
) -> Page[IncidentPublic]:
    """List what a home noticed, the latest first."""
    return await telling.incidents(connection, actor, subject, page, state)


@router.resident_route("GET", "/home-activity", responses=_REFUSALS)
async def get_home_activity(
    connection: Reading,
    actor: CurrentActor,
    subject: Onlooker,
    day: Annotated[
        date | None, Query(ge=_FIRST_DAY, le=_LAST_DAY, description="in the home's time zone; without it: today")
    ] = None,
) -> HomeActivities:
    """Show how a day went at a resident's home, room by room, beside what is usual: no single event is shown."""
    return await activity.activity(connection, actor, subject, day)
