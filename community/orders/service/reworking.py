"""Doing work anew that was not done well: a new order for nothing, at the provider's cost."""

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.problems import FieldError, Malformed
from app.core.sealing import seal
from app.identity.api import ResidenceEnded, active_residents
from community.orders import rules
from community.orders.models import START_CODE, Order
from community.orders.service import paying
from community.orders.service.changing import By, begin
from community.orders.service.placing import enter, start_digest

_AS_BEFORE: Final = (
    *("community_id", "resident_id", "account_id", "ordered_by", "organization_id", "offer_id", "offer_version"),
    *("service_id", "category", "time_zone", "place", "options", "skills", "certificates", "wished_languages"),
    *("wished_sex", "instructions", "door_code", "currency", "notice_period", "checklist"),
)


async def rework(session: AsyncSession, by: By, of: Order, starts_at: datetime) -> Order:
    """Place an order by which another, whose work was not done well, is done anew; return it.

    Raises ``ResidenceEnded`` for who lives here no more, ``OrderExists``, ``Malformed`` for a time that has passed.
    """
    now = clock.now()
    if not now < starts_at <= now + rules.LONGEST_AHEAD:
        detail = f"ahead, and at most {rules.LONGEST_AHEAD.days} days"
        raise Malformed(errors=[FieldError("/body/starts_at", detail, "bad_start")])
    if of.place is None or not await active_residents(await session.connection(), [of.resident_id]):
        raise ResidenceEnded
    row = _anew(of, starts_at, now)
    await begin(session, row, by)
    await paying.authorize(session, row, is_present=False)
    await enter(session, row)
    return row


def _anew(of: Order, starts_at: datetime, now: datetime) -> Order:
    order_id, code = clock.new_id(), f"{secrets.randbelow(1_000_000):06}"
    same: dict[str, Any] = {name: getattr(of, name) for name in _AS_BEFORE}
    return Order(
        id=order_id,
        **same,
        rework_of=of.rework_of or of.id,
        wanted_at=starts_at,
        flexibility=timedelta(),
        starts_at=starts_at,
        ends_at=starts_at + (of.ends_at - of.starts_at),
        start_code=seal(code, START_CODE),
        start_digest=start_digest(order_id, code),
        lines=[],
        total_amount=0,
        payment_method="provider",
        late_percent=0,
        hold_until=rules.hold_ends(now, starts_at),
    )
