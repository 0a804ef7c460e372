"""What the gateway is asked about cards and customers when nobody waits for it, outside of transactions."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import ARRAY

from app.billing.cards.models import CUSTOMERS, METHODS, Customer, PaymentMethod
from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.patience import again_at
from app.billing.gateways.port import Card, Gateway, NotAnsweredError, NotDoneError
from app.billing.wallet import repository, rules
from app.billing.wallet.service import saving
from app.core import clock, failures, stopping
from app.core.database import reading, unit_of_work
from app.core.due import Due
from app.core.leases import Held, Lease

BATCH: Final = 8
"""As many as are asked within a lease, however slow each is."""
_TTL: Final = timedelta(minutes=5)
LOOKS: Final = Lease(Due("billing.look_at_cards", PaymentMethod, "ask_at"), _TTL)
FORGETS: Final = Lease(Due("billing.forget_customers", Customer, "forget_at"), _TTL)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_METHODS: Final = sa.select(METHODS).where(METHODS.c.id == sa.any_(_IDS))
_CUSTOMERS: Final = sa.select(CUSTOMERS).where(CUSTOMERS.c.id == sa.any_(_IDS))
Answer = TypeVar("Answer")
_One = Callable[[Gateway, Held, Any], Awaitable[None]]

log = structlog.get_logger(__name__)


async def look_at_cards() -> int:
    """Look at the cards that are due, or have them forgotten; return how many that was."""
    return await _run(LOOKS, _METHODS, _look)


async def forget_customers() -> int:
    """Have forgotten who was erased here; return how many that was."""
    return await _run(FORGETS, _CUSTOMERS, _forget)


async def _run(lease: Lease, rows_of: sa.Select[Any], one: _One) -> int:
    gateway = chosen_gateway()
    if gateway is None:
        return 0
    total = 0
    try:
        while not stopping.requested():
            async with lease.holding(BATCH) as held:
                if not held:
                    break
                await _all(gateway, held, rows_of, one)
                total += len(held)
    finally:
        await gateway.close()
    return total


async def _all(gateway: Gateway, held: Sequence[Held], rows_of: sa.Select[Any], one: _One) -> None:
    async with reading() as connection:
        rows = {row.id: row for row in await connection.execute(rows_of, {"ids": [each.id for each in held]})}
    flights = [one(gateway, each, rows[each.id]) for each in held if each.id in rows]
    for ended in await asyncio.gather(*flights, return_exceptions=True):
        if isinstance(ended, BaseException):  # it could not be stored: the others were, and this one is due again
            raise ended


async def _look(gateway: Gateway, held: Held, row: Any) -> None:
    answer = await _answer(gateway, row, _card)
    now = clock.now()
    async with unit_of_work() as session:
        if held.id not in await LOOKS.finish(session, [held]):
            return
        method = await repository.lock_method(session, held.id)
        if (method.state, method.ask_at, method.setup_ref) != (row.state, row.ask_at, row.setup_ref):
            return  # something else was said of it meanwhile: it is due for that, or no more
        if isinstance(answer, NotAnsweredError):
            method.asked += 1
            method.ask_at = again_at(now, method.asked, answer.again_after)
        elif method.state != "pending":
            if isinstance(answer, NotDoneError):
                log.error("card_not_forgotten", payment_method_id=str(method.id), code=answer.code)
            method.ask_at = method.ref = None
        elif isinstance(answer, Card):
            saving.save(method, answer)
        elif isinstance(answer, NotDoneError) or rules.is_over(method.created_at, now):
            method.state, method.ask_at = "failed", None
        else:
            method.ask_at = rules.look_at(method.created_at, now)


async def _card(gateway: Gateway, row: Any) -> Card | None:
    """Return the card that a setup has saved, if it has; one that is not wanted any more is forgotten."""
    card = None
    if row.ref is None and row.setup_ref is not None:
        card = await gateway.card_of_setup(row.setup_ref)
    ref = row.ref or (card.ref if card else None)
    if row.state != "pending" and ref is not None:
        await gateway.forget_card(f"payment_method:{row.id}:forget", ref)
    return card


async def _forget(gateway: Gateway, held: Held, row: Any) -> None:
    answer = await _answer(gateway, row, _forgotten)
    now = clock.now()
    async with unit_of_work() as session:
        if held.id not in await FORGETS.finish(session, [held]):
            return
        customer = await repository.lock_customer_by_id(session, held.id)
        if isinstance(answer, NotAnsweredError | NotDoneError):
            customer.asked += 1
            is_stuck = isinstance(answer, NotDoneError) or answer.is_stuck
            if customer.ref is None and is_stuck:
                customer.key_no += 1
            after = answer.again_after if isinstance(answer, NotAnsweredError) else None
            customer.forget_at = again_at(now, customer.asked, after)
            return
        customer.ref = customer.forget_at = None
        customer.forgotten_at = now


async def _forgotten(gateway: Gateway, row: Any) -> None:
    """Have a customer forgotten; one that may have been opened, and is not known here, is asked for by its key."""
    ref = row.ref or await gateway.open_customer(saving.customer_key(row), str(row.id))
    await gateway.forget_customer(ref)


async def _answer(
    gateway: Gateway, row: Any, ask: Callable[[Gateway, Any], Awaitable[Answer]]
) -> Answer | NotAnsweredError | NotDoneError:
    if row.gateway != gateway.name:
        return NotAnsweredError("other_gateway")
    try:
        return await ask(gateway, row)
    except (NotAnsweredError, NotDoneError) as error:
        return error
    except Exception as error:  # noqa: BLE001 - one oddity must not keep others from being asked about
        log.error("gateway_call_failed", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        return NotAnsweredError(failures.code_of(error))
