"""One occurrence becomes an order, at no more than was agreed, on no harder terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.api import PaymentMethodUnusable
from app.core.access import Actor
from app.core.problems import Malformed, NotFound, Problem
from app.core.sealing import unseal
from app.identity.api import Home, ResidentSubject
from community.housekeeping import service as tariffs
from community.housekeeping.access import require_offer
from community.housekeeping.problems import NotOfferedSo
from community.housekeeping.schemas import OptionWanted, QuoteRequest
from community.order_series.models import DOOR_CODE, INSTRUCTIONS, OrderSeries
from community.order_series.problems import TermsChanged
from community.order_series.rules import Slot, Trouble
from community.orders.problems import HomeNotOnMap, OrderExists, PriceChanged
from community.orders.schemas.given import OrderCreate
from community.orders.service.placing import Occurrence, place

TROUBLES: Mapping[type[Problem], Trouble] = {
    TermsChanged: "price",
    PriceChanged: "price",
    NotFound: "offer",
    NotOfferedSo: "offer",
    HomeNotOnMap: "home",
    PaymentMethodUnusable: "card",
    OrderExists: "taken",
    Malformed: "offer",
}
"""Why an occurrence is not ordered, by what speaks against it."""


@dataclass(frozen=True, slots=True)
class Orderer:
    """Whoever agreed on a series, for whom, and where they live."""

    actor: Actor
    subject: ResidentSubject
    home: Home


async def book(session: AsyncSession, by: Orderer, series: OrderSeries, slot: Slot, day: Any) -> None:
    """Order an occurrence, as it was changed for its ``day`` if it was; raises one of ``TROUBLES``."""
    connection = await session.connection()
    actor, home = by.actor, by.home
    if home.latitude is None or home.longitude is None:
        raise HomeNotOnMap
    wish = wanted(series, day)
    request = QuoteRequest(starts_at=slot.starts_at, latitude=home.latitude, longitude=home.longitude, **wish)
    offer = await require_offer(connection, actor, series.offer_id)
    quote = await tariffs.quote_of(connection, offer, request)
    agreed = series.agreed_totals[quote.day]
    if day is not None and day.agreed_total is not None:
        agreed = day.agreed_total
    if quote.total > agreed or offer.notice_period > series.notice_period or offer.late_percent > series.late_percent:
        raise TermsChanged
    order = OrderCreate(
        offer_id=series.offer_id,
        offer_version=quote.offer_version,
        total=quote.total,
        starts_at=slot.starts_at,
        flexibility=series.flexibility,
        payment_method=series.payment_method,  # type: ignore[arg-type]  # a check constraint holds it to them
        payment_method_id=series.payment_method_id,
        wished_worker_id=wished_worker(series, day),
        wished_languages=series.wished_languages,
        wished_sex=series.wished_sex,  # type: ignore[arg-type]  # as above
        instructions=unseal(series.instructions, INSTRUCTIONS) if series.instructions else None,
        door_code=unseal(series.door_code, DOOR_CODE) if series.door_code else None,
        **wish,
    )
    await place(session, actor, by.subject, order, Occurrence(series.id, slot.occurrence_at))


def wanted(series: Any, day: Any) -> dict[str, Any]:
    """Return how long it is wanted, and with what more, on a day that may differ."""
    differs = day is not None
    duration = day.duration if differs and day.duration is not None else series.duration
    options = day.options if differs and day.options is not None else series.options
    return {
        "duration": duration,
        "options": [OptionWanted(code=code, quantity=quantity) for code, quantity in options.items()],
    }


def wished_worker(series: Any, day: Any) -> Any:
    """Return the account of whoever should come on a day that may differ."""
    return day.wished_worker_id if day is not None and day.wished_worker_id is not None else series.wished_worker_id
