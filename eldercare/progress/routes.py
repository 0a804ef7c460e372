"""The HTTP side of how help comes: an alarm's progress, all alarms one may see, and giving one back."""

from typing import Annotated

from fastapi import Depends, Query

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from eldercare.alarms.access import AlarmSubject, alarm_guard
from eldercare.alarms.problems import AlarmAlreadyOnScene, AlarmClosed, AlarmNotYours, NotForTheResident
from eldercare.alarms.schemas import AlarmPublic
from eldercare.alarms.views import alarm_public
from eldercare.progress import views
from eldercare.progress.schemas import AlarmLogItem, AlarmProgress, Part
from eldercare.response import service as response

router = Router(tags=["eldercare"])


@router.get("/alarm-log", responses=problem_responses(Unauthenticated))
async def list_alarm_log(
    connection: Reading,
    actor: CurrentActor,
    page: PageQuery,
    part: Annotated[Part, Query(description="those that go on, or those that are over")] = "open",
) -> Page[AlarmLogItem]:
    """List all alarms the caller may see, their own among them, the latest first."""
    return await views.alarm_log(connection, actor, part, page)


@router.get("/alarms/{alarm_id}/progress", responses=problem_responses(Unauthenticated, Forbidden, NotFound))
async def get_alarm_progress(
    connection: Reading, actor: CurrentActor, subject: Annotated[AlarmSubject, Depends(alarm_guard("alarms:read"))]
) -> AlarmProgress:
    """Show how help comes: who has it, who was told and what came of it, who is next, and what the caller can do.

    Whoever answered is named. Of others the names are told to those who see the resident's circle.
    """
    return await views.alarm_progress(connection, actor, subject)


@router.delete(
    "/alarms/{alarm_id}/acknowledgement",
    responses=problem_responses(
        Unauthenticated, Forbidden, NotForTheResident, NotFound, AlarmClosed, AlarmNotYours, AlarmAlreadyOnScene
    ),
)
async def release_acknowledged_alarm(
    session: Session, actor: CurrentActor, subject: Annotated[AlarmSubject, Depends(alarm_guard("alarms:respond"))]
) -> AlarmPublic:
    """Give back an alarm the caller has taken: the next people are told at once."""
    return alarm_public(await response.release(session, actor, subject.id))
