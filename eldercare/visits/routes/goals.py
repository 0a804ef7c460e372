"""The goals of care plans over HTTP: what is to be achieved, where it stands, and how far it is."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import ResidentSubject, resident_guard, trace_read
from eldercare.goals import views
from eldercare.goals.problems import GoalNotOpen, TooManyGoals
from eldercare.goals.schemas import GoalCreate, GoalDetail, GoalJudge, GoalPublic, GoalStatusGive, GoalWrite
from eldercare.visits.access import READ, arranger_guard
from eldercare.visits.problems import CarePlanEnded
from eldercare.visits.service import goals

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Arranger = Annotated[ResidentSubject, Depends(arranger_guard)]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/residents/{resident_id}/goals"


@router.resident_route("GET", "/goals", responses=problem_responses(*_GUARDED))
async def list_goals(connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery) -> Page[GoalPublic]:
    """List what is, or was, to be achieved for a resident, the latest first."""
    await trace_read(connection, actor, subject, "goals:list")
    return await views.goals(connection, subject.resident_id, page)


@router.resident_route("GET", "/goals/{goal_id}", responses=problem_responses(*_GUARDED))
async def get_goal(
    connection: Reading, actor: CurrentActor, subject: Reader, goal_id: uuid.UUID, response: Response
) -> GoalDetail:
    """Show a goal with all that was said of it: where it stood when, and how far it was achieved."""
    await trace_read(connection, actor, subject, "goal:read", goal_id)
    goal = await views.goal(connection, subject.resident_id, goal_id)
    set_etag(response, goal.version)
    return goal


@router.post(_OF, status_code=201, responses=problem_responses(*_GUARDED, CarePlanEnded, TooManyGoals))
async def create_goal(
    session: Session, actor: CurrentActor, subject: Arranger, data: GoalCreate, response: Response
) -> GoalDetail:
    """Agree a goal under a care plan; tasks of the plan can name it."""
    goal = await goals.create_goal(session, actor, subject, data)
    return await _shown(session, subject, goal.id, response)


@router.put(f"{_OF}/{{goal_id}}", responses=problem_responses(*_GUARDED, StaleVersion, CarePlanEnded, GoalNotOpen))
async def change_goal(
    session: Session,
    actor: CurrentActor,
    subject: Arranger,
    goal_id: uuid.UUID,
    data: GoalWrite,
    if_match: IfMatch,
    *,
    response: Response,
) -> GoalDetail:
    """Change what is to be achieved, by what it is known, and until when."""
    await goals.change_goal(session, actor, subject, goal_id, data, if_match)
    return await _shown(session, subject, goal_id, response)


@router.post(
    f"{_OF}/{{goal_id}}/status", responses=problem_responses(*_GUARDED, CarePlanEnded, GoalNotOpen, TooManyGoals)
)
async def set_goal_status(
    session: Session,
    actor: CurrentActor,
    subject: Arranger,
    goal_id: uuid.UUID,
    data: GoalStatusGive,
    response: Response,
) -> GoalDetail:
    """Say where a goal stands from now on: worked at, on hold, completed, given up."""
    await goals.set_status(session, actor, subject, goal_id, data)
    return await _shown(session, subject, goal_id, response)


@router.post(f"{_OF}/{{goal_id}}/achievement", responses=problem_responses(*_GUARDED, CarePlanEnded, GoalNotOpen))
async def judge_goal(
    session: Session,
    actor: CurrentActor,
    subject: Arranger,
    goal_id: uuid.UUID,
    data: GoalJudge,
    response: Response,
) -> GoalDetail:
    """Say how far a goal is achieved, and on which day that was judged."""
    await goals.judge(session, actor, subject, goal_id, data)
    return await _shown(session, subject, goal_id, response)


async def _shown(session: Session, subject: ResidentSubject, goal_id: uuid.UUID, response: Response) -> GoalDetail:
    goal = await views.goal(await session.connection(), subject.resident_id, goal_id)
    set_etag(response, goal.version)
    return goal
