"""Days out over HTTP: planned, changed, booked in one go, shared, followed, and taken along as a calendar."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Header, Response

from app.core.access import CurrentActor
from app.core.database import reading
from app.core.icalendars import CalendarResponse
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.identity.api import PeopleOnly, Person, ResidenceEnded, ResidentSubject, language_for, resident_guard
from community.itineraries.access import Subject, itinerary_guard, require_itinerary
from community.itineraries.problems import (
    BookedStopLost,
    BookingRefused,
    ItineraryNotOpen,
    NothingToBook,
    PlanPriceChanged,
    StartNotOnMap,
    StopNotAhead,
    TooManyCompanions,
    TooManyItineraries,
)
from community.itineraries.rules.calendars import calendar
from community.itineraries.schemas.given import CompanionGive, ItineraryBook, ItineraryWrite, StopCheck
from community.itineraries.schemas.shown import ItineraryDetail, ItineraryPublic, OutlookPublic
from community.itineraries.service import booking, going, outlook, planning
from community.itineraries.views import itineraries as views
from community.ticket_orders.access import ORDER, READ

router = Router(tags=["tourism"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Planner = Annotated[ResidentSubject, Depends(resident_guard(ORDER))]
Seen = Annotated[Subject, Depends(itinerary_guard())]
Theirs = Annotated[Subject, Depends(itinerary_guard(plans=True))]
Language = Annotated[str, Header(alias="Accept-Language", max_length=200)]
OnTheWay = Annotated[Subject, Depends(itinerary_guard(goes=True))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/residents/{resident_id}/itineraries"
_ONE: Final = "/itineraries/{itinerary_id}"


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_itineraries(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[ItineraryPublic]:
    """List a resident's days out, those ahead before those that are over."""
    return await views.of_resident(connection, actor, subject, page)


@router.post(
    _OF,
    status_code=201,
    responses=problem_responses(*_GUARDED, PeopleOnly, ResidenceEnded, StartNotOnMap, TooManyItineraries),
)
@route_options(database=False)
async def plan_itinerary(actor: Person, subject: Planner, data: ItineraryWrite, response: Response) -> ItineraryDetail:
    """Plan days out from wishes and needs, with why each stop is when it is and why a wish is left out.

    The same is planned for the same; nothing is booked or held by it.
    """
    itinerary_id = await planning.create(actor, subject.resident_id, data)
    return await _shown(actor, itinerary_id, response)


@router.get("/me/itineraries-along", responses=problem_responses(Unauthenticated, Forbidden))
async def list_itineraries_along(connection: Reading, actor: Person, page: PageQuery) -> Page[ItineraryPublic]:
    """List the days out I come along on, until they are over."""
    return await views.along(connection, actor, page)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_itinerary(connection: Reading, actor: CurrentActor, subject: Seen, response: Response) -> ItineraryDetail:
    """Show days out: each stop with why it is then, and whether it is booked."""
    found = await views.detail(connection, actor, subject)
    set_etag(response, found.version)
    return found


@router.put(
    _ONE,
    responses=problem_responses(
        *_GUARDED, BookedStopLost, ItineraryNotOpen, PeopleOnly, ResidenceEnded, StaleVersion, StartNotOnMap
    ),
)
@route_options(database=False)
async def change_itinerary(
    actor: Person, subject: Theirs, data: ItineraryWrite, response: Response, if_match: IfMatch = None
) -> ItineraryDetail:
    """Plan anew what is ahead; what is booked stays as it is."""
    await planning.change(actor, subject, data, if_match)
    return await _shown(actor, subject.id, response)


@router.delete(_ONE, status_code=204, responses=problem_responses(*_GUARDED, ItineraryNotOpen))
async def drop_itinerary(session: Session, actor: CurrentActor, subject: Theirs) -> None:
    """Put a plan aside; its tickets are given back by themselves, as tickets are."""
    await planning.drop(session, actor, subject)


@router.post(
    f"{_ONE}/booking",
    responses=problem_responses(
        *_GUARDED, BookingRefused, ItineraryNotOpen, NothingToBook, PeopleOnly, PlanPriceChanged, ResidenceEnded
    ),
)
async def book_itinerary(session: Session, actor: Person, subject: Theirs, data: ItineraryBook) -> ItineraryDetail:
    """Book every stop in one go, all or nothing: if one is refused, it is named and nothing is booked."""
    await booking.book(session, actor, subject, data)
    return await views.detail(await session.connection(), actor, subject)


@router.post(f"{_ONE}/stops/{{stop_id}}/check", responses=problem_responses(*_GUARDED, ItineraryNotOpen, StopNotAhead))
async def check_itinerary_stop(
    stop_id: uuid.UUID, session: Session, actor: CurrentActor, subject: OnTheWay, data: StopCheck
) -> OutlookPublic:
    """Say where one is: there, gone, or not going; how the rest of the day stands then is answered."""
    await going.check(session, actor, subject, stop_id, data)
    return await outlook.shown(await session.connection(), actor, subject)


@router.get(f"{_ONE}/outlook", responses=problem_responses(*_GUARDED))
async def get_itinerary_outlook(connection: Reading, actor: CurrentActor, subject: Seen) -> OutlookPublic:
    """Show when one would be where as it stands, and what can be done about what is too late."""
    return await outlook.shown(connection, actor, subject)


@router.get(f"{_ONE}/calendar", response_class=CalendarResponse, responses=problem_responses(*_GUARDED))
async def get_itinerary_calendar(
    connection: Reading, actor: CurrentActor, subject: Seen, accept_language: Language = "en"
) -> Response:
    """Download the stops as iCalendar, for whatever calendar one keeps; without what was needed on the way."""
    await views.trace(connection, actor, subject, "itinerary:read")
    row, stops = await views.rows_of(connection, subject.id)
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": 'attachment; filename="day-out.ics"'}
    return CalendarResponse(calendar(row, stops, language_for(accept_language)), headers=headers)


@router.post(
    f"{_ONE}/companions", responses=problem_responses(*_GUARDED, ItineraryNotOpen, TooManyCompanions), status_code=204
)
async def add_itinerary_companion(session: Session, actor: CurrentActor, subject: Theirs, data: CompanionGive) -> None:
    """Let somebody who comes along see where the days lead, check stops off and be told what changes."""
    await going.add_companion(session, actor, subject, data)


@router.delete(f"{_ONE}/companions/{{account_id}}", status_code=204, responses=problem_responses(*_GUARDED))
async def remove_itinerary_companion(
    account_id: uuid.UUID, session: Session, actor: CurrentActor, subject: Theirs
) -> None:
    """Let somebody see no more of it."""
    await going.remove_companion(session, actor, subject, account_id)


async def _shown(actor: Person, itinerary_id: uuid.UUID, response: Response) -> ItineraryDetail:
    async with reading() as connection:
        subject = await require_itinerary(connection, actor, itinerary_id)
        found = await views.detail(connection, actor, subject)
    set_etag(response, found.version)
    return found
