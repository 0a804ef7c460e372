"""Well-being over HTTP: days, flags, and who is told of them."""

import uuid
from typing import Annotated, Final, Literal

from fastapi import Depends, Header, Query

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import ResidentSubject, language_for, resident_guard
from eldercare.wellbeing.problems import FlagNotOpen
from eldercare.wellbeing.rules.flags import CURRENT, PAST
from eldercare.wellbeing.rules.measures import Measure
from eldercare.wellbeing.schemas import FlagPublic, ListeningPublic, TrendPublic
from eldercare.wellbeing.service import answering
from eldercare.wellbeing.views import days as day_views
from eldercare.wellbeing.views import flags as flag_views

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard("wellbeing:read"))]
Manager = Annotated[ResidentSubject, Depends(resident_guard("wellbeing:manage"))]
Language = Annotated[str, Header(alias="Accept-Language", max_length=200, description="en or zh-CN")]


_REFUSALS: Final = problem_responses(Unauthenticated, Forbidden, NotFound)
_CHANGES: Final = problem_responses(Unauthenticated, Forbidden, NotFound, FlagNotOpen)


@router.resident_route("GET", "/wellbeing/trend", responses=_REFUSALS)
async def get_wellbeing_trend(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    measure: Measure,
    days: Annotated[int, Query(ge=7, le=366, description="how many local days, today the last")] = 42,
    accept_language: Language = "en",
) -> TrendPublic:
    """Show a measure of a resident day by day, and how the last week compares with the four weeks before it."""
    return await day_views.trend(connection, actor, subject, measure, days, language_for(accept_language))


@router.resident_route("GET", "/wellbeing/flags", responses=_REFUSALS)
async def list_wellbeing_flags(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    page: PageQuery,
    show: Annotated[Literal["current", "past", "all"], Query(description="past: dismissed or ended")] = "current",
    accept_language: Language = "en",
) -> Page[FlagPublic]:
    """List what drifted from what is usual for a resident, the latest first: reasons to ask, no diagnoses."""
    states = {"current": CURRENT, "past": PAST, "all": CURRENT + PAST}[show]
    return await flag_views.flags(connection, actor, subject, page, states, language_for(accept_language))


@router.resident_route("POST", "/wellbeing/flags/{flag_id}/acknowledgement", responses=_CHANGES)
async def acknowledge_wellbeing_flag(
    session: Session, actor: CurrentActor, subject: Manager, flag_id: uuid.UUID, accept_language: Language = "en"
) -> FlagPublic:
    """Say that somebody sees to a flag; it stays until the person's days are as usual again."""
    flag = await answering.acknowledge(session, actor, subject, flag_id)
    return flag_views.flag_public(flag, language_for(accept_language))


@router.resident_route("POST", "/wellbeing/flags/{flag_id}/dismissal", responses=_CHANGES)
async def dismiss_wellbeing_flag(
    session: Session, actor: CurrentActor, subject: Manager, flag_id: uuid.UUID, accept_language: Language = "en"
) -> FlagPublic:
    """Say that a flag is nothing: it is shown no more, and the same drift is not told again."""
    flag = await answering.dismiss(session, actor, subject, flag_id)
    return flag_views.flag_public(flag, language_for(accept_language))


@router.get("/residents/{resident_id}/wellbeing/listening", responses=_REFUSALS)
async def get_wellbeing_listening(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
) -> ListeningPublic:
    """Say whether the caller is told when a flag of the resident opens."""
    return ListeningPublic(is_told=await flag_views.listens(connection, subject.resident_id, actor.id))


@router.put("/residents/{resident_id}/wellbeing/listening", status_code=204, responses=_REFUSALS)
async def start_wellbeing_listening(
    session: Session,
    actor: CurrentActor,
    subject: Reader,
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
) -> None:
    """Ask to be told, gently, when a flag of the resident opens; whom the resident lets see it is told."""
    await answering.listen(session, actor, subject)


@router.delete("/residents/{resident_id}/wellbeing/listening", status_code=204, responses=_REFUSALS)
async def stop_wellbeing_listening(
    session: Session,
    actor: CurrentActor,
    subject: Reader,
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
) -> None:
    """Ask not to be told any more."""
    await answering.ignore(session, actor, subject)
