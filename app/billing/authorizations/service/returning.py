"""Asking the gateway to give back on cards what is wanted back, and what became of that."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import ARRAY

from app.billing.authorizations import repository, rules
from app.billing.authorizations.models import CARD_PAYMENTS, CARD_REFUNDS, CardRefund
from app.billing.authorizations.service import carrying
from app.billing.authorizations.service.asking import ASKS, BATCH
from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.port import Gateway, NotAnsweredError, NotDoneError, Refund
from app.core import clock, failures, stopping
from app.core.database import reading, unit_of_work
from app.core.due import Due
from app.core.leases import Held, Lease

LEASE: Final = Lease(Due("billing.ask_for_refunds", CardRefund, "ask_at"), timedelta(minutes=5))
_r = CARD_REFUNDS.c
_TAKEN: Final = (
    sa.select(
        *(_r.id, _r.card_payment_id, _r.gateway, _r.ref, _r.state, _r.key_no, _r.ask_at, _r.created_at, _r.amount),
        CARD_PAYMENTS.c.ref.label("intent"),
    )
    .join(CARD_PAYMENTS, CARD_PAYMENTS.c.id == _r.card_payment_id)
    .where(_r.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Refused:
    """The gateway will not give it back, and why."""

    code: str


async def run() -> int:
    """Ask for the refunds that are due and return how many that was."""
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
    flights = [_ask_one(gateway, one, rows[one.id]) for one in held if one.id in rows]
    for ended in await asyncio.gather(*flights, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended


async def _ask_one(gateway: Gateway, held: Held, row: Any) -> None:
    outcome = await _outcome(gateway, held, row)
    async with unit_of_work() as session:
        authorization, payment, _ = await repository.lock_card_payment(session, row.card_payment_id)
        refund = await repository.lock_refund(session, row.id)
        if refund.id not in await LEASE.finish(session, [held]):
            return
        if isinstance(outcome, NotAnsweredError):
            _ask_again(refund, outcome)
        elif isinstance(outcome, _Refused):
            if refund.state in ("wanted", "pending"):
                refund.failure = outcome.code
                await carrying.refund_failed(session, authorization, payment, refund, refund.state)
            else:
                refund.ask_at = None
        else:
            was_told_meanwhile = refund.ask_at != row.ask_at
            if not await carrying.refund_stands(session, refund.id, outcome):
                refund.ask_at = clock.now() + rules.LOOK_AGAIN if refund.state == "pending" else None
            if was_told_meanwhile:
                refund.ask_at = clock.now()


async def _outcome(gateway: Gateway, held: Held, row: Any) -> Refund | _Refused | NotAnsweredError:
    """Return how the refund stands once it was asked for; counts it."""
    outcome: Refund | _Refused | NotAnsweredError
    try:
        outcome = await _ask(gateway, held, row)
    except NotAnsweredError as error:
        outcome = error
    except NotDoneError as error:
        outcome = _Refused(error.code)
    except Exception as error:  # noqa: BLE001 - one refund's oddity must not keep others from being asked for
        log.error("gateway_call_failed", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        outcome = NotAnsweredError(failures.code_of(error))
    said = (
        outcome.status if isinstance(outcome, Refund) else "refused" if isinstance(outcome, _Refused) else outcome.why
    )
    ASKS.labels("refund", said).inc()
    return outcome


async def _ask(gateway: Gateway, held: Held, row: Any) -> Refund:
    if row.gateway != gateway.name:
        raise NotAnsweredError("other_gateway")
    if row.ref is not None:
        return await gateway.find_refund(row.ref)
    # A key is forgotten after a day: from then on it would be given back a second time.
    if held.fence > 1 and clock.now() - row.created_at > rules.KEYS_LAST and (found := await _find(gateway, row)):
        return found
    try:
        return await gateway.refund(f"card_refund:{row.id}:{row.key_no}", row.intent, row.amount, str(row.id))
    except (NotDoneError, NotAnsweredError) as error:
        is_open = isinstance(error, NotAnsweredError) and not error.is_stuck
        if not is_open and (found := await _find(gateway, row)):
            return found
        if isinstance(error, NotDoneError) and error.code == "idempotency_error":
            # It was asked for by another release, in other words.
            raise NotAnsweredError(error.code, is_stuck=True) from None
        raise


async def _find(gateway: Gateway, row: Any) -> Refund | None:
    async for refund in gateway.refunds_since(row.created_at - rules.CLOCKS_DIFFER):
        if refund.row == str(row.id):
            return refund
    return None


def _ask_again(refund: CardRefund, error: NotAnsweredError) -> None:
    log.warning("gateway_not_answered", card_refund_id=str(refund.id), why=error.why)
    refund.asked += 1
    refund.key_no += error.is_stuck
    wait = rules.patience(refund.asked)
    refund.ask_at = clock.now() + max(wait, timedelta(seconds=error.again_after or 0))
