"""The money of orders placed weeks ahead: asked for days before them, while there is time to pay otherwise."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import api as billing
from app.core import clock
from community.orders import notices, repository, rules
from community.orders.models import Order
from community.orders.service import paying
from community.orders.service.cancelling import call_off
from community.orders.service.changing import HEARTHLINE
from community.orders.service.telling import provider, tell, waiting


async def ask(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Ask for the money of orders, again where it was refused; call off those that nobody will have paid for in time.

    What the bank refuses is told when it does (see ``following``); another card can be named until the last moment.
    """
    now = clock.now()
    known = await billing.authorizations_for(await session.connection(), rules.REFERENCE, ids)
    for row in await repository.all_locked(session, ids):
        found = known.get(row.id)
        last = row.starts_at - rules.AUTHORIZED_BY
        if found is not None and found.state == "authorized":
            row.authorize_at = None
        elif now >= last:
            await call_off(session, HEARTHLINE, row, "unpaid")
        else:
            row.authorize_at = min(now + rules.AUTHORIZE_AGAIN, last)
            if found is None or found.state in ("failed", "voided", "lapsed"):
                await _authorize(session, row)
    await session.flush()


async def _authorize(session: AsyncSession, row: Order) -> None:
    try:
        promised = await paying.authorize(session, row, is_present=False)
        if promised.state == "authorized":
            row.authorize_at = None
    except billing.PaymentMethodUnusable:
        told = [*await waiting(session, row), *await provider(session, row)]
        await tell(session, notices.PAYMENT_FAILED, row, told, f"unusable:{clock.now().date()}")
