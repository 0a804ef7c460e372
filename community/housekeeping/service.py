"""Use cases of the catalogue and of prices: kept by the operator and by providers, asked for by everybody."""

import uuid
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.routing import check_version
from app.dispatch.api import Place
from app.identity.api import community
from app.media.api import Purpose, attach
from community.housekeeping import repository, views
from community.housekeeping.access import require_offer, require_provider
from community.housekeeping.models import PHOTOS, HomeService, ServiceOffer
from community.housekeeping.problems import NotOfferedSo, OfferExists, ServiceExists
from community.housekeeping.rules import NotSoldSoError, Wish, hundredths, price
from community.housekeeping.schemas import (
    HomeServiceCreate,
    HomeServiceWrite,
    QuoteLine,
    QuotePublic,
    QuoteRequest,
    ServiceOfferCreate,
    ServiceOfferWrite,
)

Row = TypeVar("Row", HomeService, ServiceOffer)

_WHY: Final = {
    "area": ("/body/latitude", "the provider does not come there"),
    "duration": ("/body/duration", "it is not offered for so long"),
    "option": ("/body/options", "there is no such option"),
    "quantity": ("/body/options", "not so often"),
}


async def add_service(session: AsyncSession, actor: Actor, data: HomeServiceCreate) -> HomeService:
    """Add a service to the community's catalogue; raises ``ServiceExists``, and what ``attach`` raises of a photo."""
    row = HomeService(community_id=actor.community_id, **_service_values(data))
    if not await repository.add(session, row):
        raise ServiceExists
    await _attach(session, actor, row.id, data.photo_ids)
    await audit.record(session, actor, "home_service:add", object_id=row.id)
    return row


async def set_service(
    session: AsyncSession, actor: Actor, service_id: uuid.UUID, data: HomeServiceWrite, if_match: int | None
) -> HomeService:
    """Say what a service consists of from now on; raises ``NotFound``, ``StaleVersion``, and as ``add_service``."""
    row = await repository.locked_service(session, actor.community_id, service_id)
    check_version(row, if_match)
    await _attach(session, actor, row.id, [one for one in data.photo_ids if one not in row.photo_ids])
    return await _set(session, actor, row, _service_values(data), "home_service:set")


async def add_offer(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: ServiceOfferCreate
) -> ServiceOffer:
    """Let a provider offer a service; raises ``NotAProvider``, ``OfferExists``, ``Malformed``."""
    connection = await session.connection()
    await require_provider(connection, actor, organization_id)
    await _check_currency(connection, actor, data)
    service = await session.get(HomeService, data.service_id)
    if service is None or service.community_id != actor.community_id or not service.is_active:
        raise Malformed(errors=[FieldError("/body/service_id", "there is no such service here", "unknown_id")])
    row = ServiceOffer(
        community_id=actor.community_id,
        organization_id=organization_id,
        service_id=data.service_id,
        **_offer_values(data),
    )
    if not await repository.add(session, row):
        raise OfferExists
    await audit.record(session, actor, "service_offer:add", object_id=row.id)
    return row


async def set_offer(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    offer_id: uuid.UUID,
    data: ServiceOfferWrite,
    if_match: int | None,
) -> ServiceOffer:
    """Say what a provider takes from now on; raises ``NotFound``, ``StaleVersion``, ``Malformed``."""
    row = await repository.locked_offer(session, organization_id, offer_id)
    check_version(row, if_match)
    await _check_currency(await session.connection(), actor, data)
    return await _set(session, actor, row, _offer_values(data), "service_offer:set")


async def quote(connection: AsyncConnection, actor: Actor, offer_id: uuid.UUID, data: QuoteRequest) -> QuotePublic:
    """Return what a visit would cost; raises ``NotFound``, ``NotOfferedSo``."""
    offer = await require_offer(connection, actor, offer_id)
    return await quote_of(connection, offer, data)


async def quote_of(connection: AsyncConnection, offer: Any, data: QuoteRequest) -> QuotePublic:
    """Return what a visit would cost under an offer the actor may see; raises ``NotOfferedSo``."""
    day = await views.kind_of_day(connection, offer.community_id, data.starts_at, offer.time_zone)
    wanted = {option.code: option.quantity for option in data.options}
    try:
        found = price(views.tariff_of(offer), Wish(data.duration, wanted, day, Place(data.latitude, data.longitude)))
    except NotSoldSoError as error:
        pointer, detail = _WHY[error.odds]
        if error.code is not None:
            pointer += f"/{list(wanted).index(error.code)}"
        raise NotOfferedSo(errors=[FieldError(pointer, detail, f"not_offered_{error.odds}")]) from None
    lines = [QuoteLine(kind=one.kind, code=one.code, quantity=one.quantity, amount=one.amount) for one in found.lines]
    return QuotePublic(
        offer_id=offer.id,
        offer_version=offer.version,
        day=day,
        starts_at=data.starts_at,
        duration=found.duration,
        lines=lines,
        total=found.total,
        currency=offer.currency,
        free_until=data.starts_at - offer.notice_period,
        late_fee=hundredths(found.total, offer.late_percent),
    )


async def _attach(session: AsyncSession, actor: Actor, service_id: uuid.UUID, photo_ids: list[uuid.UUID]) -> None:
    for photo_id in photo_ids:
        # A picture of a service is nobody's data: it stays when who uploaded it goes.
        await attach(
            session, actor, photo_id, purpose=Purpose.PHOTO, kind=PHOTOS, object_id=service_id, about_id=service_id
        )


def _service_values(data: HomeServiceWrite) -> dict[str, Any]:
    values = data.model_dump(mode="python")
    return values | {"description": data.description or {}}


def _offer_values(data: ServiceOfferWrite) -> dict[str, Any]:
    plain = data.model_dump(mode="python", exclude={"service_id", "areas", "options"})
    kept = data.model_dump(mode="json", include={"areas", "options"})
    return plain | kept | {"longest": data.longest or data.shortest}


async def _check_currency(connection: AsyncConnection, actor: Actor, data: ServiceOfferWrite) -> None:
    """Raise ``Malformed`` for another currency than the community's: one bill is in one."""
    known = (await community(connection, actor.community_id)).currency
    if data.currency != known:
        raise Malformed(errors=[FieldError("/body/currency", f"prices here are in {known}", "currency")])


async def _set(session: AsyncSession, actor: Actor, row: Row, values: dict[str, Any], action: str) -> Row:
    for name, value in values.items():
        setattr(row, name, value)
    await session.flush()
    await audit.record(session, actor, action, object_id=row.id)
    return row
