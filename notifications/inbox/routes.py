"""The signed-in person's inbox over HTTP."""

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from notifications.inbox import views
from notifications.inbox.access import InboxOwner
from notifications.inbox.schemas import InboxItemPublic, UnreadCount

router = Router(tags=["notifications"])


@router.get("/me/inbox", responses=problem_responses(Unauthenticated, Forbidden))
async def list_my_inbox(owner: InboxOwner, connection: Reading, page: PageQuery) -> Page[InboxItemPublic]:
    """List what I was told, the newest first, in my language."""
    return await views.inbox(connection, owner.id, page)


@router.get("/me/inbox/unread-count", responses=problem_responses(Unauthenticated, Forbidden))
async def count_my_unread(owner: InboxOwner, connection: Reading) -> UnreadCount:
    """Say how many notices I have not read."""
    return UnreadCount(unread=await views.unread_count(connection, owner.id))
