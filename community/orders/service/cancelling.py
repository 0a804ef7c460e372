"""Calling off: freely in good time, for what was agreed later; a provider who calls off leaves nobody alone."""

import uuid
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.sealing import seal
from community.orders import notices, repository, rules
from community.orders.access import Subject, require_orderer
from community.orders.models import CANCEL_NOTE, Order
from community.orders.problems import FeeChanged, OrderNotOpen
from community.orders.schemas.given import OrderCancel
from community.orders.service import paying
from community.orders.service.changing import HEARTHLINE, By, change, times_of
from community.orders.service.telling import operator, provider, tell, waiting


async def cancel(session: AsyncSession, actor: Actor, subject: Subject, data: OrderCancel) -> Order:
    """Call an order off for the side the actor stands on: the resident's first.

    Called off already, it stays so. Raises ``OrderNotOpen``, ``FeeChanged`` where it would cost something else than who
    calls off was shown, ``Forbidden`` for who may see it alone, ``Malformed`` for another side's reason.
    """
    sides: tuple[rules.Side, ...] = ("provider", "operator")
    side = subject.side(*(("resident", *sides) if subject.may_order else sides))
    if side == "resident":
        # Of who is no resident any more it is called off with the residence; whoever is, calls off by themselves.
        await require_orderer(await session.connection(), actor, subject.resident_id)
    row = await repository.locked(session, subject.id)
    if row.state == "cancelled":
        return row
    if data.reason not in rules.GIVEN_REASONS[side]:
        known = ", ".join(sorted(rules.GIVEN_REASONS[side]))
        raise Malformed(errors=[FieldError("/body/reason", f"you can say: {known}", "other_side")])
    if data.fee is not None and data.fee != (fee := _owed(row, side)):
        raise FeeChanged(fee=fee)
    await call_off(session, By(side, actor), row, data.reason, data.note)
    return row


def _owed(row: Order, who: rules.Who) -> int:
    """Return what calling off costs now, in minor units: the resident's side alone owes something."""
    if who != "resident":
        return 0
    terms = (rules.free_until(row.wanted_at, row.starts_at, row.notice_period), row.late_percent)
    return rules.fee(row.total_amount, times_of(row), terms, clock.now(), row.state)  # type: ignore[arg-type]  # a check constraint holds it to them


async def call_off(
    session: AsyncSession, by: By, row: Order, reason: rules.CancelReason, note: str | None = None
) -> None:
    """Call a locked order off: who owes something owes it, the rest is let go, and everybody concerned hears of it.

    Raises ``OrderNotOpen``.
    """
    if not rules.may("cancel", row.state, by.who):  # type: ignore[arg-type]  # a check constraint holds it to them
        raise OrderNotOpen(order_state=row.state)
    now, was, worker_id = clock.now(), row.state, row.worker_id
    owed = _owed(row, by.who)
    await change(
        session,
        row,
        "cancel",
        by,
        reason=reason,
        cancelled_by=by.who,
        cancel_reason=reason,
        cancel_note=seal(note, CANCEL_NOTE) if note else None,
        fee_amount=owed,
    )
    await paying.settle_fee(session, by.id, row)
    notice = notices.NOT_KEPT if reason == "not_kept" else notices.CANCELLED
    await tell(session, notice, row, await waiting(session, row, besides=by.id), "cancelled")
    if was == "held":
        return
    if worker_id is not None and worker_id != by.id:
        await tell(session, notices.NOT_YOURS, row, [worker_id], "cancelled")
    with_operator = reason == "not_kept"
    told = await provider(session, row, besides=by.id, with_operator=with_operator)
    await tell(session, notice, row, told, "cancelled")
    if by.who == "provider" and row.starts_at - now <= rules.NEAR:
        await tell(session, notices.CALLED_OFF, row, await operator(session, row), "called_off")


async def call_off_in_time(
    session: AsyncSession, order_id: uuid.UUID, reason: rules.CancelReason
) -> Literal["called_off", "too_late", "over"]:
    """Call an order off as Hearthline as long as its notice is kept, and say what came of it.

    ``too_late``: it stands, and whoever ordered it decides; ``over``: it takes place no more anyway. Raises
    ``NotFound``.
    """
    row = await repository.locked(session, order_id)
    if row.state in rules.OVER:
        return "over"
    is_free = row.state == "held" or clock.now() <= rules.free_until(row.wanted_at, row.starts_at, row.notice_period)
    if not is_free or not rules.may("cancel", row.state, "hearthline"):  # type: ignore[arg-type]  # as above
        return "too_late"
    await call_off(session, HEARTHLINE, row, reason)
    return "called_off"
