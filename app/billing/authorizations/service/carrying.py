"""What the gateway says of a card payment or refund is stored, and what follows from it happens with it.

It may be said twice, late and in any order, by an answer, a webhook or the reconciliation: only what leads on from
where a payment stands changes anything.
"""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.authorizations import repository, rules
from app.billing.authorizations.models import ACTION, ACTION_URL, REFUND_REASON, Authorization, CardPayment, CardRefund
from app.billing.authorizations.problems import NothingToProve
from app.billing.authorizations.service import telling
from app.billing.authorizations.service.authorizing import hold
from app.billing.cards.models import PaymentMethod
from app.billing.charges.models import Charge, Payment
from app.billing.charges.service import counting as charges
from app.billing.events import AuthorizationFailed, AuthorizationLapsed, CardRefundFailed
from app.billing.gateways.port import Intent, Refund
from app.core import clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.sealing import seal, unseal

TOO_LATE: Final = "came too late"


async def stands(session: AsyncSession, card_payment_id: uuid.UUID, intent: Intent) -> bool:
    """Store how a card payment stands at the gateway, and return whether that was new.

    What is held for something that is over is let go, what was taken for it is given back.
    """
    authorization, payment, all_of_it = await repository.lock_card_payment(session, card_payment_id)
    payment.ref = payment.ref or intent.ref or None
    payment.charge_ref = intent.charge or payment.charge_ref
    state = rules.card_state(intent, payment.state, payment.wish)
    if not rules.may_become(payment.state, state):
        await session.flush()
        return False
    payment.state, payment.failure = state, intent.declined
    payment.action_secret = seal(intent.client_secret, ACTION) if _asks(state) and intent.client_secret else None
    payment.action_url = seal(intent.action_url, ACTION_URL) if _asks(state) and intent.action_url else None
    payment.capture_before = intent.capture_before if state == "authorized" else None
    payment.renew_at = rules.renew_at(payment.capture_before, clock.now())
    if state in rules.ENDED:
        let_be(payment)
    await session.flush()
    if state == "authorized":
        await _held(session, authorization, payment, all_of_it)
    elif state == "captured":
        await _taken(session, authorization, payment, intent.received)
    elif state == "requires_action" and authorization.state == "pending":
        await telling.ask_the_payer(session, authorization)
    elif state in rules.ENDED:
        await _lost(session, authorization, payment, all_of_it)
    await session.flush()
    return True


def wish_for(payment: CardPayment, wish: rules.Wish) -> None:
    """Let the worker ask for something: whatever was wished for before is not any more."""
    payment.wish, payment.ask_at, payment.asked = wish, clock.now(), 0
    payment.wish_no += 1


async def look_now(session: AsyncSession, actor: Actor, authorization_id: uuid.UUID) -> None:
    """Let the gateway be asked at once whether the payer has proved who they are; they say so.

    Raises ``NotFound`` for everybody else, ``NothingToProve``.
    """
    known = await session.get(Authorization, authorization_id)
    if known is None or known.payer_account_id != actor.id:
        raise NotFound
    authorization = await repository.lock(session, authorization_id)
    asks = [
        one
        for one in await repository.lock_card_payments(session, authorization_id)
        if one.state == "requires_action" and one.wish in (None, "look")
    ]
    if not asks:
        raise NothingToProve(state=authorization.state)
    for payment in asks:
        if payment.wish is None:
            wish_for(payment, "look")
        payment.ask_at, payment.asked = clock.now(), 0
    await session.flush()


def let_be(payment: CardPayment) -> None:
    """Nothing more is to be asked of a card payment."""
    payment.wish = payment.ask_at = payment.renew_at = None


async def renew(session: AsyncSession, card_payment_ids: Sequence[uuid.UUID]) -> None:
    """Wish for another hold in place of each that is about to lapse: the first is let go once the other is there.

    The payments are locked already, their authorizations are not: whoever holds one may want the payment next, so that
    it is not waited for.
    """
    for card_payment_id in card_payment_ids:
        payment = await session.get_one(CardPayment, card_payment_id, populate_existing=True)
        authorization = await repository.lock_unless_held(session, payment.authorization_id)
        if authorization is None:
            payment.renew_at = clock.now() + rules.BUSY
            continue
        payment.renew_at = None
        if payment.state != "authorized" or payment.wish is not None or authorization.state in rules.OVER:
            continue
        wish_for(payment, "look")
        payment.ask_at = payment.capture_before
        method = await session.get_one(PaymentMethod, payment.payment_method_id)
        if method.state == "active":
            await hold(session, authorization, method, payment.amount, replaces=payment)
    await session.flush()


async def give_back(
    session: AsyncSession,
    payment: CardPayment,
    amount: int,
    by: uuid.UUID,
    reason: str,
    of: Payment | None = None,
) -> CardRefund:
    """Wish for an amount to be given back on the card, of what is not given back already; return the row."""
    payment.refunding_amount += amount
    refund = CardRefund(
        community_id=payment.community_id,
        resident_id=payment.resident_id,
        payer_account_id=payment.payer_account_id,
        card_payment_id=payment.id,
        payment_id=of.id if of else None,
        gateway=payment.gateway,
        amount=amount,
        currency=payment.currency,
        ask_at=clock.now(),
        refunded_by=by,
        reason=seal(reason, REFUND_REASON),
    )
    session.add(refund)
    await session.flush()
    return refund


async def refund_stands(session: AsyncSession, refund_id: uuid.UUID, told: Refund) -> bool:
    """Store how a refund stands at the gateway, and return whether that was new.

    It is counted once the money is on its way; one that comes back later is counted back, and told.
    """
    known = await session.get_one(CardRefund, refund_id)
    authorization, payment, _ = await repository.lock_card_payment(session, known.card_payment_id)
    refund = await repository.lock_refund(session, refund_id)
    refund.ref = refund.ref or told.ref
    state = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}.get(told.status, "pending")
    order = ("wanted", "pending", "succeeded", "failed")
    if order.index(state) <= order.index(refund.state):
        await session.flush()
        return False
    was, refund.state, refund.failure = refund.state, state, told.failure
    refund.ask_at = clock.now() + rules.LOOK_AGAIN if state == "pending" else None
    if state == "succeeded":
        await _count_refund(session, refund)
    elif state == "failed":
        await refund_failed(session, authorization, payment, refund, was)
    await session.flush()
    return True


async def refund_failed(
    session: AsyncSession, authorization: Authorization, payment: CardPayment, refund: CardRefund, was: str
) -> None:
    """Count back what could not be given back on the card, and tell: it has to go another way."""
    refund.state, refund.ask_at = "failed", None
    if was == "succeeded" and refund.payment_id is not None:
        await _count_back(session, refund)
    payment.refunding_amount -= refund.amount
    await telling.tell(session, authorization, CardRefundFailed)


async def _held(
    session: AsyncSession, authorization: Authorization, payment: CardPayment, all_of_it: Sequence[CardPayment]
) -> None:
    if authorization.state in rules.OVER:
        wish_for(payment, "cancel")
        return
    if payment.capture_amount is not None:
        wish_for(payment, "capture")
        return
    if authorization.state == "settled":
        wish_for(payment, "cancel")  # it was not needed in the end
        return
    let_be(payment)
    payment.renew_at = rules.renew_at(payment.capture_before, clock.now())
    for one in all_of_it:
        if one.id == payment.replaces_id and one.state == "authorized":
            wish_for(one, "cancel")
            one.renew_at = None
    held = sum(one.amount for one in all_of_it if one.state == "authorized" and one.wish != "cancel")
    if authorization.state != "authorized" and held >= authorization.amount - authorization.subsidy_amount:
        await telling.succeed(session, authorization)


async def _taken(session: AsyncSession, authorization: Authorization, payment: CardPayment, received: int) -> None:
    payment.captured_amount = min(received, payment.amount)
    let_be(payment)
    charge = await charges.locked_charge_of(session, authorization.reference_kind, authorization.reference_id)
    counted = 0 if charge is None else min(charges.open_amount(charge), payment.captured_amount)
    if charge is not None and counted:
        by = authorization.payer_account_id
        await charges.take_payment(session, charge, charges.Paid("card", counted, payment.id, by))
    if too_much := payment.captured_amount - counted:
        await give_back(session, payment, too_much, authorization.payer_account_id, TOO_LATE)


async def _lost(
    session: AsyncSession, authorization: Authorization, payment: CardPayment, all_of_it: Sequence[CardPayment]
) -> None:
    """A hold is not there, or no longer: whether that ends the promise depends on what else is held."""
    if authorization.state in rules.OVER:
        return
    if authorization.state == "settled":
        await _still_owed(session, authorization, payment)
        return
    if payment.state == "cancelled" and any(one.replaces_id == payment.id for one in all_of_it):
        return  # let go for another one
    others = [one for one in all_of_it if one.state not in rules.ENDED]
    if authorization.state == "authorized":
        replaced = next((one for one in all_of_it if one.id == payment.replaces_id), None)
        is_last = not any(one.replaces_id == payment.id for one in others)
        if not (is_last if replaced is None or payment.state == "lapsed" else replaced.state == "lapsed"):
            return  # the other one is still there, or may still come
        if _is_extension(payment, all_of_it):  # the rest is promised as before
            authorization.amount -= payment.amount
            await telling.tell(session, authorization, AuthorizationFailed)
            return
        await _let_go(others)
        await telling.end(session, authorization, "lapsed", payment.failure or "lapsed")
        return
    await _let_go(others)
    await telling.end(session, authorization, "failed", payment.failure or payment.state)


async def _still_owed(session: AsyncSession, authorization: Authorization, payment: CardPayment) -> None:
    """What was to be taken could not be: it is asked for once more, without the payer; then they are told."""
    if payment.capture_amount is None or payment.state == "cancelled":
        return
    if payment.state == "lapsed" and payment.replaces_id is None:
        method = await session.get_one(PaymentMethod, payment.payment_method_id)
        if method.state == "active":
            await hold(session, authorization, method, payment.capture_amount, replaces=payment)
            return
    await telling.tell(session, authorization, AuthorizationLapsed)


def _is_extension(payment: CardPayment, all_of_it: Sequence[CardPayment]) -> bool:
    """Say whether a hold, or the one it came in place of, was taken beside the first one."""
    by_id = {one.id: one for one in all_of_it}
    first = payment
    while first.replaces_id is not None:
        first = by_id[first.replaces_id]
    return first.id != all_of_it[0].id


async def _let_go(payments: Sequence[CardPayment]) -> None:
    for one in payments:
        wish_for(one, "cancel")


def _asks(state: str) -> bool:
    return state == "requires_action"


async def _count_refund(session: AsyncSession, refund: CardRefund) -> None:
    if refund.payment_id is None:
        return
    paid = await session.get_one(Payment, refund.payment_id)
    charge = await session.get_one(Charge, paid.charge_id, with_for_update=True, populate_existing=True)
    paid = await session.get_one(Payment, refund.payment_id, with_for_update=True, populate_existing=True)
    await charges.give_back(session, charge, paid, refund.amount, refund.refunded_by, _reason(refund))


async def _count_back(session: AsyncSession, refund: CardRefund) -> None:
    paid = await session.get_one(Payment, refund.payment_id)
    charge = await session.get_one(Charge, paid.charge_id, with_for_update=True, populate_existing=True)
    came_back = charges.Paid("card", refund.amount, refund.id, refund.refunded_by, is_return=True)
    await charges.take_payment(session, charge, came_back)


def _reason(refund: CardRefund) -> str:
    return "" if refund.reason is None else unseal(refund.reason, REFUND_REASON)
