"""What orders do when something happens elsewhere: money comes or does not, somebody lives here no more."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import (
    AuthorizationFailed,
    AuthorizationLapsed,
    AuthorizationNeedsAction,
    AuthorizationSucceeded,
    ChargePaid,
)
from community.orders import notices, repository, rules
from community.orders.models import Order
from community.orders.rules import REFERENCE
from community.orders.service import paying
from community.orders.service.cancelling import call_off
from community.orders.service.changing import HEARTHLINE, change
from community.orders.service.placing import enter
from community.orders.service.telling import provider, tell, waiting

OfMoney = AuthorizationSucceeded | AuthorizationNeedsAction | AuthorizationFailed | AuthorizationLapsed | ChargePaid


async def follow_money(session: AsyncSession, events: Sequence[OfMoney]) -> None:
    """Place what is authorized, let go again what was authorized too late, tell of what failed, close what is paid."""
    ours: dict[uuid.UUID, list[OfMoney]] = {}
    # An order may have several promises and a charge, whose facts come in no order among each other.
    for event in sorted(events, key=lambda one: (one.occurred_at, one.id)):
        if event.reference_kind == REFERENCE:
            ours.setdefault(event.reference_id, []).append(event)
    for row in await repository.all_locked(session, ours):
        for event in ours[row.id]:
            await _follow(session, row, event)


async def _follow(session: AsyncSession, row: Order, event: OfMoney) -> None:
    match event:
        case AuthorizationSucceeded() if row.state == "held":
            # What was there in time counts, however late it is told; any other hold ends by itself.
            if row.hold_until is not None and event.occurred_at <= row.hold_until:
                await enter(session, row)
        case AuthorizationSucceeded() if row.state in ("expired", "cancelled"):
            await paying.void(session, row)
        case AuthorizationNeedsAction() if row.state == "held" or row.authorize_at is not None:
            await tell(session, notices.PAYMENT_ACTION, row, await waiting(session, row), f"action:{event.id}")
        case AuthorizationFailed() | AuthorizationLapsed() if row.state not in rules.OVER:
            told = await waiting(session, row)
            if row.state != "held":
                told += await provider(session, row)
            await tell(session, notices.PAYMENT_FAILED, row, told, f"failed:{event.id}")
        case ChargePaid() if row.state == "finished":
            await change(session, row, "close", HEARTHLINE)


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Call off what lies ahead of residents who are here no more."""
    for row in await repository.ahead_of_residents(session, resident_ids):
        await call_off(session, HEARTHLINE, row, "resident_left")
