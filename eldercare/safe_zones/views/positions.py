"""The SQL that reads where somebody was: only as long as it is kept, and only while somebody may see it."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.sealing import unseal
from app.core.settings import settings
from app.identity.api import ResidentSubject, residents_sharing, trace_read
from eldercare.alarms.schemas import PlacePublic
from eldercare.safe_zones.models import FIX_CONTEXT, POSITIONS, TRACKINGS
from eldercare.safe_zones.rules.silence import LOW_BATTERY, Reason
from eldercare.safe_zones.schemas import LocationPublic, PositionPublic

KNOWN_FOR: Final = timedelta(minutes=30)
"""How old a usable fix may be to say where somebody is."""
_KIND: Final = "eldercare.positions"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = uuid.UUID(int=(1 << 128) - 1)
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_PAGE: sa.Select[Any] = (
    sa.select(POSITIONS.c.id, POSITIONS.c.received_at, POSITIONS.c.fix)
    .where(
        POSITIONS.c.resident_id == _resident,
        POSITIONS.c.id >= sa.bindparam("floor", type_=sa.Uuid),
        POSITIONS.c.id < sa.bindparam("before", type_=sa.Uuid),
    )
    .order_by(POSITIONS.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_TRACKING = sa.select(TRACKINGS).where(TRACKINGS.c.resident_id == _resident)


async def positions(
    connection: AsyncConnection,
    actor: Actor,
    subject: ResidentSubject,
    page: PageRequest,
    first: datetime | None,
    end: datetime | None,
) -> Page[PositionPublic]:
    """Return a page of where the resident was from ``first`` until before ``end``, the latest first."""
    (last,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    before = uuid.UUID(last) if last else clock.id_floor(max(end, _EPOCH)) if end else _LAST
    rows = await _rows(connection, subject.resident_id, first, before, page.limit + 1)
    await trace_read(connection, actor, subject, "positions:list")
    items = [_public(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ("id",)))


async def location(connection: AsyncConnection, actor: Actor, subject: ResidentSubject) -> LocationPublic:
    """Return what is known of where the resident is now."""
    await trace_read(connection, actor, subject, "location:read")
    tracking = (await connection.execute(_TRACKING, {"resident_id": subject.resident_id})).one_or_none()
    if not await residents_sharing(connection, [subject.resident_id], "location:read"):
        return LocationPublic(state="not_shared", reason=None, unknown_since=None, battery=None, position=None)
    rows = await _rows(connection, subject.resident_id, None, _LAST, 1)
    usable = tracking.last_usable_id if tracking else None
    is_recent = usable is not None and clock.now() - clock.instant_of(usable) <= KNOWN_FOR
    silent_since = tracking.silent_since if tracking else None
    return LocationPublic(
        state="known" if is_recent and silent_since is None else "unknown",
        reason=_reason(tracking),
        unknown_since=silent_since,
        battery=tracking.battery if tracking else None,
        position=_public(rows[0]) if rows else None,
    )


def _reason(tracking: Any) -> Reason | None:
    """Return what people were told of, while it lasts."""
    if tracking is None:
        return None
    if tracking.silent_since is not None:
        return "silent" if tracking.last_position_id == tracking.last_usable_id else "imprecise"
    is_low = tracking.battery is not None and tracking.battery <= LOW_BATTERY
    return "battery_low" if is_low and tracking.battery_told_at is not None else None


async def _rows(
    connection: AsyncConnection, resident_id: uuid.UUID, first: datetime | None, before: uuid.UUID, limit: int
) -> list[sa.Row[Any]]:
    """Return positions that are kept; the promise to forget does not depend on when the worker comes round to it."""
    if not await residents_sharing(connection, [resident_id], "location:read"):
        return []
    oldest = clock.now() - timedelta(days=settings().location.keep_days)
    floor = clock.id_floor(max(oldest, first) if first else oldest)
    binds = {"resident_id": resident_id, "floor": floor, "before": before, "limit": limit}
    return list((await connection.execute(_PAGE, binds)).all())


def _public(row: sa.Row[Any]) -> PositionPublic:
    fix = orjson.loads(unseal(row.fix, FIX_CONTEXT))
    return PositionPublic(
        id=row.id,
        observed_at=clock.instant_of(row.id),
        received_at=row.received_at,
        place=PlacePublic(latitude=fix["latitude"], longitude=fix["longitude"], accuracy=fix["accuracy"]),
        battery=fix["battery"],
        source=fix["source"],
        device=fix["device"],
    )
