"""One day of a series: skipped, changed, or as the others again."""

import uuid
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.wall_time import resolve, zone
from app.identity.api import ResidentSubject
from community.housekeeping.views import kind_of_day
from community.order_series import repository
from community.order_series.models import OrderSeries
from community.order_series.problems import NoSuchDay, OccurrenceBound, TermsChanged
from community.order_series.rules import HORIZON, SHOWN
from community.order_series.schemas import DayChange
from community.order_series.service import planning
from community.order_series.service.terms import terms_of
from community.order_series.views.outlook import outlook
from community.orders.service.cancelling import call_off
from community.orders.service.changing import By

_FURTHEST: Final = timedelta(days=7)


async def set_day(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, series_id: uuid.UUID, day: date, data: DayChange
) -> OrderSeries:
    """Skip a day of a series, or have it otherwise; what is ordered for it is called off, and ordered anew.

    Raises ``NotFound``, ``SeriesEnded``, ``NoSuchDay``, ``OccurrenceBound`` where that would not be free,
    ``TermsChanged`` where it costs something else than ``total``, ``Malformed``, ``NotOfferedSo``.
    """
    series = await repository.locked(session, subject.resident_id, series_id)
    starts_at = await _starts_at(session, series, day, data)
    agreed = None
    if not data.is_skipped and (data.duration, data.options) != (None, None):
        agreed = await _agreed(session, actor, subject, series, data, starts_at)
    await _release(session, actor, series, day)
    await repository.set_day(
        session,
        series,
        day,
        is_skipped=data.is_skipped,
        starts_at=starts_at if data.starts_local is not None else None,
        duration=data.duration,
        options=None if data.options is None else {one.code: one.quantity for one in data.options},
        wished_worker_id=data.wished_worker_id,
        agreed_total=agreed,
        trouble=None,
    )
    await _changed(session, actor, series, "order_series:skip" if data.is_skipped else "order_series:change_day")
    return series


async def clear_day(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, series_id: uuid.UUID, day: date
) -> OrderSeries:
    """Have a day as the others again; raises ``NotFound``, ``SeriesEnded``, ``OccurrenceBound``."""
    series = await repository.locked(session, subject.resident_id, series_id)
    await _release(session, actor, series, day)
    if await repository.clear_day(session, series.id, day):
        await _changed(session, actor, series, "order_series:clear_day")
    return series


async def _starts_at(session: AsyncSession, series: OrderSeries, day: date, data: DayChange) -> datetime:
    """Return when a day's occurrence begins, as it is wanted."""
    now = clock.now()
    ahead = await outlook(await session.connection(), series, now + max(SHOWN, HORIZON))
    slot = next((slot for slot in ahead.slots if slot.day == day), None)
    if slot is None:
        raise NoSuchDay
    if data.starts_local is None:
        return slot.starts_at
    wall = data.starts_local
    if abs(wall.date() - day) > _FURTHEST:
        detail = f"at most {_FURTHEST.days} days from the day it is on"
        raise Malformed(errors=[FieldError("/body/starts_local", detail, "too_far")])
    found = resolve(wall.date(), wall.time(), series.time_zone)
    if found <= now:
        raise Malformed(errors=[FieldError("/body/starts_local", "has passed", "in_the_past")])
    return found


async def _agreed(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    series: OrderSeries,
    data: DayChange,
    starts_at: datetime,
) -> int:
    """Return what the day may cost as it is wanted: what it does cost now."""
    connection = await session.connection()
    options = [{"code": code, "quantity": quantity} for code, quantity in series.options.items()]
    wish = {
        "offer_id": series.offer_id,
        "duration": data.duration or series.duration,
        "options": options if data.options is None else data.options,
    }
    terms, _ = await terms_of(connection, actor, subject, wish, starts_at)
    costs: int = getattr(terms.totals, await kind_of_day(connection, series.community_id, starts_at, series.time_zone))
    if data.total != costs:
        raise TermsChanged(terms=terms.model_dump(mode="json"))
    return costs


async def _release(session: AsyncSession, actor: Actor, series: OrderSeries, day: date) -> None:
    """Call off what is ordered for a day, if that is free; raises ``OccurrenceBound``."""
    now, wall = clock.now(), zone(series.time_zone)
    for order in await repository.open_orders(session, series.id):
        at = order.occurrence_at
        if at is not None and at.astimezone(wall).date() == day:
            if not planning.is_free(order, now):
                raise OccurrenceBound(order_id=str(order.id))
            await call_off(session, By("resident", actor), order, "series")


async def _changed(session: AsyncSession, actor: Actor, series: OrderSeries, action: str) -> None:
    series.plan_at = clock.now()
    wakeups.request(session, repository.CHANNEL)
    await session.flush()
    await audit.record(
        session,
        actor,
        action,
        resident_id=series.resident_id,
        object_id=series.id,
        community_id=series.community_id,
    )
