"""The SQL that finds attractions, and how each is shown to everybody."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.settings import settings
from app.core.wall_time import resolve
from community.attraction_search.rules import EARTH_RADIUS, Search, box, common, level, terms
from community.attraction_search.schemas import AttractionPublic, AttractionSummary, CrowdNow, OpeningDay, Spell
from community.attractions.models import ATTRACTIONS, CLOSINGS, CROWDS, EXCEPTIONS
from community.attractions.rules import clipped, grams, openings
from community.attractions.schemas import AttractionClosingPublic, HoursRule
from community.attractions.views import hours, now_of
from community.workers.rules import Span

_CURSOR: Final = "community.attraction_search"
_DAY: Final = timedelta(days=1)
_INSTANT: Final = sa.DateTime(timezone=True)
_limit = sa.bindparam("limit", type_=sa.Integer)
_now = sa.bindparam("now", type_=_INSTANT)


def _texts(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=ARRAY(sa.Text))


def _number(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Float)


def _contains_all(column: sa.ColumnElement[Any], patterns: str) -> sa.ColumnElement[bool]:
    return column.like(sa.all_(_texts(patterns)))


_metres = sa.cast(
    sa.func.round(
        2
        * EARTH_RADIUS
        * sa.func.asin(
            sa.func.least(
                1.0,
                sa.func.sqrt(
                    sa.func.power(sa.func.sin(sa.func.radians(ATTRACTIONS.c.latitude - _number("latitude")) / 2), 2)
                    + sa.func.cos(sa.func.radians(_number("latitude")))
                    * sa.func.cos(sa.func.radians(ATTRACTIONS.c.latitude))
                    * sa.func.power(sa.func.sin(sa.func.radians(ATTRACTIONS.c.longitude - _number("longitude")) / 2), 2)
                ),
            )
        )
    ),
    sa.Integer,
)
_west, _east = _number("west"), _number("east")
_gram = sa.func.unnest(_texts("grams")).column_valued("gram")
_CONDITIONS: Final[dict[str, sa.ColumnElement[bool]]] = {
    "parts": sa.and_(
        ATTRACTIONS.c.search_grams.contains(_texts("part_grams")),
        _contains_all(ATTRACTIONS.c.search_text, "parts"),
    ),
    "grams": sa.and_(
        ATTRACTIONS.c.search_grams.overlap(_texts("grams")),
        sa.select(sa.func.count())
        .where(_gram == sa.any_(ATTRACTIONS.c.search_grams))
        .correlate(ATTRACTIONS)
        .scalar_subquery()
        >= sa.bindparam("least", type_=sa.Integer),
    ),
    "kind": ATTRACTIONS.c.kind == sa.bindparam("kind", type_=sa.Text),
    "tags": ATTRACTIONS.c.tags.contains(_texts("tags")),
    "seating": ATTRACTIONS.c.seating_distance <= sa.bindparam("seating_within", type_=sa.Integer),
    "near": sa.and_(
        ATTRACTIONS.c.latitude.between(_number("south"), _number("north")),
        sa.or_(
            sa.and_(_west <= _east, ATTRACTIONS.c.longitude.between(_west, _east)),
            sa.and_(_west > _east, sa.or_(ATTRACTIONS.c.longitude >= _west, ATTRACTIONS.c.longitude <= _east)),
        ),
        _metres <= sa.bindparam("radius", type_=sa.Integer),
    ),
    "open_now": sa.and_(CROWDS.c.opens_at <= _now, CROWDS.c.closes_at > _now),
    "quiet_hours": sa.func.jsonb_array_length(ATTRACTIONS.c.quiet_hours) > 0,
    **{
        need: ATTRACTIONS.c[need]
        for need in ("step_free", "accessible_toilet", "wheelchair_loan", "audio_guide", "defibrillator")
    },
}
_in_name = _contains_all(ATTRACTIONS.c.search_name, "whole")
_HOW_WELL: Final = sa.case((_in_name, 0), else_=1)
_HOW_WELL_IN_PAIRS: Final = sa.case((_in_name, 0), (_contains_all(ATTRACTIONS.c.search_text, "whole"), 1), else_=2)
_STANDING: Final = (CROWDS.c.inside, CROWDS.c.as_of, CROWDS.c.opens_at, CROWDS.c.closes_at)
_POSITIONS: Final = {"near": _metres, "grams": _HOW_WELL_IN_PAIRS, "parts": _HOW_WELL}
_PLAIN: Final = AttractionSummary.model_fields.keys() - {"has_quiet_hours", "photos", "opening", "crowd", "distance"}
_NOT_SHOWN: Final = {"description", "access_note", "search_name", "search_text", "search_grams", "hours"}

_id = sa.bindparam("attraction_id", type_=sa.Uuid)
_CLOSED: Final = (
    sa.select(CLOSINGS)
    .where(CLOSINGS.c.attraction_id == _id, CLOSINGS.c.starts_at <= _now, CLOSINGS.c.ends_at > _now)
    .order_by(CLOSINGS.c.ends_at.desc(), CLOSINGS.c.id)
    .limit(1)
)
_WHY_CLOSED: Final = sa.select(CLOSINGS.c.starts_at, CLOSINGS.c.ends_at, CLOSINGS.c.reason).where(
    CLOSINGS.c.attraction_id == _id,
    CLOSINGS.c.ends_at > sa.bindparam("since", type_=_INSTANT),
    CLOSINGS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
)
_WHY_OTHER: Final = sa.select(EXCEPTIONS.c.first_day, EXCEPTIONS.c.last_day, EXCEPTIONS.c.reason).where(
    EXCEPTIONS.c.attraction_id == _id,
    EXCEPTIONS.c.last_day >= sa.bindparam("first_day", type_=sa.Date),
    EXCEPTIONS.c.first_day <= sa.bindparam("last_day", type_=sa.Date),
)
_CROWD: Final = sa.select(*_STANDING).where(CROWDS.c.attraction_id == _id)


@cache
def _finding(asked: frozenset[str]) -> sa.Select[Any]:
    """Return the statement for what is asked for: the planner sees no condition that is not there."""
    position = next(
        (_POSITIONS[name] for name in ("near", "grams", "parts") if name in asked), sa.literal(0, sa.Integer)
    )
    columns = [column for column in ATTRACTIONS.columns if column.name not in _NOT_SHOWN]
    found = (
        sa.select(*columns, *_STANDING, position.label("position"))
        .join(CROWDS, CROWDS.c.attraction_id == ATTRACTIONS.c.id)
        .where(
            ATTRACTIONS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
            ATTRACTIONS.c.state == "published",
            *(_CONDITIONS[name] for name in sorted(asked)),
        )
        .subquery("found")
    )
    # Where nothing is nearer or better than another, an index has the order.
    order = ("position", "id") if asked & _POSITIONS.keys() else ("id",)
    ordered: list[sa.ColumnElement[Any]] = [found.c[name] for name in order]
    return sa.select(found).where(after(ordered, [f"after_{name}" for name in order])).order_by(*ordered).limit(_limit)


async def search(
    connection: AsyncConnection, community_id: uuid.UUID, wanted: Search, page: PageRequest
) -> Page[AttractionSummary]:
    """Return a page of a community's attractions that are all of what is wanted.

    The nearest first where a place is given; else those first that have what is looked for in their name.
    """
    binds: dict[str, Any] = {"community_id": community_id, "limit": page.limit + 1, "now": clock.now()}
    asked: set[str] = set(wanted.needs)
    if wanted.text is not None:
        words = terms(wanted.text)
        if not words.whole:
            return Page(items=[], next=None)
        binds |= {"parts": _patterns(words.parts), "part_grams": grams(words.parts), "whole": _patterns(words.whole)}
        binds |= {"grams": list(words.grams), "least": words.least}
        asked |= {name for name, is_asked in (("parts", words.parts), ("grams", words.grams)) if is_asked}
    if wanted.near is not None:
        near = wanted.near
        around = box(near.latitude, near.longitude, near.radius)
        binds |= {"latitude": near.latitude, "longitude": near.longitude, "radius": near.radius}
        binds |= {"south": around.south, "north": around.north, "west": around.west, "east": around.east}
        asked.add("near")
    if wanted.seating_within is not None:
        asked.add("seating")
    asked |= {name for name in ("kind", "tags", "open_now") if getattr(wanted, name)}
    binds |= {"kind": wanted.kind, "tags": list(wanted.tags), "seating_within": wanted.seating_within}
    position, last = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None, None)
    binds |= {"after_position": position, "after_id": uuid.UUID(last) if last else None}
    statement = _finding(frozenset(asked))
    named = {name: binds[name] for name in statement.compile().params if name in binds}
    rows = list(await connection.execute(statement, named))
    items = [
        AttractionSummary(distance=row.position if wanted.near else None, **_summary(row, binds["now"]))
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("position", "id")))


async def shown(connection: AsyncConnection, row: Any) -> AttractionPublic:
    """Return what everybody sees of an attraction."""
    now = clock.now()
    crowd = (await connection.execute(_CROWD, {"attraction_id": row.id})).one()
    closed = (await connection.execute(_CLOSED, {"attraction_id": row.id, "now": now})).one_or_none()
    return AttractionPublic(
        description=row.description,
        access_note=row.access_note,
        capacity=row.capacity,
        hours=[HoursRule.of(one) for one in row.hours],
        quiet_hours=[HoursRule.of(one) for one in row.quiet_hours],
        closing=None if closed is None else AttractionClosingPublic.model_validate(closed),
        **_summary(row, now, crowd),
    )


async def opening_days(connection: AsyncConnection, row: Any, first: date, last: date) -> list[OpeningDay]:
    """Return when an attraction is open, and quiet, on each day of its wall from ``first`` to ``last``."""
    days = list(_days(first, last))
    bounds = [resolve(day, time(), row.time_zone) for day in [*days, last + _DAY]]
    span = (bounds[0], bounds[-1])
    there, quiet = [
        openings(known, calendar, span)
        for known, calendar in [
            (await hours(connection, [row.id], span, quiet=is_quiet))[row.id] for is_quiet in (False, True)
        ]
    ]
    reasons = await _reasons(connection, row, days, bounds)
    return [
        OpeningDay(day=day, open=_within(there, one), quiet=_within(common(there, quiet), one), reason=reasons[day])
        for day, one in zip(days, pairwise(bounds), strict=True)
    ]


async def _reasons(
    connection: AsyncConnection, row: Any, days: Sequence[date], bounds: Sequence[datetime]
) -> dict[date, dict[str, str]]:
    found: defaultdict[date, dict[str, str]] = defaultdict(dict)
    binds = {"attraction_id": row.id, "first_day": days[0], "last_day": days[-1]}
    for one in await connection.execute(_WHY_OTHER, binds):
        found.update({day: one.reason for day in days if one.first_day <= day <= one.last_day})
    binds = {"attraction_id": row.id, "since": bounds[0], "until": bounds[-1]}
    for one in await connection.execute(_WHY_CLOSED, binds):
        for day, (since, until) in zip(days, pairwise(bounds), strict=True):
            if one.starts_at < until and one.ends_at > since:
                found[day] = one.reason
    return found


def _within(spans: Sequence[Span], day: Span) -> list[Spell]:
    met = [one for one in spans if one[0] < day[1] and one[1] > day[0]]
    return [Spell(starts_at=since, ends_at=until) for since, until in clipped(met, day)]


def _summary(row: Any, now: datetime, crowd: Any = None) -> dict[str, Any]:
    counted = crowd or row
    opening = now_of(counted, now)
    how_full = level(max(counted.inside, 0), row.capacity) if opening.is_open and counted.as_of else None
    root = f"{settings().http.public_url.rstrip('/')}/v1/attractions/{row.id}/photos"
    return {
        "has_quiet_hours": bool(row.quiet_hours),
        "photos": [f"{root}/{photo_id}" for photo_id in row.photo_ids],
        "opening": opening,
        "crowd": None if how_full is None else CrowdNow(level=how_full, as_of=counted.as_of),
        **{name: getattr(row, name) for name in _PLAIN},
    }


def _patterns(words: Sequence[str]) -> list[str]:
    return [f"%{word}%" for word in words]  # of letters and digits alone: nothing in them is a pattern


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))
