"""Attractions over HTTP for everybody, signed in or not: found, shown, and kept by whoever asked for a while."""

import base64
import hashlib
import uuid
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Query, Response
from pydantic import BaseModel

from app.core.access import public
from app.core.instants import GivenDay
from app.core.paging import Page, PageQuery
from app.core.problems import FieldError, Malformed, NotFound, problem_responses
from app.core.routing import Reading, Router
from app.identity.api import community_or_first
from app.media.api import kept_file, served
from community.attraction_search import views
from community.attraction_search.rules import Near, Need, Search
from community.attraction_search.schemas import AttractionPublic, AttractionSummary, OpeningDay
from community.attractions.access import require_published
from community.attractions.rules import Kind
from community.attractions.schemas import Tag
from community.housekeeping.schemas import Latitude, Longitude

router = Router(tags=["tourism"])

_ATTRACTION: Final = "/attractions/{attraction_id}"
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "nothing has changed"}}
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"image/*": {}}, "description": "the picture"}}
_WHY: Final = "whoever plans an outing looks first and signs in later; places are nobody's data"
_MINUTE: Final = timedelta(minutes=1)
_PHOTO: Final = timedelta(days=30)
_LONGEST: Final = timedelta(days=62)
IfNoneMatch = Annotated[str | None, Header()]


async def _near(
    latitude: Annotated[Latitude | None, Query()] = None,
    longitude: Annotated[Longitude | None, Query()] = None,
    radius: Annotated[int, Query(ge=1, le=200_000, description="metres around the place that is given")] = 10_000,
) -> Near | None:
    if (latitude is None) != (longitude is None):
        missing = "latitude" if latitude is None else "longitude"
        raise Malformed(errors=[FieldError(f"/query/{missing}", "give both coordinates, or none", "place")])
    return None if latitude is None or longitude is None else Near(latitude, longitude, radius)


async def _search(
    *,
    text: Annotated[str | None, Query(min_length=1, max_length=100, description="in either language")] = None,
    kind: Annotated[Kind | None, Query()] = None,
    tag: Annotated[list[Tag], Query(max_length=10, description="all of them")] = [],  # noqa: B006 - never changed
    need: Annotated[list[Need], Query(max_length=10, description="all of them")] = [],  # noqa: B006 - never changed
    seating_within: Annotated[int | None, Query(ge=0, le=100_000, description="metres from seat to seat")] = None,
    open_now: bool = False,
    near: Annotated[Near | None, Depends(_near)],
) -> Search:
    return Search(text, kind, tag, need, seating_within, near, open_now)


@router.get("/attractions", responses=problem_responses(NotFound) | _UNCHANGED)
@public(_WHY)
async def list_attractions(
    connection: Reading,
    wanted: Annotated[Search, Depends(_search)],
    page: PageQuery,
    community_id: Annotated[uuid.UUID | None, Query(description="the first community unless named")] = None,
    if_none_match: IfNoneMatch = None,
) -> Page[AttractionSummary]:
    """Find attractions; the nearest first where a place is given."""
    place = await community_or_first(connection, community_id)
    found = await views.search(connection, place.id, wanted, page)
    return _kept(found, if_none_match)  # type: ignore[return-value]  # FastAPI passes it through


@router.get(_ATTRACTION, responses=problem_responses(NotFound) | _UNCHANGED)
@public(_WHY)
async def get_attraction(
    attraction_id: uuid.UUID, connection: Reading, if_none_match: IfNoneMatch = None
) -> AttractionPublic:
    """Show an attraction."""
    row = await require_published(connection, attraction_id)
    return _kept(await views.shown(connection, row), if_none_match)  # type: ignore[return-value]  # FastAPI passes it through


@router.get(f"{_ATTRACTION}/opening-days", responses=problem_responses(NotFound) | _UNCHANGED)
@public(_WHY)
async def list_opening_days(
    attraction_id: uuid.UUID,
    connection: Reading,
    first: Annotated[GivenDay, Query(alias="from", description="a day where the attraction is")],
    last: Annotated[GivenDay, Query(alias="to", description="included, at most 62 days later")],
    if_none_match: IfNoneMatch = None,
) -> Page[OpeningDay]:
    """List when an attraction is open, and when it is quiet, day by day."""
    if not timedelta(0) <= last - first <= _LONGEST:
        raise Malformed(errors=[FieldError("/query/to", "has to lie within 62 days after from", "period")])
    row = await require_published(connection, attraction_id)
    days = await views.opening_days(connection, row, first, last)
    return _kept(Page(items=days, next=None), if_none_match)  # type: ignore[return-value]  # FastAPI passes it through


@router.get(
    f"{_ATTRACTION}/photos/{{photo_id}}",
    response_class=Response,
    responses=problem_responses(NotFound) | _PICTURE,
)
@public(_WHY)
async def get_attraction_photo(attraction_id: uuid.UUID, photo_id: uuid.UUID, connection: Reading) -> Response:
    """Send a photo of an attraction; under its address there is never another."""
    row = await require_published(connection, attraction_id)
    if photo_id not in row.photo_ids:
        raise NotFound
    file = await kept_file(connection, photo_id)
    response = served(photo_id, file.content_type, _PHOTO)
    response.headers["Cache-Control"] = f"public, max-age={int(_PHOTO.total_seconds())}, immutable"
    return response


def _kept(answer: BaseModel, if_none_match: str | None) -> Response:
    """Return an answer that anybody may keep for a minute, or that it is as whoever asks has it."""
    content = answer.model_dump_json().encode()
    etag = f'"{base64.urlsafe_b64encode(hashlib.sha256(content).digest()[:15]).decode()}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={int(_MINUTE.total_seconds())}"}
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)
