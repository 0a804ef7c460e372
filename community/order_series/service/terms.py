"""What one occurrence of a series costs, on each kind of day, as of now."""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.wall_time import resolve
from app.dispatch.api import Place
from app.identity.api import ResidentSubject, community, homes, local_calendar
from community.housekeeping import service as tariffs
from community.housekeeping.access import require_offer
from community.housekeeping.rules import Wish, price
from community.housekeeping.schemas import QuoteRequest
from community.housekeeping.views import tariff_of
from community.order_series.problems import TermsChanged
from community.order_series.rules import DAYS, FURTHEST, LONGEST, Rhythm, Slot, slots
from community.order_series.schemas import Agreement, SeriesPreview, SeriesTerms, SeriesWish, Totals
from community.order_series.views.series import previewed
from community.orders.problems import HomeNotOnMap

_PREVIEWED: Final = 10


async def terms_of(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, wish: dict[str, Any], at: datetime
) -> tuple[SeriesTerms, Any]:
    """Return the terms of what is wanted (offer, duration, options), and the offer they are of.

    Raises ``NotFound``, ``NotOfferedSo``, ``HomeNotOnMap``.
    """
    home = (await homes(connection, [subject.resident_id]))[subject.resident_id]
    if home.latitude is None or home.longitude is None:
        raise HomeNotOnMap
    offer = await require_offer(connection, actor, wish["offer_id"])
    request = QuoteRequest(
        starts_at=at,
        latitude=home.latitude,
        longitude=home.longitude,
        duration=wish["duration"],
        options=wish["options"],
    )
    quote = await tariffs.quote_of(connection, offer, request)
    options = {option.code: option.quantity for option in request.options}
    place = Place(home.latitude, home.longitude)
    tariff = tariff_of(offer)
    totals = {day: price(tariff, Wish(request.duration, options, day, place)).total for day in DAYS}
    terms = SeriesTerms(
        offer_version=offer.version,
        totals=Totals(**totals),
        currency=offer.currency,
        duration=quote.duration,
        notice_period=offer.notice_period,
        late_percent=offer.late_percent,
    )
    return terms, offer


def require_agreed(terms: SeriesTerms, agreed: Agreement) -> None:
    """Raise ``TermsChanged`` unless somebody agreed to these very terms."""
    if (terms.offer_version, terms.totals) != (agreed.offer_version, agreed.totals):
        raise TermsChanged(terms=terms.model_dump(mode="json"))


async def rhythm(connection: AsyncConnection, subject: ResidentSubject, wish: SeriesWish) -> Rhythm:
    """Return when what is wanted recurs, on the community's wall unless another is named."""
    time_zone = wish.time_zone or (await community(connection, subject.community_id)).time_zone
    return Rhythm(
        rrule=wish.rrule,
        begins=wish.begins_at(),
        time_zone=time_zone,
        starts_on=wish.starts_on,
        counts_from=wish.starts_on,
        ends_on=wish.last_day(),
        holidays=wish.holidays,
    )


async def first_slots(
    connection: AsyncConnection, subject: ResidentSubject, of: Rhythm, count: int
) -> tuple[list[Slot], dict[date, bool]]:
    """Return the first occurrences that are ahead, and the calendar they heed.

    Raises ``Malformed`` if there are none.
    """
    now = clock.now()
    special = await local_calendar(connection, subject.community_id, now.date(), (now + LONGEST).date())
    calendar = {one.day: one.is_workday for one in special}
    found: list[Slot] = []
    # Most series have enough of them within weeks; the rarest are looked for as long as one may take.
    for ahead in (FURTHEST * 4, LONGEST / 2):
        found = slots(of, now, max(now, resolve(of.starts_on, of.begins, of.time_zone)) + ahead, calendar)
        if len(found) >= count:
            break
    if not found:
        raise Malformed(errors=[FieldError("/body/rrule", "nothing of it is ahead", "nothing_ahead")])
    return found[:count], calendar


async def preview(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, wish: SeriesWish
) -> SeriesPreview:
    """Return what would be agreed and when it would take place first; raises what ``terms_of`` raises."""
    when = await rhythm(connection, subject, wish)
    found, calendar = await first_slots(connection, subject, when, _PREVIEWED)
    asked = wish.model_dump(include={"offer_id", "duration", "options"})
    terms, _ = await terms_of(connection, actor, subject, asked, found[0].starts_at)
    here = (await community(connection, subject.community_id)).time_zone
    return SeriesPreview(terms=terms, occurrences=previewed(found, here, calendar))
