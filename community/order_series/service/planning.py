"""Weeks ahead: each occurrence of a series becomes one order, however often it is gone through."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.problems import Forbidden, NotFound
from app.core.wall_time import zone
from app.identity.api import ResidenceEnded, actor_of, homes
from community.order_series import notices, repository, rules
from community.order_series.models import OrderSeries
from community.order_series.rules import Slot, Trouble
from community.order_series.service.booking import TROUBLES, Orderer, book
from community.order_series.service.telling import tell
from community.order_series.views.outlook import Outlook, outlook
from community.orders.access import require_orderer
from community.orders.rules import CancelReason, free_until
from community.orders.service.cancelling import call_off
from community.orders.service.changing import By
from community.orders.service.telling import waiting
from community.workers.views.days import here


async def plan(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Order what is within four weeks and not ordered yet, and tell of what cannot be."""
    for series in await repository.all_locked(session, ids):
        await _plan(session, series, clock.now())
    await session.flush()


async def _plan(session: AsyncSession, series: OrderSeries, now: datetime) -> None:
    connection = await session.connection()
    if series.ends_on is not None and now.astimezone(zone(series.time_zone)).date() > series.ends_on + rules.FURTHEST:
        close(series, "over", now)
        return
    series.plan_at = now + rules.ROUND
    ahead = await outlook(connection, series, now + rules.HORIZON + rules.ROUND)
    missing = [slot for slot in ahead.slots if _is_missing(ahead, slot)]
    if not missing:
        series.trouble = None
        return
    try:
        by = await _orderer(session, series)
    except ResidenceEnded:
        close(series, "closed", now)
        return
    left: dict[Slot, Trouble] = dict.fromkeys(missing, "orderer")
    if by is not None:
        await _follow_worker(session, series, missing[0])
        left = await _order(session, by, series, missing, ahead)
    await _note(session, series, ahead, missing, left, now)


async def _orderer(session: AsyncSession, series: OrderSeries) -> Orderer | None:
    """Return who agreed on a series, if they may still order; raises ``ResidenceEnded``."""
    connection = await session.connection()
    actor = await actor_of(connection, series.ordered_by)
    if actor is None:
        return None
    try:
        subject = await require_orderer(connection, actor, series.resident_id)
    except (Forbidden, NotFound):
        return None
    return Orderer(actor, subject, (await homes(connection, [series.resident_id]))[series.resident_id])


def _is_missing(ahead: Outlook, slot: Slot) -> bool:
    if slot.day in ahead.orders or rules.is_paused(ahead.pauses, slot.starts_at):
        return False
    day = ahead.days.get(slot.day)
    return day is None or not day.is_skipped


async def _order(
    session: AsyncSession, by: Orderer, series: OrderSeries, missing: Iterable[Slot], ahead: Outlook
) -> dict[Slot, Trouble]:
    """Order occurrences, each by itself; return those that could not be, and why."""
    left: dict[Slot, Trouble] = {}
    for slot in missing:
        try:
            # What was done for one of them is undone where something speaks against it.
            async with session.begin_nested():
                await session.connection()  # the savepoint is set by the first use of it, and hot statements go past
                await book(session, by, series, slot, ahead.days.get(slot.day))
        except tuple(TROUBLES) as problem:
            left[slot] = next(why for kind, why in TROUBLES.items() if isinstance(problem, kind))
    return left


async def _note(
    session: AsyncSession,
    series: OrderSeries,
    ahead: Outlook,
    missing: Sequence[Slot],
    left: dict[Slot, Trouble],
    now: datetime,
) -> None:
    """Keep why what is ordered is not, and tell of it: when it begins, and again when it comes near."""
    for slot in missing:
        day = ahead.days.get(slot.day)
        if (None if day is None else day.trouble) != left.get(slot):
            await repository.set_day(session, series, slot.day, trouble=left.get(slot))
    # What the resident has ordered by themselves needs nobody to hear of it.
    left = {slot: why for slot, why in left.items() if why != "taken"}
    before, series.trouble = series.trouble, next(iter(left.values()), None)
    await session.flush()
    told = await waiting(session, series)
    for slot in left:
        if series.trouble != before:
            notice = notices.PRICE if series.trouble == "price" else notices.STOPPED
            await tell(session, notice, series, told, f"{series.trouble}:{series.version}", slot.starts_at)
            break
    for slot in left:
        if slot.starts_at - now <= rules.URGENT:
            await tell(session, notices.NOT_ORDERED, series, told, f"missing:{slot.day}", slot.starts_at)


async def _follow_worker(session: AsyncSession, series: OrderSeries, slot: Slot) -> None:
    """Wish for whoever came first, where nobody was named; give up who works for the provider no more, and tell."""
    if series.wished_worker_id is None:
        if series.keeps_worker:
            series.wished_worker_id = await repository.first_worker(session, series.id)
        if series.wished_worker_id is None:
            return
    if series.wished_worker_id not in await here(await session.connection(), series.organization_id):
        told = await waiting(session, series)
        occasion = f"worker:{series.wished_worker_id}"
        series.wished_worker_id, series.keeps_worker = None, False
        await tell(session, notices.WORKER_GONE, series, told, occasion, slot.starts_at)


def close(series: OrderSeries, why: str, now: datetime) -> None:
    """End a locked series; what is ordered stays ordered."""
    series.state, series.plan_at, series.ended_at, series.end_reason, series.trouble = "ended", None, now, why, None


async def release(
    session: AsyncSession, by: By, series: OrderSeries, reason: CancelReason = "series", *, all_of_it: bool = False
) -> None:
    """Call off what is ordered of a series and not as it is now: another time, skipped, paused; or ``all_of_it``.

    What is too near to be called off freely stays; for an absence nothing is too near, and nothing is owed.
    """
    orders = await repository.open_orders(session, series.id)
    if not orders:
        return
    now = clock.now()
    ahead = await outlook(await session.connection(), series, max(order.starts_at for order in orders) + rules.FURTHEST)
    times = {slot.occurrence_at: slot for slot in ahead.slots}
    for order in orders:
        slot = times.get(order.occurrence_at) if order.occurrence_at is not None else None
        if reason == "away":
            is_odd = rules.is_paused(ahead.pauses, order.starts_at)
        else:
            fits = slot is not None and slot.starts_at == order.wanted_at and _takes_place(ahead, slot)
            is_odd = (all_of_it or not fits) and is_free(order, now)
        if is_odd:
            await call_off(session, by, order, reason)


def _takes_place(ahead: Outlook, slot: Slot) -> bool:
    day = ahead.days.get(slot.day)
    return not rules.is_paused(ahead.pauses, slot.starts_at) and (day is None or not day.is_skipped)


def is_free(order: Any, now: datetime) -> bool:
    """Say whether an order can be called off at no cost."""
    return order.state == "held" or now < free_until(order.wanted_at, order.starts_at, order.notice_period)
