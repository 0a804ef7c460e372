"""Workers as they see themselves over HTTP: for whom they go to homes, at which hours, and when they are off."""

import uuid
from typing import Annotated, Final

from fastapi import Query

from app.core.instants import GivenDay
from app.core.paging import Page, PageQuery
from app.core.problems import NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import PeopleOnly, Person
from community.workers import repository
from community.workers.access import require_own
from community.workers.schemas import DaysOffGive, WorkerExceptionPublic, WorkerPublic
from community.workers.service import hours
from community.workers.views import workers as views

router = Router(tags=["housekeeping"])

_EXCEPTIONS: Final = "/me/worker-profiles/{worker_id}/exceptions"
_ASKED: Final = (Unauthenticated, PeopleOnly, NotFound)
Since = Annotated[GivenDay | None, Query(alias="from", description="the community's local day; default: today")]


@router.get("/me/worker-profiles", responses=problem_responses(Unauthenticated, PeopleOnly))
async def list_my_worker_profiles(connection: Reading, actor: Person, page: PageQuery) -> Page[WorkerPublic]:
    """List for whom you go to homes, with your hours and what you can do; nothing to whoever goes for nobody."""
    return await views.own(connection, actor, page)


@router.get(_EXCEPTIONS, responses=problem_responses(*_ASKED))
async def list_my_worker_exceptions(
    worker_id: uuid.UUID, connection: Reading, actor: Person, page: PageQuery, since: Since = None
) -> Page[WorkerExceptionPublic]:
    """List when your hours are others from a day on, in the order in which that was entered."""
    row = await require_own(connection, actor, worker_id)
    return await views.exceptions(connection, worker_id, row.community_id, since, page)


@router.post(_EXCEPTIONS, status_code=201, responses=problem_responses(*_ASKED))
async def add_my_worker_exception(
    worker_id: uuid.UUID, session: Session, actor: Person, data: DaysOffGive
) -> WorkerExceptionPublic:
    """Take days or hours off: nobody sends you then; what is yours already stays until your provider sees to it."""
    row = await repository.own(session, actor.id, worker_id)
    return views.exception_public(await hours.add_exception(session, actor, row, data))


@router.delete(f"{_EXCEPTIONS}/{{exception_id}}", status_code=204, responses=problem_responses(*_ASKED))
async def remove_my_worker_exception(
    worker_id: uuid.UUID, exception_id: uuid.UUID, session: Session, actor: Person
) -> None:
    """Take back days off that you entered yourself."""
    row = await repository.own(session, actor.id, worker_id)
    await hours.remove_exception(session, actor, row, exception_id, own=True)
