"""Stock: what is there, what was brought, and telling people in time that it runs low."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, StaleVersion
from app.core.routing import check_version
from app.identity.api import ResidentSubject
from eldercare.medication.models import STOCKS, MedicationStock, Regimen, RegimenVersion, StockEntry
from eldercare.medication.problems import RegimenStopped, StockNotKept
from eldercare.medication.schemas.stocks import Refill, StockWrite
from eldercare.medication.service import regimens, telling
from eldercare.medication.service.planning import CHANNEL
from eldercare.medication.views import stocks as views

LOOKED_AT_EVERY: Final = timedelta(hours=24)
MOST_ON_HAND: Final = Decimal(1_000_000)

_LOOKED_AT = (
    sa.update(STOCKS)
    .where(STOCKS.c.id == sa.any_(sa.bindparam("stock_ids", type_=ARRAY(sa.Uuid))))
    .values(check_at=sa.bindparam("again", type_=sa.DateTime(timezone=True)))
)


async def count(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    regimen_id: uuid.UUID,
    data: StockWrite,
    if_match: int | None,
) -> int:
    """Say how much is there, as somebody counted it, and return the stock's version.

    Raises ``NotFound``, ``StaleVersion``, ``RegimenStopped``.
    """
    regimen = await regimens.lock(session, subject.resident_id, regimen_id)
    stock = await _find(session, regimen)
    if stock is not None:
        check_version(stock, if_match)
    elif if_match is not None:
        raise StaleVersion
    unit = await _unit(session, regimen)
    if stock is None:
        stock = MedicationStock(
            community_id=regimen.community_id,
            resident_id=regimen.resident_id,
            regimen_id=regimen.id,
            on_hand=data.on_hand,
            unit=unit,
            remind_days=data.remind_days,
        )
        session.add(stock)
    else:
        stock.on_hand, stock.unit, stock.remind_days = data.on_hand, unit, data.remind_days
    await _enter(session, actor, stock, "count", data.on_hand)
    return stock.version


async def refill(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, regimen_id: uuid.UUID, data: Refill
) -> StockEntry:
    """Add what was brought to what is there; raises ``NotFound``, ``RegimenStopped``, ``StockNotKept``, ``Malformed``.

    A stock in another unit than the regimen's doses have by now must be counted first.
    """
    regimen = await regimens.lock(session, subject.resident_id, regimen_id)
    unit = await _unit(session, regimen)
    stock = await _find(session, regimen)
    if stock is None or stock.unit != unit:
        raise StockNotKept
    if stock.on_hand + data.quantity > MOST_ON_HAND:
        raise Malformed(errors=[FieldError("/body/quantity", "more than anybody keeps at home", "out_of_range")])
    stock.on_hand += data.quantity
    return await _enter(session, actor, stock, "refill", data.quantity)


async def look(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Project when stocks run out, and tell people of those that do within the days they wanted to know before.

    The day is the resident's.
    """
    now = clock.now()
    rows = await views.stocks(await session.connection(), ids, now)
    ends = views.run_outs(rows, now)
    low = {
        row.stock_id: end.astimezone(ZoneInfo(row.zone)).date()
        for row in rows
        if (end := ends[row.stock_id]) is not None and end - now <= timedelta(days=row.remind_days)
    }
    await session.execute(_LOOKED_AT, {"stock_ids": list(ids), "again": now + LOOKED_AT_EVERY})
    await telling.tell_of_low_stocks(session, low)


async def _find(session: AsyncSession, regimen: Regimen) -> MedicationStock | None:
    statement = sa.select(MedicationStock).where(col(MedicationStock.regimen_id) == regimen.id)
    found: MedicationStock | None = await session.scalar(
        statement.with_for_update().execution_options(populate_existing=True)
    )
    return found


async def _unit(session: AsyncSession, regimen: Regimen) -> str:
    if regimen.state == "stopped":
        raise RegimenStopped
    return (await session.get_one(RegimenVersion, regimen.version_id)).unit


async def _enter(
    session: AsyncSession, actor: Actor, stock: MedicationStock, kind: str, quantity: Decimal
) -> StockEntry:
    """Write down who brought or counted how much; running low is told anew."""
    now = clock.now()
    stock.round += 1
    stock.check_at = now
    entry = StockEntry(
        id=clock.new_id(),
        regimen_id=stock.regimen_id,
        resident_id=stock.resident_id,
        kind=kind,
        quantity=quantity,
        on_hand=stock.on_hand,
        unit=stock.unit,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(entry)
    await session.flush()
    wakeups.request(session, CHANNEL)
    await audit.record(
        session,
        actor,
        f"medication_stock:{kind}",
        resident_id=stock.resident_id,
        object_id=stock.regimen_id,
        community_id=stock.community_id,
    )
    return entry
