"""What help would cost at a resident's own home, with what programmes would pay of it; nothing is promised by it."""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing import api as billing
from app.core.access import Actor
from app.identity.api import ResidentSubject, homes
from community.housekeeping import service as tariffs
from community.housekeeping.access import require_offer
from community.housekeeping.schemas import QuoteRequest
from community.orders.problems import HomeNotOnMap
from community.orders.schemas.given import HomeOrderQuote
from community.orders.schemas.shown import HomeOrderQuotePublic, SubsidyShare


async def quote(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, data: HomeOrderQuote
) -> HomeOrderQuotePublic:
    """Return the price at the resident's home and who would pay it as of now.

    Raises ``NotFound``, ``NotOfferedSo``, ``HomeNotOnMap``.
    """
    offer = await require_offer(connection, actor, data.offer_id)
    home = (await homes(connection, [subject.resident_id]))[subject.resident_id]
    if home.latitude is None or home.longitude is None:
        raise HomeNotOnMap
    wanted = QuoteRequest(
        starts_at=data.starts_at,
        latitude=home.latitude,
        longitude=home.longitude,
        duration=data.duration,
        options=data.options,
    )
    found = await tariffs.quote_of(connection, offer, wanted)
    split = await billing.subsidy_preview(
        connection, subject.community_id, subject.resident_id, offer.category, data.starts_at, found.total
    )
    shares = [SubsidyShare(programme_id=one.programme_id, amount=one.amount) for one in split.shares]
    return HomeOrderQuotePublic(**found.model_dump(), subsidies=shares, own_amount=split.own_amount)
