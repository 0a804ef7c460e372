"""A provider's workers over HTTP: who they are, what they can do, when they are there, whether they are sent."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.instants import GivenDay
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from community.housekeeping.access import Keeper
from community.housekeeping.problems import NotAProvider
from community.workers import repository
from community.workers.access import SkillAt, require_of, skill_at
from community.workers.models import Worker
from community.workers.problems import (
    NotAWorker,
    NothingToVerify,
    WorkerExists,
    WorkerNotSuspended,
    WorkerSuspendedAlready,
)
from community.workers.schemas import (
    WorkerCreate,
    WorkerExceptionGive,
    WorkerExceptionPublic,
    WorkerHoursWrite,
    WorkerPublic,
    WorkerSkillDetail,
    WorkerSkillGive,
    WorkerSuspensionGive,
    WorkerWrite,
)
from community.workers.service import hours, keeping, skills
from community.workers.views import workers as views

router = Router(tags=["housekeeping"])

_WORKERS: Final = "/organizations/{organization_id}/workers"
_WORKER: Final = f"{_WORKERS}/{{worker_id}}"
_SKILL: Final = f"{_WORKER}/skills/{{code}}"
_ASKED: Final = (Unauthenticated, Forbidden, NotFound)
OfPath = Annotated[SkillAt, Depends(skill_at)]
Since = Annotated[GivenDay | None, Query(alias="from", description="the community's local day; default: today")]


@router.get(_WORKERS, responses=problem_responses(*_ASKED))
async def list_workers(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Keeper,  # noqa: ARG001 - it guards
    page: PageQuery,
) -> Page[WorkerPublic]:
    """List who goes to homes for a provider, also who was put aside."""
    return await views.workers(connection, organization_id, page)


@router.post(_WORKERS, status_code=201, responses=problem_responses(*_ASKED, NotAProvider, NotAWorker, WorkerExists))
async def add_worker(organization_id: uuid.UUID, session: Session, member: Keeper, data: WorkerCreate) -> WorkerPublic:
    """Enter one of a provider's workers, or a care agency's carers, as somebody who goes to homes for it."""
    return await _shown(session, await keeping.add(session, member.actor, organization_id, data))


@router.get(_WORKER, responses=problem_responses(*_ASKED))
async def get_worker(
    organization_id: uuid.UUID,
    worker_id: uuid.UUID,
    connection: Reading,
    member: Keeper,  # noqa: ARG001 - it guards
    response: Response,
) -> WorkerPublic:
    """Show a worker."""
    row = await require_of(connection, organization_id, worker_id)
    set_etag(response, row.version)
    return (await views.workers_public(connection, [row]))[0]


@router.put(_WORKER, responses=problem_responses(*_ASKED, StaleVersion))
async def set_worker(
    organization_id: uuid.UUID,
    worker_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: WorkerWrite,
    if_match: IfMatch,
) -> WorkerPublic:
    """Say what is known of a worker from now on, or put them aside: what is theirs ahead is given to others."""
    row = await keeping.set_profile(session, member.actor, organization_id, worker_id, data, if_match)
    return await _shown(session, row)


@router.put(f"{_WORKER}/hours", responses=problem_responses(*_ASKED, StaleVersion))
async def set_worker_hours(
    organization_id: uuid.UUID,
    worker_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: WorkerHoursWrite,
    if_match: IfMatch,
) -> WorkerPublic:
    """Set all weekly hours of a worker, on the community's wall; orders they leave outside stay until seen to."""
    row = await hours.set_hours(session, member.actor, organization_id, worker_id, data, if_match)
    return await _shown(session, row)


@router.post(f"{_WORKER}/suspension", responses=problem_responses(*_ASKED, WorkerSuspendedAlready))
async def suspend_worker(
    organization_id: uuid.UUID,
    worker_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: WorkerSuspensionGive,
) -> WorkerPublic:
    """Give a worker nothing new from this moment on; what is theirs ahead comes before the provider."""
    return await _shown(session, await keeping.suspend(session, member, organization_id, worker_id, data))


@router.delete(f"{_WORKER}/suspension", responses=problem_responses(*_ASKED, WorkerNotSuspended))
async def lift_worker_suspension(
    organization_id: uuid.UUID, worker_id: uuid.UUID, session: Session, member: Keeper
) -> WorkerPublic:
    """Let a worker be given work again; whom the operator suspended only the operator lets."""
    return await _shown(session, await keeping.lift(session, member, organization_id, worker_id))


@router.get(f"{_WORKER}/exceptions", responses=problem_responses(*_ASKED))
async def list_worker_exceptions(
    organization_id: uuid.UUID,
    worker_id: uuid.UUID,
    connection: Reading,
    member: Keeper,
    page: PageQuery,
    since: Since = None,
) -> Page[WorkerExceptionPublic]:
    """List when a worker's hours are others from a day on, in the order in which that was entered."""
    await require_of(connection, organization_id, worker_id)
    return await views.exceptions(connection, worker_id, member.community_id, since, page)


@router.post(f"{_WORKER}/exceptions", status_code=201, responses=problem_responses(*_ASKED))
async def add_worker_exception(
    organization_id: uuid.UUID, worker_id: uuid.UUID, session: Session, member: Keeper, data: WorkerExceptionGive
) -> WorkerExceptionPublic:
    """Give a worker days off, or extra hours; orders in what is off stay until seen to."""
    row = await repository.locked(session, organization_id, worker_id)
    return views.exception_public(await hours.add_exception(session, member.actor, row, data))


@router.delete(f"{_WORKER}/exceptions/{{exception_id}}", status_code=204, responses=problem_responses(*_ASKED))
async def remove_worker_exception(
    organization_id: uuid.UUID, worker_id: uuid.UUID, exception_id: uuid.UUID, session: Session, member: Keeper
) -> None:
    """Let a worker's hours be as usual again."""
    row = await repository.locked(session, organization_id, worker_id)
    await hours.remove_exception(session, member.actor, row, exception_id)


@router.get(f"{_WORKER}/skills", responses=problem_responses(*_ASKED))
async def list_worker_skills(
    organization_id: uuid.UUID, worker_id: uuid.UUID, connection: Reading, member: Keeper
) -> Page[WorkerSkillDetail]:
    """Show what a worker can do, with the certificates that show it; the look leaves a trace."""
    await require_of(connection, organization_id, worker_id)
    await audit.record(connection, member.actor, "worker_skills:read", object_id=worker_id)
    return Page(items=await views.skills(connection, worker_id), next=None)


@router.put(_SKILL, responses=problem_responses(*_ASKED, StaleVersion))
async def set_worker_skill(
    at: OfPath, session: Session, member: Keeper, data: WorkerSkillGive, if_match: IfMatch
) -> WorkerSkillDetail:
    """Say what a worker can do, and until when; another certificate than the one that was seen has yet to be."""
    await skills.set_skill(session, member.actor, at, data, if_match)
    return await _skill(session, at)


@router.delete(_SKILL, status_code=204, responses=problem_responses(*_ASKED))
async def remove_worker_skill(at: OfPath, session: Session, member: Keeper) -> None:
    """Say that a worker cannot do something any more."""
    await skills.remove_skill(session, member.actor, at)


@router.post(f"{_SKILL}/verification", responses=problem_responses(*_ASKED, NothingToVerify))
async def verify_worker_skill(at: OfPath, session: Session, member: Keeper) -> WorkerSkillDetail:
    """Say that one has seen the certificate of a skill: from now on it counts where one is asked for."""
    await skills.verify(session, member.actor, at)
    return await _skill(session, at)


@router.delete(f"{_SKILL}/verification", responses=problem_responses(*_ASKED))
async def doubt_worker_skill(at: OfPath, session: Session, member: Keeper) -> WorkerSkillDetail:
    """Take back that the certificate was seen."""
    await skills.doubt(session, member.actor, at)
    return await _skill(session, at)


async def _shown(session: AsyncSession, row: Worker) -> WorkerPublic:
    return (await views.workers_public(await session.connection(), [row]))[0]


async def _skill(session: AsyncSession, at: SkillAt) -> WorkerSkillDetail:
    return next(one for one in await views.skills(await session.connection(), at.worker_id) if one.code == at.code)
