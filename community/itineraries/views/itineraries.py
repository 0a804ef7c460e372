"""The SQL that lists and shows days out, with the reasons of each stop."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.wall_time import zone
from app.identity.api import ResidentSubject, trace_read
from community.attractions.models import ATTRACTIONS
from community.itineraries.access import IS_STILL_LET, Subject
from community.itineraries.models import ASKED, COMPANIONS, ITINERARIES, PAUSES, STOPS
from community.itineraries.rules import words
from community.itineraries.schemas.given import ItineraryWrite
from community.itineraries.schemas.shown import (
    DayPublic,
    ItineraryDetail,
    ItineraryPublic,
    LeftOutPublic,
    PausePublic,
    StopPublic,
    Texts,
)

_CURSOR: Final = "community.itineraries"
_limit = sa.bindparam("limit", type_=sa.Integer)
_account = sa.bindparam("own_account", type_=sa.Uuid)
_position = after((ITINERARIES.c.starts_at, ITINERARIES.c.id), ("after_starts_at", "after_id"), descending=True)
_list = (
    sa.select(ITINERARIES)
    .where(_position)
    .order_by(ITINERARIES.c.starts_at.desc(), ITINERARIES.c.id.desc())
    .limit(_limit)
)
_OF_RESIDENT: Final = _list.where(ITINERARIES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid))
_ALONG: Final = audit.traced_each(
    _list.where(
        ITINERARIES.c.state == sa.literal("open", sa.Text),
        sa.exists(
            sa.select(COMPANIONS.c.id)
            .where(COMPANIONS.c.itinerary_id == ITINERARIES.c.id, COMPANIONS.c.account_id == _account, IS_STILL_LET)
            .correlate(ITINERARIES)
        ),
    ),
    "itineraries:list",
)
_id = sa.bindparam("itinerary_id", type_=sa.Uuid)
_ONE: Final = sa.select(ITINERARIES).where(ITINERARIES.c.id == _id)
_STOPS: Final = (
    sa.select(STOPS, ATTRACTIONS.c.name, ATTRACTIONS.c.latitude, ATTRACTIONS.c.longitude)
    .join(ATTRACTIONS, ATTRACTIONS.c.id == STOPS.c.attraction_id)
    .where(STOPS.c.itinerary_id == _id)
    .order_by(STOPS.c.position)
)
_NAMES: Final = sa.select(ATTRACTIONS.c.id, ATTRACTIONS.c.name).where(
    ATTRACTIONS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
)
_COMPANIONS: Final = (
    sa.select(COMPANIONS.c.account_id).where(COMPANIONS.c.itinerary_id == _id).order_by(COMPANIONS.c.id)
)
_PLAIN: Final = ItineraryPublic.model_fields.keys() - {"price"}
_OF_STOP: Final = (
    *("id", "attraction_id", "name", "latitude", "longitude", "day", "slot_id", "persons", "leaves_for_at", "way"),
    *("mode", "arrives_at", "enters_at", "enter_until", "leaves_at", "why", "state", "checked_at", "booking"),
    "order_id",
)


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[ItineraryPublic]:
    """Return a page of a resident's days out, the latest (and those ahead) first."""
    await trace_read(connection, actor, subject, "itineraries:list")
    binds = {"resident_id": subject.resident_id, **_paging(page)}
    return _page(list(await connection.execute(_OF_RESIDENT, binds)), page)


async def along(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[ItineraryPublic]:
    """Return a page of the days out the actor comes along on, the latest first; on record for each resident."""
    binds = {
        "own_account": actor.id,
        "granted_at": clock.now(),
        **_paging(page),
        **audit.trace_each_binds(actor, shown=page.limit),
    }
    return _page(list(await connection.execute(_ALONG, binds)), page)


async def detail(connection: AsyncConnection, actor: Actor, subject: Subject) -> ItineraryDetail:
    """Return days out with what the reader's side may see of them; raises ``NotFound``.

    Whoever only comes along sees where, when and when to sit down; not what was asked, not for what, not who else.
    """
    await trace(connection, actor, subject, "itinerary:read")
    row, stops = await rows_of(connection, subject.id)
    left_out = row.left_out if subject.is_shown_whole else []
    names = await _names(connection, [uuid.UUID(one["attraction_id"]) for one in left_out])
    asked = None
    if subject.is_shown_whole:
        asked = ItineraryWrite.model_validate(orjson.loads(unseal(row.asked, ASKED)))
    return ItineraryDetail(
        **_fields(row),
        planned_by=row.planned_by,
        is_exact=row.is_exact,
        asked=asked,
        stops=[_stop(one, row.time_zone, is_whole=subject.is_shown_whole) for one in stops],
        days=[
            DayPublic(
                day=one["day"],
                way_back=timedelta(seconds=one["way_back"]),
                mode_back=one["mode_back"],
                back_at=datetime.fromisoformat(one["back_at"]),
            )
            for one in row.days
        ],
        left_out=[
            LeftOutPublic(
                attraction_id=uuid.UUID(one["attraction_id"]),
                name=names.get(uuid.UUID(one["attraction_id"]), {}),
                why=one["why"],
                reason=words.why_not(one["why"]),
            )
            for one in left_out
        ],
        companions=[
            account
            for account in await connection.scalars(_COMPANIONS, {"itinerary_id": subject.id})
            if subject.is_shown_whole or account == actor.id
        ],
    )


async def rows_of(connection: AsyncConnection, itinerary_id: uuid.UUID) -> tuple[sa.Row[Any], list[sa.Row[Any]]]:
    """Return an itinerary whose reader's rights were checked, and its stops with their names; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"itinerary_id": itinerary_id})).one_or_none()
    if row is None:
        raise NotFound
    return row, list(await connection.execute(_STOPS, {"itinerary_id": itinerary_id}))


async def trace(connection: AsyncConnection, actor: Actor, subject: Subject, action: str) -> None:
    """Put a read by somebody else than the resident on record."""
    if actor.resident_id != subject.resident_id:
        await audit.record(
            connection,
            actor,
            action,
            resident_id=subject.resident_id,
            object_id=subject.id,
            community_id=subject.community_id,
        )


async def _names(connection: AsyncConnection, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Texts]:
    return {row.id: row.name for row in await connection.execute(_NAMES, {"ids": list(ids)})} if ids else {}


def _stop(row: sa.Row[Any], time_zone: str, *, is_whole: bool) -> StopPublic:
    place = zone(time_zone)
    times = {name: getattr(row, f"{name}_at").astimezone(place).strftime("%H:%M") for name in ("arrives", "enters")}
    pauses: list[dict[str, Any]] = orjson.loads(unseal(row.pauses, PAUSES)) if row.pauses else []
    return StopPublic(
        **{name: getattr(row, name) for name in _OF_STOP},
        price=row.price_amount,
        pauses=[PausePublic(**one | ({} if is_whole else {"kind": "rest"})) for one in pauses],
        reason=words.why(row.why, **times),
    )


def _fields(row: sa.Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _PLAIN} | {"price": row.price_amount}


def _page(rows: Sequence[sa.Row[Any]], page: PageRequest) -> Page[ItineraryPublic]:
    items = [ItineraryPublic(**_fields(row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ["starts_at", "id"]))


def _paging(page: PageRequest) -> dict[str, Any]:
    starts_at, last_id = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None, None)
    return {
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
