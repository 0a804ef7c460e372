"""Broadcasts over HTTP."""

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from notifications.broadcasts import service, views
from notifications.broadcasts.access import Announcer, KnownBroadcast
from notifications.broadcasts.schemas import BroadcastPreview, BroadcastPreviewMake, BroadcastPublic, BroadcastStart

router = Router(tags=["notifications"])

_REFUSALS = problem_responses(Unauthenticated, Forbidden)
_REFUSALS_ABOUT_ONE = problem_responses(Unauthenticated, Forbidden, NotFound)


@router.post("/broadcast-previews", responses=_REFUSALS)
async def preview_broadcast(session: Session, member: Announcer, data: BroadcastPreviewMake) -> BroadcastPreview:
    """Count whom an announcement would reach."""
    return await service.preview(await session.connection(), member, data.audience)


@router.post("/broadcasts", status_code=201, responses=_REFUSALS)
async def start_broadcast(session: Session, member: Announcer, data: BroadcastStart) -> BroadcastPublic:
    """Announce something to an audience; a coordinator reaches the residents their organization serves."""
    broadcast = await service.start(session, member, data)
    return await views.broadcast(await session.connection(), broadcast.id)


@router.get("/broadcasts", responses=_REFUSALS)
async def list_broadcasts(connection: Reading, member: Announcer, page: PageQuery) -> Page[BroadcastPublic]:
    """List what was announced, the newest first: operators see everything, coordinators their organization's."""
    return await views.broadcasts(connection, member, page)


@router.get("/broadcasts/{broadcast_id}", responses=_REFUSALS_ABOUT_ONE)
async def get_broadcast(connection: Reading, subject: KnownBroadcast) -> BroadcastPublic:
    """Say how far a broadcast has come."""
    return await views.broadcast(connection, subject.id)


@router.post("/broadcasts/{broadcast_id}/cancellation", responses=_REFUSALS_ABOUT_ONE)
async def cancel_broadcast(session: Session, subject: KnownBroadcast) -> BroadcastPublic:
    """Stop a broadcast: nothing more is written, what is not sent yet never is; doing it again changes nothing."""
    await service.cancel(session, subject.member.actor, subject.id)
    return await views.broadcast(await session.connection(), subject.id)
