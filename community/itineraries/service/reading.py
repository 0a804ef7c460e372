"""What a plan stands on: which attractions, when they are open and quiet, which slots have room, at what price."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.problems import FieldError, Malformed
from app.core.wall_time import resolve
from app.dispatch.api import Place
from app.reservations.api import pools_left
from community.attractions.models import ATTRACTIONS
from community.attractions.rules import openings
from community.attractions.views import hours, opening
from community.itineraries.rules.asked import GAITS, Entrance, Pace, Wish
from community.itineraries.rules.entrances import Offered, Span, by_hours, by_slots
from community.itineraries.schemas.given import ItemGive, WishGive
from community.ticketing.models import SHARES, SLOTS
from community.ticketing.rules import Product, Wanted
from community.ticketing.service.pricing import price
from community.ticketing.views import products_for

SEATS_WITHIN: Final = 150
"""Metres: farther apart than this seats are of no use to who has to rest."""
MOST_LATER: Final = 3
_INSTANT = sa.DateTime(timezone=True)
_ids = sa.bindparam("attraction_ids", type_=ARRAY(sa.Uuid))
_ATTRACTIONS: Final = sa.select(ATTRACTIONS).where(
    ATTRACTIONS.c.id == sa.any_(_ids),
    ATTRACTIONS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
    ATTRACTIONS.c.state == sa.literal("published", sa.Text),
)
_left = pools_left("pools_left")
_SLOTS: Final = (
    sa.select(SLOTS, _left.c.amount.label("left"))
    .join(_left, _left.c.id == SLOTS.c.pool_id)
    .where(
        SLOTS.c.attraction_id == sa.any_(_ids),
        SLOTS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
        SLOTS.c.starts_at >= sa.bindparam("earliest", type_=_INSTANT),
        SLOTS.c.entry_until > sa.bindparam("since", type_=_INSTANT),
        SLOTS.c.state == sa.literal("open", sa.Text),
    )
    .order_by(SLOTS.c.starts_at, SLOTS.c.id)
)
_SHARES: Final = (
    sa.select(SHARES.c.id, SHARES.c.product_ids, _left.c.amount.label("left"))
    .join(_left, _left.c.id == SHARES.c.pool_id)
    .where(SHARES.c.id == sa.any_(sa.bindparam("share_ids", type_=ARRAY(sa.Uuid))))
)
_LONGEST_SLOT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sights:
    """Attractions as a plan sees them."""

    rows: Mapping[uuid.UUID, Any]
    open: Mapping[uuid.UUID, list[Span]]
    quiet: Mapping[uuid.UUID, list[Span]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A stop that is booked: its slot and until when one may go in stay as they are."""

    attraction_id: uuid.UUID
    entrance: Entrance


async def wishes(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    given: Sequence[WishGive],
    span: Span,
    *,
    pace: Pace = "steady",
    persons: int = 1,
    kept: Sequence[Kept] = (),
) -> list[Wish]:
    """Return wishes with when one can go in, in a stretch of time that is ahead; however many, in as many statements.

    What is ``kept`` is booked and stays. Raises ``Malformed`` for an attraction or a product that there is not here.
    """
    ids = [one.attraction_id for one in given]
    sights = await _sights(connection, community_id, ids, span)
    _require_known(given, sights)
    products = await products_for(connection, {item.product_id for one in given for item in one.items})
    _require_sold(given, products)
    counts = [sum(products[item.product_id].persons * item.quantity for item in one.items) or persons for one in given]
    offered = await _offered(connection, given, products, span)
    booked = {one.attraction_id: one.entrance for one in kept}
    found = []
    for one, count in zip(given, counts, strict=True):
        row, spans = sights.rows[one.attraction_id], sights.open[one.attraction_id]
        quiet = sights.quiet[one.attraction_id]
        entrances = by_slots(offered[one.attraction_id], spans, quiet) if one.items else by_hours(spans, quiet)
        if one.attraction_id in booked:
            entrances = (_until_it_closes(booked[one.attraction_id], spans),)
        found.append(
            Wish(
                id=one.attraction_id,
                place=Place(row.latitude, row.longitude),
                stay=one.stay or GAITS[pace].stay,
                entrances=entrances,
                is_must=one.is_must or one.attraction_id in booked,
                is_booked=one.attraction_id in booked,
                persons=count,
                is_step_free=row.step_free is True,  # what nobody knows cannot be relied on
                has_seats=row.seating_distance is not None and row.seating_distance <= SEATS_WITHIN,
                has_toilet=row.accessible_toilet is True,
            )
        )
    return found


def _until_it_closes(entrance: Entrance, spans: Sequence[Span]) -> Entrance:
    """Return an entrance through which one can stay as long as it is open: what is booked says only when to come."""
    closes = [until for since, until in spans if since <= entrance.enter_from < until]
    return replace(entrance, leave_by=max([entrance.leave_by, *closes]))


async def _sights(connection: AsyncConnection, community_id: uuid.UUID, ids: Sequence[uuid.UUID], span: Span) -> Sights:
    rows = await connection.execute(_ATTRACTIONS, {"attraction_ids": list(ids), "community_id": community_id})
    quiet = await hours(connection, ids, span, quiet=True)
    return Sights(
        {row.id: row for row in rows},
        await opening(connection, ids, *span),
        {one: openings(kept, calendar, span) for one, (kept, calendar) in quiet.items()},
    )


def _require_known(given: Sequence[WishGive], sights: Sights) -> None:
    errors = [
        FieldError(f"/body/wishes/{place}/attraction_id", "there is no such attraction here", "unknown_id")
        for place, one in enumerate(given)
        if one.attraction_id not in sights.rows
    ]
    if errors:
        raise Malformed(errors=errors)


def _require_sold(given: Sequence[WishGive], products: Mapping[uuid.UUID, Product]) -> None:
    errors = []
    for place, one in enumerate(given):
        for number, item in enumerate(one.items):
            product = products.get(item.product_id)
            if product is None or product.attraction_id != one.attraction_id or product.state != "active":
                pointer = f"/body/wishes/{place}/items/{number}/product_id"
                errors.append(FieldError(pointer, "this attraction sells no such ticket", "unknown_id"))
            elif not product.is_online:
                pointer = f"/body/wishes/{place}/items/{number}/product_id"
                errors.append(FieldError(pointer, "this is sold at the office alone", "office_only"))
    if errors:
        raise Malformed(errors=errors)


async def _offered(
    connection: AsyncConnection, given: Sequence[WishGive], products: Mapping[uuid.UUID, Product], span: Span
) -> defaultdict[uuid.UUID, list[Offered]]:
    """Return the slots each wish can be had in, with the room there is for all of its tickets, and their price."""
    found: defaultdict[uuid.UUID, list[Offered]] = defaultdict(list)
    items = {one.attraction_id: one.items for one in given if one.items}
    if not items:
        return found
    now = clock.now()
    binds = {
        "attraction_ids": list(items),
        "since": max(span[0], now),
        "earliest": max(span[0], now) - _LONGEST_SLOT,
        "until": span[1],
        "now": now,
    }
    rows = [
        row
        for row in await connection.execute(_SLOTS, binds)
        if not row.product_ids or all(item.product_id in row.product_ids for item in items[row.attraction_id])
    ]
    shares = {
        row.id: row
        for row in await connection.execute(
            _SHARES, {"share_ids": list({one for row in rows for one in row.quota_ids}), "now": now}
        )
    }
    asked = [
        (row, item, Wanted(row.id, item.product_id, item.quantity, row.id))
        for row in rows
        for item in items[row.attraction_id]
    ]
    priced = await price(connection, [one for _, _, one in asked], now)
    totals: defaultdict[uuid.UUID, int] = defaultdict(int)
    for (row, item, _), one in zip(asked, priced, strict=True):
        totals[row.id] += one.amount * item.quantity
    for row in rows:
        persons = {one.product_id: one.quantity * products[one.product_id].persons for one in items[row.attraction_id]}
        has_room = all(
            share.left
            >= sum(count for one, count in persons.items() if not share.product_ids or one in share.product_ids)
            for share in (shares[one] for one in row.quota_ids if one in shares)
        )
        found[row.attraction_id].append(
            Offered(
                row.id,
                row.starts_at,
                row.entry_until,
                row.ends_at,
                row.language is not None,
                row.left if has_room else 0,
                totals[row.id],
            )
        )
    return found


async def later_for(connection: AsyncConnection, row: Any, stop: Any, at: datetime) -> list[Entrance]:
    """Return when else on the day of an itinerary's stop one could go in who can be there ``at``, the first first."""
    items = [ItemGive(**one) for one in stop.items]
    until = resolve(stop.day + timedelta(days=1), time.min, row.time_zone)
    if until <= at:
        return []
    given = [WishGive(attraction_id=stop.attraction_id, items=items)]
    try:
        found = await wishes(connection, row.community_id, given, (at, until), persons=stop.persons)
    except Malformed:  # it is not sold, or not open to anybody, any more
        return []
    ways = [
        replace(one, enter_from=max(one.enter_from, at))
        for one in found[0].entrances
        if one.enter_until >= at
        and one.slot_id != stop.slot_id
        and (one.left is None or one.left >= stop.persons)
        and one.enter_from > stop.enters_at
    ]
    return sorted(ways, key=lambda one: (one.enter_from, str(one.slot_id)))[:MOST_LATER]
