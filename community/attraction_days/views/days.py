"""The SQL that reads an attraction's days: slots with what is sold, sales, visitors by the quarter hour, scans."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.wall_time import resolve
from app.reservations.api import pools, pools_left
from community.attraction_days.rules import counted_since, pauses
from community.attraction_days.schemas import (
    GateScanPublic,
    Refusals,
    SalesLine,
    SlotDays,
    SlotDaySales,
    SlotSales,
    TicketSales,
    VisitorDay,
    VisitorStep,
)
from community.attraction_search.rules import level
from community.attractions.models import CROWDS
from community.attractions.views import opening
from community.gates.models import GATES, SCANS
from community.gates.rules import Outcome
from community.ticket_orders.models import ORDERS, TICKETS
from community.ticket_waitlist.models import WAITS
from community.ticketing.models import SLOTS
from community.workers.rules import Span

_SLOTS_KIND: Final = "community.slot_sales"
_SCANS_KIND: Final = "community.gate_scans"
_INSTANT: Final = sa.DateTime(timezone=True)
_STEP: Final = timedelta(minutes=15)
_LOOK_BACK: Final = timedelta(days=2)
"""Hours last a day at most: within two the last closing is seen."""
_ATTRACTION: Final = sa.bindparam("attraction_id", type_=sa.Uuid)
_START: Final = sa.bindparam("start", type_=_INSTANT)
_END: Final = sa.bindparam("end", type_=_INSTANT)
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_is_good: Final = TICKETS.c.state.in_(["valid", "admitted"])

_SLOTS: Final = (
    sa.select(SLOTS)
    .where(
        SLOTS.c.attraction_id == _ATTRACTION,
        SLOTS.c.starts_at >= _START,
        SLOTS.c.starts_at < _END,
        after((SLOTS.c.starts_at, SLOTS.c.id), ("after_at", "after_id")),
    )
    .order_by(SLOTS.c.starts_at, SLOTS.c.id)
    .limit(_LIMIT)
)
_SOLD: Final = (
    sa.select(
        TICKETS.c.slot_id,
        sa.func.sum(TICKETS.c.persons).label("sold"),
        sa.func.coalesce(sa.func.sum(TICKETS.c.persons).filter(TICKETS.c.state == "admitted"), 0).label("scanned"),
    )
    .where(TICKETS.c.slot_id == sa.any_(_IDS), _is_good)
    .group_by(TICKETS.c.slot_id)
)
_own: Final = pools_left("own")
_of_days: Final = (
    SLOTS.c.attraction_id == _ATTRACTION,
    SLOTS.c.starts_at >= _START,
    SLOTS.c.starts_at < _END,
)
_takes_place: Final = SLOTS.c.state != "cancelled"
_PERSONS: Final = (
    sa.select(SLOTS.c.day, sa.func.sum(TICKETS.c.persons).label("sold"))
    .join_from(SLOTS, TICKETS, TICKETS.c.slot_id == SLOTS.c.id)
    .where(*_of_days, _takes_place, _is_good)
    .group_by(SLOTS.c.day)
    .subquery("persons")
)
_SUMS: Final = (
    sa.select(
        SLOTS.c.day,
        sa.func.count().label("slots"),
        sa.func.count().filter(sa.not_(_takes_place)).label("cancelled"),
        sa.func.coalesce(sa.func.sum(SLOTS.c.capacity).filter(_takes_place), 0).label("capacity"),
        sa.func.count().filter(SLOTS.c.state == "open", _own.c.amount == 0).label("sold_out"),
    )
    .join_from(SLOTS, _own, _own.c.id == SLOTS.c.pool_id)
    .where(*_of_days)
    .group_by(SLOTS.c.day)
    .subquery("sums")
)
_DAYS: Final = (
    sa.select(_SUMS, sa.func.coalesce(_PERSONS.c.sold, 0).label("sold"))
    .join_from(_SUMS, _PERSONS, _PERSONS.c.day == _SUMS.c.day, isouter=True)
    .order_by(_SUMS.c.day)
)
_WAITING: Final = (
    sa.select(WAITS.c.slot_id, sa.func.sum(WAITS.c.quantity).label("waiting"))
    .where(WAITS.c.slot_id == sa.any_(_IDS), WAITS.c.state.in_(["waiting", "offered"]))
    .group_by(WAITS.c.slot_id)
)
_is_back: Final = TICKETS.c.state.in_(["refunded", "cancelled"])
_LINES: Final = (
    sa.select(
        SLOTS.c.day,
        TICKETS.c.product_id,
        ORDERS.c.currency,
        sa.func.count().filter(_is_good).label("tickets"),
        sa.func.coalesce(sa.func.sum(TICKETS.c.persons).filter(_is_good), 0).label("persons"),
        sa.func.coalesce(sa.func.sum(TICKETS.c.price_amount).filter(_is_good), 0).label("amount"),
        sa.func.count().filter(_is_back).label("given_back"),
        sa.func.coalesce(sa.func.sum(TICKETS.c.refunded_amount).filter(_is_back), 0).label("refunded"),
    )
    .join_from(TICKETS, SLOTS, SLOTS.c.id == TICKETS.c.slot_id)
    .join(ORDERS, ORDERS.c.id == TICKETS.c.order_id)
    .where(
        SLOTS.c.attraction_id == _ATTRACTION,
        SLOTS.c.starts_at >= _START,
        SLOTS.c.starts_at < _END,
        sa.or_(_is_good, _is_back),
    )
    .group_by(SLOTS.c.day, TICKETS.c.product_id, ORDERS.c.currency)
    .order_by(SLOTS.c.day, TICKETS.c.product_id, ORDERS.c.currency)
)
_of_day: Final = (
    SCANS.c.attraction_id == _ATTRACTION,
    SCANS.c.scanned_at >= _START,
    SCANS.c.scanned_at < _END,
)
_bin = sa.func.date_bin(sa.literal_column("interval '15 minutes'"), SCANS.c.scanned_at, _START, type_=_INSTANT)
_is_in: Final = SCANS.c.direction == "entry"
_STEPS: Final = (
    sa.select(
        _bin.label("at"),
        sa.func.coalesce(sa.func.sum(SCANS.c.persons).filter(_is_in), 0).label("entries"),
        sa.func.coalesce(sa.func.sum(SCANS.c.persons).filter(sa.not_(_is_in)), 0).label("exits"),
    )
    .where(*_of_day, SCANS.c.is_through)
    .group_by(sa.literal_column("1"))
    .order_by(sa.literal_column("1"))
)
_REFUSED: Final = (
    sa.select(SCANS.c.reason, sa.func.count().label("refusals"))
    .where(*_of_day, SCANS.c.outcome == "refused", SCANS.c.reason.is_not(None))
    .group_by(SCANS.c.reason)
    .order_by(sa.literal_column("2 DESC"), SCANS.c.reason)
)
_CROWD: Final = sa.select(CROWDS.c.inside, CROWDS.c.counts_from).where(CROWDS.c.attraction_id == _ATTRACTION)
_came = sa.case((_is_in, SCANS.c.persons), else_=-SCANS.c.persons)
_CHANGE: Final = sa.select(sa.func.coalesce(sa.func.sum(_came), 0)).where(*_of_day, SCANS.c.is_through)
_SCANS: Final = (
    sa.select(SCANS, GATES.c.name.label("gate"))
    .join_from(SCANS, GATES, GATES.c.id == SCANS.c.gate_id)
    .where(
        *_of_day,
        SCANS.c.outcome == sa.any_(sa.bindparam("outcomes", type_=ARRAY(sa.Text))),
        after((SCANS.c.scanned_at, SCANS.c.id), ("after_at", "after_id"), descending=True),
    )
    .order_by(SCANS.c.scanned_at.desc(), SCANS.c.id.desc())
    .limit(_LIMIT)
)


async def slots(
    connection: AsyncConnection, attraction_id: uuid.UUID, span: tuple[datetime, datetime], page: PageRequest
) -> Page[SlotSales]:
    """Return a page of an attraction's slots with what is sold of them, the earliest first."""
    binds = {"attraction_id": attraction_id, "start": span[0], "end": span[1], **_paging(_SLOTS_KIND, page)}
    rows = list(await connection.execute(_SLOTS, binds))
    shown = rows[: page.limit]
    ids = {"ids": [row.id for row in shown]}
    sold = {row.slot_id: row for row in await connection.execute(_SOLD, ids)}
    waiting = {row.slot_id: row.waiting for row in await connection.execute(_WAITING, ids)}
    states = await pools(connection, [row.pool_id for row in shown])
    plain = SlotSales.model_fields.keys() - {"taken", "left", "sold", "scanned", "waiting"}
    items = [
        SlotSales(
            taken=states[row.pool_id].taken,
            left=max(states[row.pool_id].left, 0) if row.state == "open" else 0,
            sold=sold[row.id].sold if row.id in sold else 0,
            scanned=sold[row.id].scanned if row.id in sold else 0,
            waiting=waiting.get(row.id, 0),
            **{name: getattr(row, name) for name in plain},
        )
        for row in shown
    ]
    return Page(items=items, next=next_cursor(_SLOTS_KIND, rows, page.limit, ("starts_at", "id")))


async def slot_days(connection: AsyncConnection, attraction: sa.Row[Any], days: tuple[date, date]) -> SlotDays:
    """Return the days of a stretch that have slots, in order, each with its sums: one statement, however many."""
    binds = {
        "attraction_id": attraction.id,
        "start": _bounds(days[0], attraction.time_zone)[0],
        "end": _bounds(days[1], attraction.time_zone)[1],
        "now": clock.now(),
    }
    rows = await connection.execute(_DAYS, binds)
    found = [SlotDaySales(**{name: getattr(row, name) for name in SlotDaySales.model_fields}) for row in rows]
    return SlotDays(first_day=days[0], last_day=days[1], days=found)


async def sales(connection: AsyncConnection, attraction: sa.Row[Any], days: tuple[date, date]) -> TicketSales:
    """Return what was sold for the visits of some days, by day and product."""
    start, _ = _bounds(days[0], attraction.time_zone)
    _, end = _bounds(days[1], attraction.time_zone)
    binds = {"attraction_id": attraction.id, "start": start, "end": end}
    rows = await connection.execute(_LINES, binds)
    lines = [SalesLine(**{name: getattr(row, name) for name in SalesLine.model_fields}) for row in rows]
    return TicketSales(first_day=days[0], last_day=days[1], lines=lines)


async def visitors(connection: AsyncConnection, attraction: sa.Row[Any], day: date) -> VisitorDay:
    """Return how a day went at the gates, by quarters of an hour on the attraction's wall."""
    start, end = _bounds(day, attraction.time_zone)
    binds = {"attraction_id": attraction.id, "start": start, "end": end}
    passed = {row.at: row for row in await connection.execute(_STEPS, binds)}
    refused = await connection.execute(_REFUSED, binds)
    crowd = (await connection.execute(_CROWD, binds)).one_or_none()
    inside = max(crowd.inside, 0) if crowd is not None else 0
    around = (start - _LOOK_BACK, end + _LOOK_BACK)
    open_at = (await opening(connection, [attraction.id], *around)).get(attraction.id, [])
    first = await _inside_at(connection, binds, crowd, open_at)
    return VisitorDay(
        day=day,
        starts_at=start,
        ends_at=end,
        capacity=attraction.capacity,
        inside=inside,
        inside_at_start=first,
        level=level(inside, attraction.capacity),
        entries=sum(row.entries for row in passed.values()),
        exits=sum(row.exits for row in passed.values()),
        steps=_steps(passed, start, min(end, clock.now()), first, pauses(open_at)),
        refusals=[Refusals(reason=row.reason, count=row.refusals) for row in refused],
    )


async def scans(
    connection: AsyncConnection,
    attraction: sa.Row[Any],
    day: date,
    outcomes: Sequence[Outcome],
    page: PageRequest,
) -> Page[GateScanPublic]:
    """Return a page of a day's scans with some outcomes, the latest first."""
    start, end = _bounds(day, attraction.time_zone)
    binds = {"attraction_id": attraction.id, "start": start, "end": end, "outcomes": list(outcomes)}
    rows = list(await connection.execute(_SCANS, binds | _paging(_SCANS_KIND, page)))
    plain = GateScanPublic.model_fields.keys() - {"by", "is_overridden"}
    items = [
        GateScanPublic(
            by="ticket" if row.ticket_id else "card" if row.card_id else "nothing",
            is_overridden=row.overridden_by is not None,
            **{name: getattr(row, name) for name in plain},
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_SCANS_KIND, rows, page.limit, ("scanned_at", "id")))


def _bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return when a day begins and ends on the attraction's wall."""
    return resolve(day, time.min, time_zone), resolve(day + timedelta(days=1), time.min, time_zone)


async def _inside_at(connection: AsyncConnection, day: Mapping[str, Any], crowd: Any, open_at: Sequence[Span]) -> int:
    """Return how many were inside when a day began: by the counter, where it goes on since; else by what was scanned.

    The counter is emptied whenever the attraction closes, and says nothing of the days before.
    """
    start, now = day["start"], clock.now()
    if crowd is None or start > now:
        return 0
    if crowd.counts_from <= start:
        since = await connection.scalar(_CHANGE, dict(day) | {"end": max(now, start) + _STEP})
        left: int = crowd.inside - (since or 0)
        return max(left, 0)
    from_then = counted_since(open_at, start)
    if from_then is None:
        return 0
    change = await connection.scalar(_CHANGE, dict(day) | {"start": from_then, "end": start})
    return max(int(change or 0), 0)


def _steps(
    passed: Mapping[datetime, sa.Row[Any]],
    start: datetime,
    until: datetime,
    inside: int,
    paused: Sequence[Span] = (),
) -> list[VisitorStep]:
    """Return each quarter from the first that saw anybody, with how many were inside at its end.

    A day that begins with people ``inside`` has seen somebody at once.
    """
    found: list[VisitorStep] = []
    if not passed and not inside:
        return found
    at = start if inside else min(passed)
    last = max(passed, default=at)
    while at <= last or at + _STEP <= until:
        row = passed.get(at)
        entries, exits = (row.entries, row.exits) if row is not None else (0, 0)
        # Who leaves unseen and who leaves without having been seen to come takes nobody away who comes later.
        is_counted = not any(closed_at <= at < again for closed_at, again in paused)
        inside = max(inside + entries - exits, 0) if is_counted else 0
        ends = min(at + _STEP, max(until, at)) if at == last else at + _STEP
        found.append(VisitorStep(at=ends, entries=entries, exits=exits, inside=inside))
        at += _STEP
    return found


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    at, last = decode_cursor(kind, page.cursor) if page.cursor else (None, None)
    return {
        "after_at": datetime.fromisoformat(at) if at else None,
        "after_id": uuid.UUID(last) if last else None,
        "limit": page.limit + 1,
    }
