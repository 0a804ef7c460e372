"""A series is agreed on, changed from a day on or as a whole, agreed to anew where its price rose, and ended."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.core.sealing import seal, unseal
from app.core.wall_time import zone
from app.identity.api import ResidentSubject
from community.order_series import notices, repository, rules
from community.order_series.models import DOOR_CODE, INSTRUCTIONS, OrderSeries
from community.order_series.problems import OccurrenceBound
from community.order_series.schemas import Agreement, SeriesChange, SeriesTerms, SeriesWrite
from community.order_series.service import planning
from community.order_series.service.booking import wanted
from community.order_series.service.telling import tell
from community.order_series.service.terms import first_slots, require_agreed, rhythm, terms_of
from community.order_series.views.outlook import rhythm_of
from community.orders import models as orders
from community.orders.rules import AUTHORIZED_FROM
from community.orders.service.changing import By
from community.orders.service.telling import provider
from community.workers.views.days import worker_of

_REMADE = ("offer_id", "duration", "options", "flexibility", "payment_method")
"""What an order is made of: where it changes, it is ordered anew."""


async def create(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: SeriesWrite) -> OrderSeries:
    """Agree on help that recurs; its orders are made weeks ahead of each occurrence.

    Raises ``TermsChanged`` with the terms that hold, ``Malformed``, ``NotFound``, ``NotOfferedSo``, ``HomeNotOnMap``.
    """
    _require_ahead(data, clock.now())
    series, first = await _agreed(session, actor, subject, data)
    session.add(series)
    await session.flush()
    await _record(session, actor, "order_series:create", series)
    await _announce(session, series, first)
    return series


async def change(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    series_id: uuid.UUID,
    data: SeriesChange,
    if_match: int | None,
) -> OrderSeries:
    """Change a series: as a whole, or from a day on, where it is split; return what goes on.

    What is ordered is ordered anew where it changes, if it can still be called off freely. As a whole, what is too near
    for that stays as it is. From a day on, nothing of that day or later may be too near. Raises what ``create`` raises,
    ``StaleVersion``, ``SeriesEnded``, ``OccurrenceBound``.
    """
    series = await repository.locked(session, subject.resident_id, series_id)
    check_version(series, if_match)
    _require_ahead(data, clock.now(), since=None if data.scope == "following" else series.starts_on)
    wanted_one, first = await _agreed(session, actor, subject, data)
    if wanted_one.rrule == series.rrule and rules.recurs_on(rhythm_of(series), wanted_one.starts_on):
        wanted_one.counts_from = series.counts_from
    if data.scope == "following" and data.starts_on > series.starts_on:
        return await _split(session, actor, series, wanted_one, first)
    is_remade = any(getattr(series, name) != getattr(wanted_one, name) for name in _REMADE)
    await _take_over(session, actor, series, wanted_one)
    await planning.release(session, By("resident", actor), series, all_of_it=is_remade)
    await _refresh_orders(session, series)
    await _record(session, actor, "order_series:change", series)
    return series


async def _split(
    session: AsyncSession, actor: Actor, series: OrderSeries, following: OrderSeries, first: datetime
) -> OrderSeries:
    now, day = clock.now(), following.starts_on
    for order in await repository.open_orders(session, series.id):
        at = order.occurrence_at
        is_later = at is not None and at.astimezone(zone(series.time_zone)).date() >= day
        if is_later and not planning.is_free(order, now):
            raise OccurrenceBound(order_id=str(order.id))
    before, _ = rules.split(rhythm_of(series), day)
    following.follows_id = series.id
    if following.wished_worker_id is None and following.keeps_worker:
        following.wished_worker_id = await repository.first_worker(session, series.id)
    session.add(following)
    series.ends_on = before.ends_on
    await session.flush()
    await planning.release(session, By("resident", actor), series)
    await repository.carry_days(session, series.id, following.id, day)
    await repository.carry_pauses(session, series.id, following.id)
    await session.refresh(following)
    await _record(session, actor, "order_series:split", following)
    await _announce(session, following, first)
    return following


async def agree(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, series_id: uuid.UUID, data: Agreement
) -> OrderSeries:
    """Agree to the terms that hold by now; what was not ordered for them is ordered.

    Whoever agrees takes over a series whose orderer may not order any more. Raises ``TermsChanged``, ``SeriesEnded``,
    ``NotFound``, ``NotOfferedSo``, ``HomeNotOnMap``.
    """
    series = await repository.locked(session, subject.resident_id, series_id)
    wish = {"offer_id": series.offer_id, **wanted(series, None)}
    terms, _ = await terms_of(await session.connection(), actor, subject, wish, clock.now() + timedelta(days=1))
    require_agreed(terms, data)
    _set_terms(series, terms)
    if series.trouble == "orderer":
        series.ordered_by = actor.id
    _wake(session, series)
    await session.flush()
    await _record(session, actor, "order_series:agree", series)
    return series


async def end(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, series_id: uuid.UUID, if_match: int | None
) -> None:
    """End a series: what is ordered of it and can be called off freely is; what is nearer stays.

    Raises ``NotFound``, ``SeriesEnded``, ``StaleVersion``.
    """
    series = await repository.locked(session, subject.resident_id, series_id)
    check_version(series, if_match)
    await planning.release(session, By("resident", actor), series, all_of_it=True)
    planning.close(series, "ended", clock.now())
    await session.flush()
    await _record(session, actor, "order_series:end", series)


async def _agreed(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, data: SeriesWrite
) -> tuple[OrderSeries, datetime]:
    """Return a series as it is agreed, not kept yet, and when it begins."""
    connection = await session.connection()
    when = await rhythm(connection, subject, data)
    found, _ = await first_slots(connection, subject, when, 1)
    first = found[0].starts_at
    terms, offer = await terms_of(connection, actor, subject, data.model_dump(mode="python"), first)
    require_agreed(terms, data.agreed)
    if data.wished_worker_id is not None:
        try:
            await worker_of(connection, offer.organization_id, data.wished_worker_id)
        except NotFound:
            error = FieldError("/body/wished_worker_id", "nobody of this provider", "unknown_id")
            raise Malformed(errors=[error]) from None
    series = OrderSeries(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        ordered_by=actor.id,
        organization_id=offer.organization_id,
        rrule=when.rrule,
        begins=when.begins,
        time_zone=when.time_zone,
        starts_on=when.starts_on,
        counts_from=when.counts_from,
        ends_on=when.ends_on,
        options={option.code: option.quantity for option in data.options},
        instructions=seal(data.instructions, INSTRUCTIONS) if data.instructions else None,
        door_code=seal(data.door_code, DOOR_CODE) if data.door_code else None,
        plan_at=clock.now(),
        **data.model_dump(include=_PLAIN),
    )
    _set_terms(series, terms)
    return series, first


_PLAIN = {
    "offer_id",
    "holidays",
    "duration",
    "flexibility",
    "wished_worker_id",
    "keeps_worker",
    "wished_languages",
    "wished_sex",
    "payment_method",
    "payment_method_id",
}
_OF_AGREEMENT = (
    *sorted(_PLAIN),
    *("ordered_by", "organization_id", "rrule", "begins", "time_zone", "starts_on", "counts_from", "ends_on"),
    *("options", "instructions", "door_code", "agreed_totals", "currency", "notice_period", "late_percent"),
)


def _set_terms(series: OrderSeries, terms: SeriesTerms) -> None:
    series.agreed_totals = terms.totals.model_dump()
    series.currency = terms.currency
    series.notice_period, series.late_percent = terms.notice_period, terms.late_percent


async def _take_over(session: AsyncSession, actor: Actor, series: OrderSeries, wanted_one: OrderSeries) -> None:
    """Let a series be as it is wanted now."""
    for name in _OF_AGREEMENT:
        setattr(series, name, getattr(wanted_one, name))
    series.ordered_by = actor.id
    _wake(session, series)
    await session.flush()


async def _refresh_orders(session: AsyncSession, series: OrderSeries) -> None:
    """Tell whoever comes to what is ordered already what is said now; another card pays what is not promised yet."""
    now = clock.now()
    told = unseal(series.instructions, INSTRUCTIONS) if series.instructions else None
    door = unseal(series.door_code, DOOR_CODE) if series.door_code else None
    for order in await repository.open_orders(session, series.id):
        order.instructions = seal(told, orders.INSTRUCTIONS) if told else None
        order.door_code = seal(door, orders.DOOR_CODE) if door else None
        order.wished_worker_id, order.wished_languages = series.wished_worker_id, series.wished_languages
        order.wished_sex = series.wished_sex
        if order.authorize_at is not None and order.payment_method_id != series.payment_method_id:
            order.payment_method_id, order.ordered_by = series.payment_method_id, series.ordered_by
            order.authorize_at = max(now, order.starts_at - AUTHORIZED_FROM)
    await session.flush()


def _require_ahead(data: SeriesWrite, now: datetime, *, since: Any = None) -> None:
    """Raise ``Malformed`` for what would begin before yesterday; ``since``: it began then, and may stay so."""
    if data.starts_on < now.date() - timedelta(days=1) and data.starts_on != since:
        raise Malformed(errors=[FieldError("/body/starts_on", "has passed", "in_the_past")])


async def _announce(session: AsyncSession, series: OrderSeries, first: datetime) -> None:
    wakeups.request(session, repository.CHANNEL)
    await tell(session, notices.NEW, series, await provider(session, series), "new", first)


def _wake(session: AsyncSession, series: OrderSeries) -> None:
    series.plan_at = clock.now()
    wakeups.request(session, repository.CHANNEL)


async def _record(session: AsyncSession, actor: Actor, action: str, series: OrderSeries) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=series.resident_id,
        object_id=series.id,
        community_id=series.community_id,
    )
