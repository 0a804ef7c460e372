"""The SQL that reads what is left, and when that runs out if all goes by plan."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.recurrence import Occurrence
from eldercare.medication import rules
from eldercare.medication.models import DOSES, REGIMENS, STOCK_ENTRIES, STOCKS, VERSIONS
from eldercare.medication.problems import StockNotKept
from eldercare.medication.schemas.stocks import StockEntryPublic, StockPublic
from eldercare.medication.views import schedules

USED_IN_DAYS: Final = 30
"""What is taken as needed is projected by what was taken in so many days."""

_KIND = "eldercare.stock_entries"
_INSTANT = sa.DateTime(timezone=True)
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_regimen = sa.bindparam("regimen_id", type_=sa.Uuid)
_used = (
    sa.select(sa.func.coalesce(sa.func.sum(DOSES.c.quantity), 0))
    .where(
        DOSES.c.regimen_id == STOCKS.c.regimen_id,
        DOSES.c.unit == STOCKS.c.unit,
        DOSES.c.state == sa.literal_column("'taken'"),
        DOSES.c.taken_at >= sa.bindparam("used_since", type_=_INSTANT),
    )
    .correlate(STOCKS)
    .scalar_subquery()
)
_STOCKS = sa.select(
    REGIMENS.c.id,
    REGIMENS.c.state,
    STOCKS.c.id.label("stock_id"),
    STOCKS.c.regimen_id,
    STOCKS.c.on_hand,
    STOCKS.c.unit,
    STOCKS.c.remind_days,
    STOCKS.c.version,
    VERSIONS.c.quantity,
    VERSIONS.c.unit.label("dose_unit"),
    _used.label("used"),
    *schedules.COLUMNS,
).select_from(schedules.FROM.join(STOCKS, STOCKS.c.regimen_id == REGIMENS.c.id))
_OF_REGIMEN = _STOCKS.where(REGIMENS.c.id == _regimen, REGIMENS.c.resident_id == _resident)
_BY_IDS = _STOCKS.where(STOCKS.c.id == sa.any_(sa.bindparam("stock_ids", type_=ARRAY(sa.Uuid))))
_REGIMEN = sa.select(REGIMENS.c.id).where(REGIMENS.c.id == _regimen, REGIMENS.c.resident_id == _resident)
_ENTRIES = (
    sa.select(STOCK_ENTRIES)
    .where(
        STOCK_ENTRIES.c.regimen_id == _regimen,
        STOCK_ENTRIES.c.resident_id == _resident,
        after((STOCK_ENTRIES.c.id,), ("after_id",), descending=True),
    )
    .order_by(STOCK_ENTRIES.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def require_regimen(connection: AsyncConnection, resident_id: uuid.UUID, regimen_id: uuid.UUID) -> None:
    """Raise ``NotFound`` unless the regimen is the resident's."""
    binds = {"resident_id": resident_id, "regimen_id": regimen_id}
    if await connection.scalar(_REGIMEN, binds) is None:
        raise NotFound


async def stock(connection: AsyncConnection, resident_id: uuid.UUID, regimen_id: uuid.UUID) -> StockPublic:
    """Return what is left of a regimen's drug; raises ``NotFound``, ``StockNotKept``."""
    await require_regimen(connection, resident_id, regimen_id)
    now = clock.now()
    binds = {"resident_id": resident_id, "regimen_id": regimen_id, "used_since": _used_since(now)}
    row = (await connection.execute(_OF_REGIMEN, binds)).one_or_none()
    if row is None:
        raise StockNotKept
    ends = run_outs([cast("sa.Row[Any]", row)], now)
    return StockPublic(
        regimen_id=regimen_id,
        on_hand=row.on_hand,
        unit=row.unit,
        remind_days=row.remind_days,
        runs_out_at=ends[row.stock_id],
        version=row.version,
    )


async def stocks(connection: AsyncConnection, stock_ids: Sequence[uuid.UUID], now: datetime) -> Sequence[sa.Row[Any]]:
    """Return stocks with what their projection needs (see ``run_outs``)."""
    binds = {"stock_ids": list(stock_ids), "used_since": _used_since(now)}
    return cast("Sequence[sa.Row[Any]]", (await connection.execute(_BY_IDS, binds)).all())


def run_outs(rows: Sequence[sa.Row[Any]], now: datetime) -> dict[uuid.UUID, datetime | None]:
    """Return when each stock runs out by projected use; ``None`` where it lasts, or nothing of it is used now."""
    active = [row for row in rows if row.state == "active" and row.dose_unit == row.unit]
    ends: dict[uuid.UUID, datetime | None] = {row.stock_id: None for row in rows}
    known: dict[object, list[Occurrence]] = {}
    until = now + timedelta(days=rules.PROJECTED_DAYS)
    for row in active:
        if row.timing == "as_needed":
            lasts = rules.lasts_for(row.on_hand, row.used, USED_IN_DAYS)
            ends[row.stock_id] = now + lasts if lasts is not None and now + lasts < until else None
            continue
        plan = schedules.plan_of(row)
        key = (plan.schedule, tuple(plan.meal_times.items()), plan.time_zone)
        if key not in known:
            known[key] = plan.doses(now, until)
        planned = (occurrence.due_at for occurrence in known[key])
        ends[row.stock_id] = rules.runs_out_at(Decimal(row.on_hand), Decimal(row.quantity), planned)
    return ends


def _used_since(now: datetime) -> datetime:
    return now - timedelta(days=USED_IN_DAYS)


async def entries(
    connection: AsyncConnection, resident_id: uuid.UUID, regimen_id: uuid.UUID, page: PageRequest
) -> tuple[list[StockEntryPublic], str | None]:
    """Return a page of refills and counts, the latest first, and the cursor of the next one; raises ``NotFound``."""
    await require_regimen(connection, resident_id, regimen_id)
    (last_id,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    binds = {
        "resident_id": resident_id,
        "regimen_id": regimen_id,
        "limit": page.limit + 1,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = (await connection.execute(_ENTRIES, binds)).all()
    items = [StockEntryPublic.model_validate(row) for row in rows[: page.limit]]
    return items, next_cursor(_KIND, rows, page.limit, ("id",))
