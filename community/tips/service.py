"""Tips: asked of the card, taken without the platform's part once it is promised, and told to whoever came."""

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing import api as billing
from app.billing.events import AuthorizationFailed, AuthorizationLapsed, AuthorizationSucceeded, ChargePaid
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import Forbidden
from community.orders import repository as orders
from community.orders.access import Subject
from community.orders.models import Order
from community.orders.service.telling import tell
from community.tips import notices, rules
from community.tips.models import Tip
from community.tips.problems import NoTipNow, TipExists, TipTooLarge
from community.tips.schemas import TipGive

OfTip = AuthorizationSucceeded | AuthorizationFailed | AuthorizationLapsed | ChargePaid


async def give(session: AsyncSession, actor: Actor, subject: Subject, data: TipGive) -> Tip:
    """Tip for an order that is done and return the tip; in cash it is only written down.

    Raises ``Forbidden`` for who may not order for the resident, ``NoTipNow``, ``TipExists``, ``TipTooLarge`` and what
    billing refuses.
    """
    if not subject.may_order:
        raise Forbidden("only the resident, and who orders for them, give tips")
    order = await orders.locked(session, subject.id)
    if not rules.may_be_given(order.state, order.finished_at, clock.now()):
        raise NoTipNow
    if await _of_order(session, order.id) is not None:
        raise TipExists
    most = await _most(session, order)
    if data.amount > most:
        raise TipTooLarge(most=most)
    row = Tip(
        community_id=order.community_id,
        resident_id=order.resident_id,
        order_id=order.id,
        organization_id=order.organization_id,
        worker_id=order.worker_id,
        given_by=actor.id,
        amount=data.amount,
        currency=order.currency,
        method=data.method,
        state="paid" if data.method == "cash" else "pending",
    )
    session.add(row)
    await session.flush()
    await audit.record(
        session, actor, "tip:give", resident_id=row.resident_id, object_id=row.id, community_id=row.community_id
    )
    if data.payment_method_id is None:
        await _tell(session, row, order)
    else:
        await _authorize(session, actor, row, data.payment_method_id)
    return row


async def follow(session: AsyncSession, events: Sequence[OfTip]) -> None:
    """Take what is promised, tell of what is paid, and of what is not to be had."""
    for event in events:
        if event.reference_kind != rules.REFERENCE:
            continue
        row = await _of_order(session, event.reference_id)
        if row is None or row.state != "pending":
            continue
        if isinstance(event, AuthorizationSucceeded):
            line = billing.Line(rules.CATEGORY, rules.NAME, 1, row.amount)
            settling = billing.Settling([line], clock.now(), takes_fee=False)
            await billing.settle(session, row.given_by, rules.REFERENCE, row.order_id, settling)
            continue
        row.state = "paid" if isinstance(event, ChargePaid) else "failed"
        await session.flush()
        await _tell(session, row, await session.get_one(Order, row.order_id))


async def _authorize(session: AsyncSession, actor: Actor, row: Tip, payment_method_id: uuid.UUID) -> None:
    wanted = billing.Authorizing(
        community_id=row.community_id,
        resident_id=row.resident_id,
        organization_id=row.organization_id,
        payer_account_id=actor.id,
        amount=row.amount,
        currency=row.currency,
        category=rules.CATEGORY,
        reference_kind=rules.REFERENCE,
        reference_id=row.order_id,
        service_at=clock.now(),
        payment_method_id=payment_method_id,
        ordered_by=actor.id,
    )
    await billing.authorize(session, wanted)


async def _most(session: AsyncSession, order: Order) -> int:
    paid = order if order.rework_of is None else await session.get(Order, order.rework_of)
    return rules.most(0 if paid is None else paid.total_amount + paid.extra_amount)


async def _of_order(session: AsyncSession, order_id: uuid.UUID) -> Tip | None:
    """Return the tip for an order that did not fail, locked, or ``None``."""
    found = sa.select(Tip).where(col(Tip.order_id) == order_id, col(Tip.state) != "failed")
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def _tell(session: AsyncSession, row: Tip, order: Order) -> None:
    if row.state == "failed":
        await tell(session, notices.FAILED, order, [row.given_by], f"tip_failed:{row.id}")
    elif row.worker_id is not None:
        await tell(session, notices.TIPPED, order, [row.worker_id], "tip_given")
