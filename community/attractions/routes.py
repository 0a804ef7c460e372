"""What those who run attractions say of them, over HTTP."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from community.attractions import repository, views
from community.attractions.access import AttractionAt, Keeper, OnSite, attraction_at, require_of
from community.attractions.models import Attraction
from community.attractions.problems import ClosingOver, ExceptionExists, NotAnAttraction, NotPublishable
from community.attractions.schemas import (
    AttractionClosingGive,
    AttractionClosingPublic,
    AttractionDetail,
    AttractionExceptionGive,
    AttractionExceptionPublic,
    AttractionHoursWrite,
    AttractionWrite,
)
from community.attractions.service import hours, keeping

router = Router(tags=["tourism"])

_ATTRACTIONS: Final = "/organizations/{organization_id}/attractions"
_ATTRACTION: Final = f"{_ATTRACTIONS}/{{attraction_id}}"
OfPath = Annotated[AttractionAt, Depends(attraction_at)]
_ASKED: Final = (Unauthenticated, Forbidden, NotFound)


@router.get(_ATTRACTIONS, responses=problem_responses(*_ASKED))
async def list_kept_attractions(
    organization_id: uuid.UUID,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - it guards
    page: PageQuery,
) -> Page[AttractionDetail]:
    """List what an organization runs, also drafts and what was withdrawn."""
    return await views.of_organization(connection, organization_id, page)


@router.post(_ATTRACTIONS, status_code=201, responses=problem_responses(*_ASKED, NotAnAttraction))
async def add_attraction(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: AttractionWrite, response: Response
) -> AttractionDetail:
    """Describe an attraction; nobody else sees it before it is published."""
    return await _shown(session, response, await keeping.add(session, member.actor, organization_id, data))


@router.get(_ATTRACTION, responses=problem_responses(*_ASKED))
async def get_kept_attraction(
    at: OfPath,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - it guards
    response: Response,
) -> AttractionDetail:
    """Show an attraction as those who run it see it."""
    row = await require_of(connection, at.organization_id, at.attraction_id)
    set_etag(response, row.version)
    return (await views.details(connection, [row]))[0]


@router.put(_ATTRACTION, responses=problem_responses(*_ASKED, StaleVersion, NotPublishable))
async def set_attraction(
    at: OfPath,
    session: Session,
    member: Keeper,
    data: AttractionWrite,
    if_match: IfMatch,
    response: Response,
) -> AttractionDetail:
    """Say what an attraction is from now on."""
    row = await keeping.set_facts(session, member.actor, at, data, if_match)
    return await _shown(session, response, row)


@router.put(f"{_ATTRACTION}/hours", responses=problem_responses(*_ASKED, StaleVersion, NotPublishable))
async def set_attraction_hours(
    at: OfPath,
    session: Session,
    member: Keeper,
    data: AttractionHoursWrite,
    if_match: IfMatch,
    response: Response,
) -> AttractionDetail:
    """Set all rules by which an attraction is open, and quiet, on its own wall."""
    row = await hours.set_hours(session, member.actor, at, data, if_match)
    return await _shown(session, response, row)


@router.post(f"{_ATTRACTION}/publication", responses=problem_responses(*_ASKED, NotPublishable))
async def publish_attraction(at: OfPath, session: Session, member: Keeper, response: Response) -> AttractionDetail:
    """Show an attraction to everybody."""
    row = await keeping.publish(session, member.actor, at)
    return await _shown(session, response, row)


@router.delete(f"{_ATTRACTION}/publication", responses=problem_responses(*_ASKED))
async def withdraw_attraction(at: OfPath, session: Session, member: Keeper, response: Response) -> AttractionDetail:
    """Show an attraction to nobody from now on."""
    row = await keeping.withdraw(session, member.actor, at)
    return await _shown(session, response, row)


@router.get(f"{_ATTRACTION}/opening-exceptions", responses=problem_responses(*_ASKED))
async def list_attraction_exceptions(
    at: OfPath,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - it guards
    page: PageQuery,
) -> Page[AttractionExceptionPublic]:
    """List the days on which other hours stand in place of the rules, in the order in which that was entered."""
    await require_of(connection, at.organization_id, at.attraction_id)
    return await views.exceptions(connection, at.attraction_id, page)


@router.post(
    f"{_ATTRACTION}/opening-exceptions", status_code=201, responses=problem_responses(*_ASKED, ExceptionExists)
)
async def add_attraction_exception(
    at: OfPath,
    session: Session,
    member: Keeper,
    data: AttractionExceptionGive,
) -> AttractionExceptionPublic:
    """Give an attraction other hours on some days, or none at all."""
    row = await repository.locked(session, at)
    return views.exception_public(await hours.add_exception(session, member.actor, row, data))


@router.delete(
    f"{_ATTRACTION}/opening-exceptions/{{exception_id}}", status_code=204, responses=problem_responses(*_ASKED)
)
async def remove_attraction_exception(at: OfPath, exception_id: uuid.UUID, session: Session, member: Keeper) -> None:
    """Let an attraction be open by its rules again."""
    row = await repository.locked(session, at)
    await hours.remove_exception(session, member.actor, row, exception_id)


@router.get(f"{_ATTRACTION}/closings", responses=problem_responses(*_ASKED))
async def list_attraction_closings(
    at: OfPath,
    connection: Reading,
    member: OnSite,  # noqa: ARG001 - it guards
    page: PageQuery,
) -> Page[AttractionClosingPublic]:
    """List when an attraction was, is or will be shut although nobody had planned so, in the order that was told."""
    await require_of(connection, at.organization_id, at.attraction_id)
    return await views.closings(connection, at.attraction_id, page)


@router.post(f"{_ATTRACTION}/closings", status_code=201, responses=problem_responses(*_ASKED))
async def close_attraction(
    at: OfPath,
    session: Session,
    member: OnSite,
    data: AttractionClosingGive,
) -> AttractionClosingPublic:
    """Shut an attraction for a while, whatever its hours say."""
    row = await repository.locked(session, at)
    return AttractionClosingPublic.model_validate(await hours.close(session, member.actor, row, data))


@router.delete(f"{_ATTRACTION}/closings/{{closing_id}}", responses=problem_responses(*_ASKED, ClosingOver))
async def reopen_attraction(
    at: OfPath, closing_id: uuid.UUID, session: Session, member: OnSite
) -> AttractionClosingPublic:
    """Let an attraction be open by its hours again, earlier than was said."""
    row = await repository.locked(session, at)
    return AttractionClosingPublic.model_validate(await hours.reopen(session, member.actor, row, closing_id))


async def _shown(session: AsyncSession, response: Response, row: Attraction) -> AttractionDetail:
    await session.flush()
    set_etag(response, row.version)
    return (await views.details(await session.connection(), [row]))[0]
