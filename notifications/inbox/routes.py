"""The signed-in person's inbox over HTTP."""

import uuid

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from notifications.inbox import repository, views
from notifications.inbox.access import InboxOwner
from notifications.inbox.schemas import InboxItemPublic, InboxReading, MarkedRead, UnreadCount

router = Router(tags=["notifications"])


@router.get("/me/inbox", responses=problem_responses(Unauthenticated, Forbidden))
async def list_my_inbox(owner: InboxOwner, connection: Reading, page: PageQuery) -> Page[InboxItemPublic]:
    """List what I was told, the newest first, in my language."""
    return await views.inbox(connection, owner.id, page)


@router.get("/me/inbox/unread-count", responses=problem_responses(Unauthenticated, Forbidden))
async def count_my_unread(owner: InboxOwner, connection: Reading) -> UnreadCount:
    """Say how many notices I have not read."""
    return UnreadCount(unread=await views.unread_count(connection, owner.id))


@router.post("/me/inbox/readings", responses=problem_responses(Unauthenticated, Forbidden))
async def mark_my_inbox_read(owner: InboxOwner, session: Session, reading: InboxReading) -> MarkedRead:
    """Mark everything up to an item as read."""
    return MarkedRead(marked=await repository.mark_up_to(session, owner.id, reading.up_to))


@router.post(
    "/me/inbox/{item_id}/reading", status_code=204, responses=problem_responses(Unauthenticated, Forbidden, NotFound)
)
async def mark_my_inbox_item_read(owner: InboxOwner, session: Session, item_id: uuid.UUID) -> None:
    """Mark one notice as read; doing it again changes nothing."""
    if not await repository.mark_one(session, owner.id, item_id):
        raise NotFound
