"""Ordering: as it was quoted, held until its money is there, placed; what is not paid for in time is let go."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.database import connection_of
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import blind_index, seal
from app.core.wall_time import resolve
from app.identity.api import Home, ResidentSubject, homes
from community.housekeeping import service as tariffs
from community.housekeeping.access import require_offer
from community.housekeeping.schemas import QuotePublic, QuoteRequest
from community.orders import notices, repository, rules
from community.orders.models import DOOR_CODE, INSTRUCTIONS, PLACE, START_CODE, Order
from community.orders.problems import HomeNotOnMap, OrderExists, PriceChanged
from community.orders.schemas.given import OrderCreate
from community.orders.service import paying
from community.orders.service.changing import HEARTHLINE, By, become, begin, change
from community.orders.service.telling import provider, tell, waiting
from community.orders.views.details import Fresh
from community.workers.views.days import worker_of


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Which occurrence of a series an order is."""

    series_id: uuid.UUID
    occurrence_at: datetime


@dataclass(frozen=True, slots=True)
class _Terms:
    """What is agreed: the price, where, and what the offer and its service say as of now."""

    quote: QuotePublic
    home: Home
    offer: Any


async def place(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    data: OrderCreate,
    occurrence: Occurrence | None = None,
) -> Fresh:
    """Order help for a resident, on terms that are still those that were quoted; return the order.

    With a card it is held until the card's bank has answered; what is paid at the door is placed at once. Raises
    ``NotFound``, ``NotOfferedSo``, ``PriceChanged`` with what it would cost now, ``OrderExists``, ``HomeNotOnMap``,
    ``Malformed`` for a time that has passed or a worker who is none of the provider's, and what billing refuses.
    """
    connection = connection_of(session)
    offer = await require_offer(connection, actor, data.offer_id)
    starts_at = _starts_at(data, offer.time_zone, clock.now())
    home = (await homes(connection, [subject.resident_id]))[subject.resident_id]
    if home.latitude is None or home.longitude is None:
        raise HomeNotOnMap
    request = QuoteRequest(
        starts_at=starts_at,
        latitude=home.latitude,
        longitude=home.longitude,
        duration=data.duration,
        options=data.options,
    )
    quote = await tariffs.quote_of(connection, offer, request)
    if (quote.offer_version, quote.total) != (data.offer_version, data.total):
        raise PriceChanged(quote=quote.model_dump(mode="json"))
    if data.wished_worker_id is not None:
        await _require_worker(session, offer.organization_id, data.wished_worker_id)
    row = _order(actor, subject, data, _Terms(quote, home, offer), occurrence)
    # Whoever sends it twice hears of the first, not that there is no money left for a second.
    if known := await repository.same(session, row):
        raise OrderExists(order_id=str(known))
    waits_until, promised = None, None
    if occurrence is not None and row.payment_method == "card":
        waits_until = rules.money_waits_until(clock.now(), row.starts_at)
    if waits_until is None:
        promised = await paying.authorize(session, row, is_present=occurrence is None)
    if promised is None or promised.state == "authorized":
        become(row, "place")
        row.authorize_at = waits_until
    history = await begin(session, row, By("resident", actor) if occurrence is None else HEARTHLINE)
    if row.state == "placed":
        await _tell_placed(session, row)
    return Fresh(row, offer.provider, promised, history)


async def enter(session: AsyncSession, row: Order) -> None:
    """Have a held order placed: its money is there, or is paid at the door. Raises ``OrderNotOpen``."""
    await change(session, row, "place", HEARTHLINE)
    await _tell_placed(session, row)


async def _tell_placed(session: AsyncSession, row: Order) -> None:
    if row.series_id is None:  # of a series people were told as a whole
        await tell(session, notices.PLACED, row, await waiting(session, row), "placed")
        await tell(session, notices.NEW, row, await provider(session, row), "new")


async def expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let go of orders whose money did not come in time; what is authorized later is given back."""
    for row in await repository.all_locked(session, ids):
        await change(session, row, "expire", HEARTHLINE)
        await paying.void(session, row)
        await tell(session, notices.EXPIRED, row, await waiting(session, row), "expired")


def start_digest(order_id: uuid.UUID, code: str) -> bytes:
    """Return what a start code is compared by: nobody who sees it can tell the code, or another order's."""
    return blind_index("community_order.start_code", f"{order_id}:{code}")


def _starts_at(data: OrderCreate, time_zone: str, now: datetime) -> datetime:
    if data.starts_local is not None:
        wall = data.starts_local
        found, pointer = resolve(wall.date(), wall.time(), time_zone), "/body/starts_local"
    elif data.starts_at is not None:
        found, pointer = data.starts_at, "/body/starts_at"
    else:
        raise AssertionError("the schema asks for one of them")
    if found <= now:
        raise Malformed(errors=[FieldError(pointer, "has passed", "in_the_past")])
    if found > now + rules.LONGEST_AHEAD:
        raise Malformed(errors=[FieldError(pointer, f"at most {rules.LONGEST_AHEAD.days} days ahead", "too_far")])
    return found


async def _require_worker(session: AsyncSession, organization_id: uuid.UUID, account_id: uuid.UUID) -> None:
    try:
        await worker_of(connection_of(session), organization_id, account_id)
    except NotFound:
        error = FieldError("/body/wished_worker_id", "nobody of this provider", "unknown_id")
        raise Malformed(errors=[error]) from None


def _order(
    actor: Actor, subject: ResidentSubject, data: OrderCreate, terms: _Terms, occurrence: Occurrence | None
) -> Order:
    order_id, code = clock.new_id(), f"{secrets.randbelow(1_000_000):06}"
    quote, offer = terms.quote, terms.offer
    place = {name: getattr(terms.home, name) for name in ("address", "building", "latitude", "longitude")}
    return Order(
        id=order_id,
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        ordered_by=actor.id,
        organization_id=offer.organization_id,
        offer_id=quote.offer_id,
        offer_version=quote.offer_version,
        service_id=offer.service_id,
        category=offer.category,
        series_id=occurrence.series_id if occurrence else None,
        occurrence_at=occurrence.occurrence_at if occurrence else None,
        wanted_at=quote.starts_at,
        flexibility=data.flexibility,
        starts_at=quote.starts_at,
        ends_at=quote.starts_at + quote.duration,
        time_zone=offer.time_zone,
        place=seal(orjson.dumps(place).decode(), PLACE),
        options={option.code: option.quantity for option in data.options},
        skills=offer.skills,
        certificates=offer.certificates,
        wished_worker_id=data.wished_worker_id,
        wished_languages=data.wished_languages,
        wished_sex=data.wished_sex,
        instructions=seal(data.instructions, INSTRUCTIONS) if data.instructions else None,
        door_code=seal(data.door_code, DOOR_CODE) if data.door_code else None,
        start_code=seal(code, START_CODE),
        start_digest=start_digest(order_id, code),
        lines=[line.model_dump(mode="json") for line in quote.lines],
        total_amount=quote.total,
        currency=quote.currency,
        payment_method=data.payment_method,
        payment_method_id=data.payment_method_id,
        notice_period=offer.notice_period,
        late_percent=offer.late_percent,
        hold_until=rules.hold_ends(clock.now(), quote.starts_at),
        checklist=offer.checklist,
    )
