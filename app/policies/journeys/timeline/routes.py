"""A resident's timeline over HTTP: the list, live, as a file and on paper."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.core import live
from app.core.access import not_viewed
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import (
    Forbidden,
    Malformed,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    problem_responses,
)
from app.core.routing import Reading, Router, route_options
from app.core.typesetting import pieces, size_of
from app.identity.api import language_for
from app.policies.journeys.timeline.access import Reader
from app.policies.journeys.timeline.problems import RecordTooLong
from app.policies.journeys.timeline.rules.kinds import Kind
from app.policies.journeys.timeline.schemas import TimelineItem, Wanted
from app.policies.journeys.timeline.service import following, printing
from app.policies.journeys.timeline.views import export
from app.policies.journeys.timeline.views import timeline as views

router = Router(tags=["eldercare"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_CSV: Final = {"description": "The file", "content": {"text/csv": {"schema": {"type": "string"}}}}
_PDF: Final = {
    "description": "The document, PDF/UA",
    "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
}
_LONGEST: Final = timedelta(days=366)
Language = Annotated[str, Header(alias="Accept-Language", max_length=200, description="en or zh-CN")]
Kinds = Annotated[list[Kind] | None, Query(alias="kind", description="only items of these kinds")]


async def _wanted(
    kinds: Kinds = None,
    since: Annotated[
        GivenInstant | None, Query(alias="from", description="what happened at this instant or later")
    ] = None,
    until: Annotated[GivenInstant | None, Query(alias="to", description="what happened before this instant")] = None,
    accept_language: Language = "en",
) -> Wanted:
    return Wanted(kinds, since, until, language_for(accept_language))


async def _wanted_live(kinds: Kinds = None, accept_language: Language = "en") -> Wanted:
    return Wanted(kinds, language=language_for(accept_language))


async def _wanted_record(
    since: Annotated[GivenInstant, Query(alias="from", description="what happened at this instant or later")],
    until: Annotated[GivenInstant, Query(alias="to", description="what happened before this instant")],
    kinds: Kinds = None,
    accept_language: Language = "en",
) -> Wanted:
    if not timedelta() < until - since <= _LONGEST:
        raise Malformed("give up to a year, from the first instant to the last")
    return Wanted(kinds, since, until, language_for(accept_language))


async def _one_more_stream(reader: Reader) -> AsyncIterator[None]:
    with live.stream_of(reader.actor.viewed_by or reader.actor.id):
        yield


@router.resident_route("GET", "/timeline", responses=problem_responses(*_GUARDED))
async def list_timeline(
    connection: Reading, reader: Reader, page: PageQuery, wanted: Annotated[Wanted, Depends(_wanted)]
) -> Page[TimelineItem]:
    """List what happened with a resident, the latest first: of every kind that you may see."""
    return await views.list_items(connection, reader, page, wanted)


@router.resident_route(
    "GET",
    "/timeline/stream",
    response_class=EventSourceResponse,
    dependencies=[Depends(_one_more_stream)],
    responses=problem_responses(*_GUARDED, TooManyRequests),
)
@route_options(database=False)
async def stream_timeline(
    request: Request,
    reader: Reader,
    wanted: Annotated[Wanted, Depends(_wanted_live)],
    last_event_id: Annotated[str | None, Header(description="the id of the last event that was taken in")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow what happens with a resident live (Server-Sent Events), within seconds.

    `item`: something that is new or changed, as the list shows it; `kind` and `id` tell one item from another, and one
    may be told again. `place`: all was told up to here. `reset`: the place of `Last-Event-ID` is not known any more,
    read the list again. Connect first, then read the list. The stream ends with the access token, the session or the
    last right; come back with a new token and `Last-Event-ID`, and nothing of the last seven days is lost.
    """
    async for event in following.follow(request, reader, wanted, last_event_id):
        yield event


@router.resident_route(
    "GET",
    "/timeline/record",
    response_class=StreamingResponse,
    responses={200: _CSV, **problem_responses(*_GUARDED)},
)
@route_options(database=False)
@not_viewed("a copy to keep")
async def get_timeline_record(reader: Reader, wanted: Annotated[Wanted, Depends(_wanted_record)]) -> StreamingResponse:
    """Stream what happened with a resident in up to a year as CSV, the latest first, in their local time."""
    await following.put_on_record(reader)
    return StreamingResponse(
        export.care_record(reader, wanted),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="care-record.csv"', "Cache-Control": "no-store"},
    )


@router.resident_route(
    "GET",
    "/timeline/printed-record",
    response_class=StreamingResponse,
    responses={200: _PDF, **problem_responses(*_GUARDED, RecordTooLong, Unavailable)},
)
@route_options(database=False)
@not_viewed("a copy to keep")
async def print_timeline_record(
    reader: Reader, wanted: Annotated[Wanted, Depends(_wanted_record)]
) -> StreamingResponse:
    """Print what happened with a resident in up to a year (A4, PDF/UA): day by day, then by kind, the earliest first.

    It holds what the CSV file does. One document is set at a time: wait as `Retry-After` says where others are first.
    """
    paper = await printing.printed_record(reader, wanted)
    return StreamingResponse(
        pieces(paper),
        media_type="application/pdf",
        headers={
            "Content-Disposition": 'attachment; filename="care-record.pdf"',
            "Content-Length": str(size_of(paper)),
            "Cache-Control": "no-store",
        },
    )
