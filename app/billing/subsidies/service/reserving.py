"""What programmes promise for an order, pay when it is done, and get back."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.charges.models import Charge
from app.billing.charges.service import counting as charges
from app.billing.subsidies import repository, views
from app.billing.subsidies.models import SubsidyUse
from app.billing.subsidies.rules import Terms, in_order
from app.core.database import connection_of, flushed


@dataclass(frozen=True, slots=True)
class Claim:
    """For what programmes are to pay."""

    authorization_id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    category: str
    currency: str
    service_at: datetime


async def reserve_first(session: AsyncSession, claim: Claim, amount: int) -> int:
    """Reserve what programmes pay of ``amount`` for what they have promised nothing yet; return how much that is."""
    return await _reserve(session, claim, amount, at_most=amount, uses=())


async def reserve(session: AsyncSession, claim: Claim, amount: int, *, at_most: int) -> int:
    """Reserve what programmes pay of ``amount`` beyond what they have promised for it, ``at_most`` so much more.

    Returns how much more is promised now. Several orders at once take from one budget in turn, and no more than is
    there: what is gone when it is an order's turn stays the resident's own share.
    """
    uses = await repository.lock_uses(session, claim.authorization_id)
    return await _reserve(session, claim, amount, at_most=at_most, uses=uses)


async def _reserve(
    session: AsyncSession, claim: Claim, amount: int, *, at_most: int, uses: Iterable[SubsidyUse]
) -> int:
    connection = connection_of(session)
    found = await views.offers(
        connection, claim.community_id, claim.resident_id, claim.category, claim.service_at, claim.currency
    )
    known = {use.programme_id: use for use in uses}
    remaining, more = amount, 0
    for one in sorted(found, key=lambda entitled: in_order(entitled.offer.kind, entitled.offer.programme_id)):
        use = known.get(one.offer.programme_id)
        promised = use.amount if use else 0
        wanted = min(one.offer.terms.of(remaining) - promised, at_most - more)
        taken = 0
        # Under an entitlement that another one follows, nothing more is promised.
        if wanted > 0 and (use is None or use.entitlement_id == one.entitlement_id):
            taken = await repository.take(
                session,
                programme_id=one.offer.programme_id,
                entitlement_id=one.entitlement_id,
                resident_id=claim.resident_id,
                month=one.month,
                month_limit=one.month_limit,
                once_limit=one.once_limit,
                wanted=wanted,
            )
        if taken and use is not None:
            use.amount, use.state = use.amount + taken, "reserved"
            use.rate, use.order_cap = one.offer.terms.rate, one.offer.terms.order_cap
        elif taken:
            session.add(_use(claim, one, taken))
        remaining -= promised + taken
        more += taken
    await flushed(session)
    return more


async def pay(session: AsyncSession, charge: Charge, authorization_id: uuid.UUID, by: uuid.UUID) -> None:
    """Turn what was promised into payments of a locked charge, as the terms say; let go of the rest.

    Never more than was promised, whatever it came to.
    """
    remaining = charges.open_amount(charge)
    for use in await repository.lock_uses(session, authorization_id):
        if use.state != "reserved":
            continue
        paid = min(use.amount, Terms(use.rate, use.order_cap).of(remaining))
        await repository.give_back(session, use, use.amount - paid)
        use.amount, use.state = paid, "used" if paid else "released"
        await session.flush()
        if paid:
            what = charges.Paid("subsidy", paid, use.id, by, programme_id=use.programme_id)
            await charges.take_payment(session, charge, what)
            remaining -= paid


async def release(session: AsyncSession, authorization_id: uuid.UUID) -> None:
    """Let go what programmes promised for something that is not done."""
    for use in await repository.lock_uses(session, authorization_id):
        if use.state == "reserved":
            await repository.give_back(session, use, use.amount)
            use.amount, use.state = 0, "released"
    await session.flush()


async def give_back(session: AsyncSession, use_id: uuid.UUID, amount: int) -> None:
    """Give back a part of what a programme paid: it is there again for whoever needs it next."""
    use = await repository.lock_use(session, use_id)
    await repository.give_back(session, use, amount)
    use.amount -= amount
    await session.flush()


def _use(claim: Claim, entitled: views.Entitled, amount: int) -> SubsidyUse:
    return SubsidyUse(
        community_id=claim.community_id,
        programme_id=entitled.offer.programme_id,
        entitlement_id=entitled.entitlement_id,
        resident_id=claim.resident_id,
        authorization_id=claim.authorization_id,
        month=entitled.month,
        amount=amount,
        rate=entitled.offer.terms.rate,
        order_cap=entitled.offer.terms.order_cap,
    )
