"""The signed-in person's inbox over HTTP."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.core import live
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, TooManyRequests, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, route_options
from notifications.inbox import service, views
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


async def _one_more_stream(owner: InboxOwner) -> AsyncIterator[None]:
    with live.stream_of(owner.viewed_by or owner.id):
        yield


@router.get(
    "/me/inbox/stream",
    response_class=EventSourceResponse,
    dependencies=[Depends(_one_more_stream)],
    responses=problem_responses(Unauthenticated, Forbidden, TooManyRequests),
)
@route_options(database=False)
async def stream_my_inbox(
    owner: InboxOwner,
    request: Request,
    last_event_id: Annotated[str | None, Header(description="the id of the last event that was taken in")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow my inbox live (Server-Sent Events).

    `item`: a notice that is new or was read, as the list shows it. `unread`: `{"unread": n}`, at the beginning and
    after each change. `reset`: the place of `Last-Event-ID` is not known any more, read the list again.
    Connect first, then read the list. The stream ends with the access token or the session; come back with a new token
    and `Last-Event-ID`, and nothing is lost or told twice.
    """
    async for event in service.follow(request, owner, last_event_id):
        yield event
