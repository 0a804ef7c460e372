"""On which terms an organization is paid out, and what the platform keeps: the operator's to say."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.charges.models import PlatformFee
from app.billing.payouts import repository, rules
from app.billing.payouts.models import PayoutTerms
from app.billing.payouts.schemas import TermsGiven
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import StaleVersion
from app.core.routing import check_version
from app.identity.api import community


async def ensure(
    session: AsyncSession, actor: Actor, community_id: uuid.UUID, organization_id: uuid.UUID
) -> PayoutTerms:
    """Give an organization that has none the ordinary terms, and return its own: weekly, a week after a payment."""
    terms = await repository.terms_of(session, organization_id)
    if terms is None:
        first = await _next(session, community_id, "weekly", 1)
        terms = PayoutTerms(
            community_id=community_id, organization_id=organization_id, cut_off_at=first, set_by=actor.id
        )
        session.add(terms)
        await session.flush()
    return terms


async def set_terms(
    session: AsyncSession,
    actor: Actor,
    community_id: uuid.UUID,
    organization_id: uuid.UUID,
    given: TermsGiven,
    version: int | None,
) -> PayoutTerms:
    """Set an organization's terms, which hold from its next cut-off, and return them; raises ``StaleVersion``."""
    terms = await ensure(session, actor, community_id, organization_id)
    check_version(terms, version)
    terms.cadence, terms.day = given.cadence, given.day
    terms.minimum_amount, terms.hold_days = given.minimum_amount, given.hold_days
    terms.cut_off_at = await _next(session, community_id, given.cadence, given.day)
    terms.set_by = actor.id
    await session.flush()
    await audit.record(session, actor, "payout_terms:set", object_id=organization_id, community_id=community_id)
    return terms


async def set_fee(
    session: AsyncSession,
    actor: Actor,
    community_id: uuid.UUID,
    organization_id: uuid.UUID,
    rate: int,
    version: int | None,
) -> PlatformFee:
    """Set what the platform keeps of what is charged for an organization from now on; raises ``StaleVersion``."""
    fee = await repository.fee_of(session, organization_id)
    if fee is None:
        if version is not None:
            raise StaleVersion
        fee = PlatformFee(community_id=community_id, organization_id=organization_id, rate=rate, set_by=actor.id)
        session.add(fee)
    else:
        check_version(fee, version)
        fee.rate, fee.set_by = rate, actor.id
    await session.flush()
    await audit.record(session, actor, "platform_fee:set", object_id=organization_id, community_id=community_id)
    return fee


async def _next(session: AsyncSession, community_id: uuid.UUID, cadence: rules.Cadence, day: int) -> datetime:
    zone = (await community(await session.connection(), community_id)).time_zone
    return rules.next_cut_off(clock.now(), cadence, day, zone)
