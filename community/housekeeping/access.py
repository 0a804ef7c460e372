"""Who may do what with services: the operator keeps the catalogue, providers their prices, everybody sees both."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import NotFound
from app.core.statements import HotStatement
from app.identity.api import Member, member_guard, organization_name, organizations_named, zone_of_community
from community.housekeeping.models import OFFERS, SERVICES
from community.housekeeping.problems import NotAProvider

Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
"""Whoever keeps the community's catalogue."""

Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
"""Whoever keeps what the provider of the path offers, or oversees it."""

_PROVIDERS: Final = ("provider", "care_agency")

_SERVICE: Final = HotStatement(
    sa.select(SERVICES).where(
        SERVICES.c.id == sa.bindparam("service_id", type_=sa.Uuid),
        SERVICES.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
    )
)
_OFFER: Final = HotStatement(
    sa.select(
        OFFERS,
        *(SERVICES.c[name] for name in ("category", "skills", "certificates", "checklist")),
        organization_name(OFFERS.c.organization_id).label("provider"),
        zone_of_community(OFFERS.c.community_id).label("time_zone"),
    )
    .join(SERVICES, SERVICES.c.id == OFFERS.c.service_id)
    .where(
        OFFERS.c.id == sa.bindparam("offer_id", type_=sa.Uuid),
        OFFERS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        OFFERS.c.is_active,
        SERVICES.c.is_active,
    )
)


async def require_service(connection: AsyncConnection, actor: Actor, service_id: uuid.UUID) -> Any:
    """Return a service of the actor's community; raises ``NotFound``."""
    binds = {"service_id": service_id, "community_id": actor.community_id}
    rows = await _SERVICE.rows(connection, binds)
    if not rows:
        raise NotFound
    return rows[0]


async def require_offer(connection: AsyncConnection, actor: Actor, offer_id: uuid.UUID) -> Any:
    """Return an offer that is made in the actor's community, with what its service asks for, who makes it and on whose
    wall it is; raises ``NotFound``, also for one that is put aside.
    """
    binds = {"offer_id": offer_id, "community_id": actor.community_id}
    rows = await _OFFER.rows(connection, binds)
    if not rows:
        raise NotFound
    return rows[0]


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """Of which category an offer is, and how long it can be had for: ``shortest`` alone by the visit."""

    category: str
    unit: str
    shortest: timedelta
    longest: timedelta
    step: timedelta


async def offer_terms(connection: AsyncConnection, actor: Actor, offer_id: uuid.UUID) -> OfferTerms:
    """Return what an offer is of, and how long it can be had for; raises ``NotFound``."""
    offer = await require_offer(connection, actor, offer_id)
    return OfferTerms(offer.category, offer.unit, offer.shortest, offer.longest, offer.step)


async def require_provider(connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID) -> None:
    """Raise ``NotAProvider`` unless the organization sends people to homes."""
    known = await organizations_named(connection, actor.community_id, [organization_id])
    if organization_id not in known or known[organization_id].kind not in _PROVIDERS:
        raise NotAProvider
