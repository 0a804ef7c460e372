"""How a home's things stand and stood, over HTTP."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import clock
from app.core.access import CurrentActor
from app.core.instants import GivenInstant
from app.core.paging import Page
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from community.home_states import views
from community.home_states.access import EntitySubject, entity_guard
from community.home_states.rules.periods import Period
from community.home_states.schemas import HistoryPublic, HomeStatePublic, HomeStatisticPublic
from community.homes.access import READ, HomeSubject, home_guard

router = Router(tags=["smart_home"])

Seen = Annotated[HomeSubject, Depends(home_guard(READ))]
SeenEntity = Annotated[EntitySubject, Depends(entity_guard)]
Since = Annotated[GivenInstant | None, Query(description="without one: a day, or for days a year, before the end")]
Until = Annotated[GivenInstant | None, Query(description="before this instant; now without one")]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ENTITY: Final = "/home-entities/{entity_id}"
_DAY: Final = timedelta(days=1)
_LONGEST: Final = {"hour": timedelta(days=62), "day": timedelta(days=1_830)}
_USUAL: Final = {"hour": timedelta(days=7), "day": timedelta(days=365)}


@router.get("/homes/{home_id}/states", responses=problem_responses(*_GUARDED))
async def list_home_states(connection: Reading, actor: CurrentActor, home: Seen) -> Page[HomeStatePublic]:
    """List how everything in a home stands, on one page."""
    return Page(items=await views.states(connection, actor, home), next=None)


@router.get(f"{_ENTITY}/history", responses=problem_responses(*_GUARDED))
async def get_home_entity_history(
    connection: Reading,
    actor: CurrentActor,
    entity: SeenEntity,
    *,
    since: Since = None,
    until: Until = None,
    points: Annotated[int, Query(ge=10, le=1_000, description="at most")] = 300,
) -> HistoryPublic:
    """Show what an entity said in a time of up to five years, ready to be drawn."""
    first, end = _span(since, until, _DAY, _LONGEST["day"])
    return await views.chart(connection, actor, entity, first, end, points)


@router.get(f"{_ENTITY}/statistics", responses=problem_responses(*_GUARDED))
async def list_home_entity_statistics(
    connection: Reading,
    actor: CurrentActor,
    entity: SeenEntity,
    *,
    period: Annotated[Period, Query(description="hours of up to two months, days of up to five years")] = "hour",
    since: Since = None,
    until: Until = None,
) -> Page[HomeStatisticPublic]:
    """List the hours or days of an entity's numbers that are over, the oldest first, on one page."""
    first, end = _span(since, until, _USUAL[period], _LONGEST[period])
    return Page(items=await views.statistics(connection, actor, entity, period, first, end), next=None)


def _span(
    since: datetime | None, until: datetime | None, usual: timedelta, longest: timedelta
) -> tuple[datetime, datetime]:
    end = until or clock.now()
    first = since or end - usual
    if first >= end:
        raise Malformed(errors=[FieldError("/query/since", "must lie before until", "since_until")])
    if end - first > longest:
        raise Malformed(errors=[FieldError("/query/since", f"at most {longest.days} days", "too_long")])
    return first, end
