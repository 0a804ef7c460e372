"""Taking money back that was paid out too much, by the operator's word: otherwise it is carried over."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.payouts import repository
from app.billing.payouts.models import Transfer
from app.billing.payouts.problems import NothingToReverse, ReversalUnderWay
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound


async def reverse(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, transfer_id: uuid.UUID, amount: int
) -> Transfer:
    """Wish for an amount of a transfer to come back, and return the row that says so.

    No more than its organization was paid out too much, all of its charges in the currency together. Raises
    ``NotFound``, ``NothingToReverse``, ``ReversalUnderWay``.
    """
    known = await session.get(Transfer, transfer_id)
    if known is None or known.organization_id != organization_id or known.reverses_id is not None:
        raise NotFound
    account = await repository.lock_account_by_id(session, known.payout_account_id)
    transfer = await repository.lock_transfer(session, transfer_id)
    under_way = sa.select(col(Transfer.id)).where(
        col(Transfer.reverses_id) == transfer.id, col(Transfer.state) == "wanted"
    )
    if await session.scalar(under_way) is not None:
        raise ReversalUnderWay
    left = transfer.amount - transfer.reversed_amount if transfer.state == "sent" else 0
    rows = [
        row for row in await repository.lock_unsettled(session, organization_id) if row.currency == transfer.currency
    ]
    owing = -sum(row.payable_amount - row.paid_out_amount for row in rows)
    if amount > min(left, max(0, owing)):
        raise NothingToReverse(reversible_amount=min(left, max(0, owing)))
    taken: dict[uuid.UUID, int] = {}
    for row in rows:
        share = min(amount + sum(taken.values()), row.paid_out_amount - row.payable_amount)
        if share > 0:
            taken[row.id] = -share
    reversal = Transfer(
        community_id=transfer.community_id,
        organization_id=organization_id,
        payout_account_id=account.id,
        reverses_id=transfer.id,
        amount=amount,
        currency=transfer.currency,
        ask_at=clock.now(),
    )
    session.add(reversal)
    transfer.reversed_amount += amount
    await session.flush()
    await repository.add_items(session, reversal.id, taken)
    await audit.record(session, actor, "transfer:reverse", object_id=transfer.id, community_id=transfer.community_id)
    return reversal
