"""Asking the gateway for what is wished of card payments, outside of transactions, and storing what it answers.

A wish is committed before anybody is asked, and asked in every attempt under the same key: whatever is lost on the way,
the gateway does it once. Whoever holds the lease is the only one who asks about a payment.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog
from prometheus_client import Counter
from sqlalchemy.dialects.postgresql import ARRAY

from app.billing.authorizations import repository, rules
from app.billing.authorizations.models import AUTHORIZATIONS, CARD_PAYMENTS, CardPayment
from app.billing.authorizations.service import carrying
from app.billing.cards.models import CUSTOMERS, METHODS
from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.port import Gateway, Intent, NotAnsweredError, NotDoneError, Wanted
from app.core import clock, failures, stopping
from app.core.database import reading, unit_of_work
from app.core.due import Due
from app.core.leases import Held, Lease
from app.core.settings import settings

BATCH: Final = 8
"""As many as are asked within a lease, however slow each is."""
LEASE: Final = Lease(Due("billing.ask_gateway", CardPayment, "ask_at"), timedelta(minutes=5))
_p = CARD_PAYMENTS.c
_TAKEN: Final = (
    sa.select(
        *(_p.id, _p.gateway, _p.ref, _p.state, _p.wish, _p.wish_no, _p.asked, _p.ask_at, _p.created_at),
        *(_p.amount, _p.currency, _p.capture_amount, _p.is_present),
        AUTHORIZATIONS.c.reference_id,
        CUSTOMERS.c.ref.label("customer"),
        METHODS.c.ref.label("method"),
    )
    .join(AUTHORIZATIONS, AUTHORIZATIONS.c.id == _p.authorization_id)
    .join(METHODS, METHODS.c.id == _p.payment_method_id)
    .join(CUSTOMERS, CUSTOMERS.c.id == METHODS.c.customer_id)
    .where(_p.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
)
_AT_THE_GATEWAY: Final = frozenset({"requires_action", "processing", "requires_capture"})

ASKS: Final = Counter("hearthline_gateway_asks", "Calls of the payment gateway by how they went", ["what", "outcome"])

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A wish that is being carried out, and whether it may have been asked for before."""

    held: Held
    row: Any

    @property
    def key(self) -> str:
        return f"card_payment:{self.row.id}:{self.row.wish}:{self.row.wish_no}"

    @property
    def asked_before(self) -> bool:
        return self.held.fence > 1


@dataclass(frozen=True, slots=True)
class _Unanswered:
    """Why it is not known how a payment stands, and how to go on."""

    why: str
    again_after: float | None = None
    other_key: bool = False


async def run() -> int:
    """Ask the gateway what is due and return how many wishes that was; asked to stop, it takes up no further ones."""
    gateway = chosen_gateway()
    if gateway is None:
        return 0
    total = 0
    try:
        while not stopping.requested():
            async with LEASE.holding(BATCH) as held:
                if not held:
                    break
                await _ask_all(gateway, held)
                total += len(held)
    finally:
        await gateway.close()
    return total


async def _ask_all(gateway: Gateway, held: Sequence[Held]) -> None:
    async with reading() as connection:
        rows = {row.id: row for row in await connection.execute(_TAKEN, {"ids": [one.id for one in held]})}
    flights = [_ask_one(gateway, _Taken(one, rows[one.id])) for one in held if one.id in rows]
    for ended in await asyncio.gather(*flights, return_exceptions=True):
        if isinstance(ended, BaseException):  # it could not be stored: the others were, and this one is due again
            raise ended


async def _ask_one(gateway: Gateway, taken: _Taken) -> None:
    outcome = await _outcome(gateway, taken)
    async with unit_of_work() as session:
        # The authorization first, as whoever changes one does: two who each hold what the other wants wait for ever.
        _, payment, _ = await repository.lock_card_payment(session, taken.row.id)
        if payment.id not in await LEASE.finish(session, [taken.held]):
            return
        if isinstance(outcome, _Unanswered):
            _ask_again(payment, taken, outcome)
            return
        await carrying.stands(session, payment.id, outcome)
        _go_on(payment, taken, outcome)


async def _outcome(gateway: Gateway, taken: _Taken) -> Intent | _Unanswered:
    """Return how the payment stands once it was asked for; counts it."""
    try:
        found = await _ask(gateway, taken)
    except NotAnsweredError as error:
        outcome: Intent | _Unanswered = _Unanswered(error.why, error.again_after, error.is_stuck)
    except NotDoneError as error:
        outcome = _Unanswered(error.code)
    except Exception as error:  # noqa: BLE001 - one payment's oddity must not keep others from being asked for
        log.error("gateway_call_failed", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        outcome = _Unanswered(failures.code_of(error))
    else:
        # What the gateway knows nothing of holds nothing.
        outcome = found or Intent("", "canceled", taken.row.amount)
    ASKS.labels(taken.row.wish, outcome.why if isinstance(outcome, _Unanswered) else outcome.status).inc()
    return outcome


async def _ask(gateway: Gateway, taken: _Taken) -> Intent | None:
    row = taken.row
    if row.gateway != gateway.name:
        raise NotAnsweredError("other_gateway")
    if row.wish == "authorize":
        return await _authorize(gateway, taken)
    ref = row.ref
    if ref is None:
        found = await _find(gateway, taken) if taken.asked_before else None
        if found is None or row.wish == "look":
            return found
        ref = found.ref
    return await (gateway.intent(ref) if row.wish == "look" else _change(gateway, taken, ref))


async def _change(gateway: Gateway, taken: _Taken, ref: str) -> Intent:
    """Take or let go what is held; if that was not done, it stands otherwise than we thought."""
    try:
        if taken.row.wish == "capture":
            return await gateway.capture(taken.key, ref, taken.row.capture_amount)
        return await gateway.cancel(taken.key, ref)
    except NotDoneError:
        return await gateway.intent(ref)
    except NotAnsweredError as error:
        if not error.is_stuck:
            raise
        return await gateway.intent(ref)


async def _authorize(gateway: Gateway, taken: _Taken) -> Intent | None:
    row = taken.row
    # A key is forgotten after a day: from then on it would be done a second time.
    if taken.asked_before and clock.now() - row.created_at > rules.KEYS_LAST:
        found = await _find(gateway, taken)
        if found is not None:
            return found
    if row.method is None:  # an erasure left nothing of the card
        return Intent("", "requires_payment_method", row.amount, declined="card_removed")
    back = f"{settings().http.public_url.rstrip('/')}{rules.RETURN_PAGE}/{row.reference_id}"
    wanted = Wanted(row.amount, row.currency, row.customer, row.method, row.is_present, str(row.id), back)
    try:
        return await gateway.authorize(taken.key, wanted)
    except NotDoneError as error:
        return await _refused(gateway, taken, error)
    except NotAnsweredError as error:
        if not error.is_stuck:
            raise
        return await _found_or_stuck(gateway, taken, error)


async def _refused(gateway: Gateway, taken: _Taken, error: NotDoneError) -> Intent:
    """Return how a payment stands that the gateway did not authorize."""
    if error.code == "idempotency_error":  # asked for by another release, in other words
        return await _found_or_stuck(gateway, taken, NotAnsweredError(error.code, is_stuck=True))
    if error.ref is not None:
        return await gateway.intent(error.ref)
    return Intent("", "requires_payment_method", taken.row.amount, declined=error.code)


async def _found_or_stuck(gateway: Gateway, taken: _Taken, error: NotAnsweredError) -> Intent:
    found = await _find(gateway, taken)
    if found is None:
        raise error
    return found


async def _find(gateway: Gateway, taken: _Taken) -> Intent | None:
    """Look through the customer's payments for one that was made for this row."""
    since: datetime = taken.row.created_at - rules.CLOCKS_DIFFER
    async for intent in gateway.intents_since(since, taken.row.customer):
        if intent.row == str(taken.row.id):
            return intent
    return None


def _ask_again(payment: CardPayment, taken: _Taken, unanswered: _Unanswered) -> None:
    log.warning("gateway_not_answered", card_payment_id=str(payment.id), wish=payment.wish, why=unanswered.why)
    if _is_another(payment, taken):
        return
    payment.asked += 1
    wait = rules.patience(payment.asked)
    if unanswered.again_after is not None:
        wait = max(wait, timedelta(seconds=unanswered.again_after))
    payment.ask_at = clock.now() + wait
    payment.wish_no += unanswered.other_key


def _go_on(payment: CardPayment, taken: _Taken, intent: Intent) -> None:
    """Say what is to be asked next of a payment that stands as it is stored by now."""
    if payment.state in rules.NOTHING_HELD and intent.status in _AT_THE_GATEWAY and payment.wish != "cancel":
        carrying.wish_for(payment, "cancel")  # it arrived after we had given it up
        return
    if _is_another(payment, taken):
        return
    if payment.wish in ("capture", "cancel") and intent.status in _AT_THE_GATEWAY:
        log.error("gateway_did_not_do_it", card_payment_id=str(payment.id), wish=payment.wish, status=intent.status)
        payment.asked += 1
        payment.wish_no += 1
        payment.ask_at = clock.now() + rules.patience(payment.asked)
        return
    was_told_meanwhile = payment.ask_at != taken.row.ask_at
    asked = payment.asked + 1
    payment.wish = payment.ask_at = None
    if payment.state in rules.ENDED:
        return
    if was_told_meanwhile:
        payment.wish, payment.ask_at = "look", clock.now()
    elif payment.state in ("requires_action", "processing"):
        payment.wish, payment.asked, payment.ask_at = "look", asked, clock.now() + rules.patience(asked)
    elif payment.capture_before is not None and payment.renew_at is None:  # it is not renewed again
        payment.wish, payment.ask_at = "look", max(payment.capture_before, clock.now() + rules.LOOK_AGAIN)


def _is_another(payment: CardPayment, taken: _Taken) -> bool:
    """Say whether something else is wished for by now than what was asked."""
    return (payment.wish, payment.wish_no) != (taken.row.wish, taken.row.wish_no)
