"""Feeds over HTTP."""

import uuid
from typing import Annotated, Final

from fastapi import Path, Response

from app.core.access import public
from app.core.icalendars import CalendarResponse
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import Person
from telemedicine.calendars.problems import TooManyFeeds
from telemedicine.calendars.schemas import FeedAddress, FeedCreate, FeedPublic
from telemedicine.calendars.service import feeds as service
from telemedicine.calendars.views import feeds as views

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden)


@router.post("/me/calendar-feeds", status_code=201, responses=problem_responses(*_GUARDED, TooManyFeeds))
@route_options(idempotency=False)
async def create_my_calendar_feed(session: Session, actor: Person, data: FeedCreate) -> FeedAddress:
    """Make a secret address at which a calendar reads my appointments; it is told this once."""
    return await service.create(session, actor, data)


@router.get("/me/calendar-feeds", responses=problem_responses(*_GUARDED))
async def list_my_calendar_feeds(connection: Reading, actor: Person) -> Page[FeedPublic]:
    """List my feeds, without their addresses."""
    return Page(items=await views.own(connection, actor.id), next=None)


@router.delete("/me/calendar-feeds/{feed_id}", status_code=204, responses=problem_responses(*_GUARDED, NotFound))
async def revoke_my_calendar_feed(feed_id: uuid.UUID, session: Session, actor: Person) -> None:
    """Make an address worth nothing, for good."""
    await service.revoke(session, actor, feed_id)


@router.get("/calendars/{secret}", response_class=CalendarResponse, responses=problem_responses(NotFound))
@public("calendars cannot sign in: the address itself is the secret, and can be revoked")
async def get_calendar(secret: Annotated[str, Path(min_length=20, max_length=100)], connection: Reading) -> Response:
    """Read somebody's appointments in iCalendar: times, how sure they are, and nothing of what for."""
    found = await service.read(connection, secret)
    return CalendarResponse(found, headers={"Cache-Control": "private, no-store"})
