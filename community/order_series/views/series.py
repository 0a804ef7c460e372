"""The SQL that lists and shows a resident's series, with what is ahead of each."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.wall_time import zone
from app.identity.api import ResidentSubject, community, organizations_named, trace_read
from community.housekeeping.rules import day_kind
from community.housekeeping.schemas import OptionWanted
from community.order_series.models import INSTRUCTIONS, SERIES
from community.order_series.rules import SHOWN, Slot, is_paused
from community.order_series.schemas import (
    OccurrencePublic,
    OrderSeriesDetail,
    OrderSeriesPublic,
    PausePublic,
    Standing,
    Totals,
)
from community.order_series.views.outlook import Outlook, outlook, pauses_of

_CURSOR: Final = "community.order_series"
_resident = SERIES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
_LIST: Final = (
    sa.select(SERIES)
    .where(_resident, after((SERIES.c.id,), ("after_id",), descending=True))
    .order_by(SERIES.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ONE: Final = sa.select(SERIES).where(_resident, SERIES.c.id == sa.bindparam("series_id", type_=sa.Uuid))
_PLAIN: Final = OrderSeriesPublic.model_fields.keys() - {"provider"}
_MORE: Final = (
    *("ordered_by", "duration", "flexibility", "wished_worker_id", "keeps_worker", "wished_languages", "wished_sex"),
    *("payment_method", "payment_method_id", "currency", "notice_period", "late_percent", "end_reason"),
)


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[OrderSeriesPublic]:
    """Return a page of a resident's series, the latest first."""
    await trace_read(connection, actor, subject, "order_series:list")
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    binds = {"resident_id": subject.resident_id, "limit": page.limit + 1, "after_id": last}
    rows = list(await connection.execute(_LIST, binds))
    items = [OrderSeriesPublic(**fields) for fields in await _publics(connection, subject, rows[: page.limit])]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def detail(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, series_id: uuid.UUID
) -> OrderSeriesDetail:
    """Return a series of a resident's with what is ahead; raises ``NotFound``."""
    binds = {"resident_id": subject.resident_id, "series_id": series_id}
    row = (await connection.execute(_ONE, binds)).one_or_none()
    if row is None:
        raise NotFound
    await trace_read(connection, actor, subject, "order_series:read")
    now = clock.now()
    (fields,) = await _publics(connection, subject, [row])
    pauses = await pauses_of(connection, row.resident_id, row.id, now)
    occurrences = []
    if row.state == "active":
        occurrences = await _occurrences(connection, row, await outlook(connection, row, now + SHOWN))
    return OrderSeriesDetail(
        **fields,
        **{name: getattr(row, name) for name in _MORE},
        options=[OptionWanted(code=code, quantity=quantity) for code, quantity in row.options.items()],
        instructions=unseal(row.instructions, INSTRUCTIONS) if row.instructions else None,
        has_door_code=row.door_code is not None,
        agreed_totals=Totals(**row.agreed_totals),
        pauses=[
            PausePublic(id=one.id, since=one.since_at, until=one.until_at, is_absence=one.absence_id is not None)
            for one in pauses
        ],
        occurrences=occurrences,
    )


def previewed(found: Sequence[Slot], time_zone: str, calendar: dict[date, bool]) -> list[OccurrencePublic]:
    """Return occurrences of what is not agreed on yet."""
    nothing = Outlook(slots=list(found), days={}, pauses=[], orders={}, calendar=calendar)
    return [_occurrence(slot, nothing, time_zone) for slot in found]


async def _publics(
    connection: AsyncConnection, subject: ResidentSubject, rows: Sequence[sa.Row[Any]]
) -> list[dict[str, Any]]:
    named = await organizations_named(connection, subject.community_id, {row.organization_id for row in rows})
    return [
        {name: getattr(row, name) for name in _PLAIN} | {"provider": named[row.organization_id].name} for row in rows
    ]


async def _occurrences(connection: AsyncConnection, row: sa.Row[Any], ahead: Outlook) -> list[OccurrencePublic]:
    home_zone = (await community(connection, row.community_id)).time_zone
    return [_occurrence(slot, ahead, home_zone) for slot in ahead.slots]


def _occurrence(slot: Slot, ahead: Outlook, time_zone: str) -> OccurrencePublic:
    day, order = ahead.days.get(slot.day), ahead.orders.get(slot.day)
    state: Standing
    trouble = None
    if order is not None:
        state = "cancelled" if order.state in ("cancelled", "expired") else "ordered"
    elif day is not None and day.is_skipped:
        state = "skipped"
    elif is_paused(ahead.pauses, slot.starts_at):
        state = "paused"
    elif day is not None and day.trouble is not None:
        state, trouble = "not_ordered", day.trouble
    else:
        state = "planned"
    starts_at: datetime = slot.starts_at if order is None else order.starts_at
    return OccurrencePublic(
        day=slot.day,
        starts_at=starts_at,
        kind=day_kind(starts_at.astimezone(zone(time_zone)).date(), ahead.calendar),
        state=state,
        is_changed=day is not None and (day.starts_at, day.duration, day.options, day.wished_worker_id) != (None,) * 4,
        trouble=trouble,
        order_id=None if order is None else order.id,
        order_state=None if order is None else order.state,
    )
