"""Saving a card: a row that says so is committed, then the gateway is asked, then what it answered is stored.

Whoever asks again, after a crash or a lost answer, goes on with the same rows under the same keys, and is answered the
same setup. Its secret is answered and kept nowhere.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.cards.models import Customer, PaymentMethod
from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.port import Card, Gateway, NotAnsweredError, NotDoneError, Setup
from app.billing.wallet import repository, rules, views
from app.billing.wallet.problems import CardNotSaved, CardsSilent, NoCardsHere, TooManyCards
from app.billing.wallet.schemas import PaymentMethodPublic, SetupBegun
from app.core import clock
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.problems import NotFound

_BEGINNINGS: Final = 2
"""The first may turn out to be one that the gateway has saved already."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A card that is to be saved, as it is committed."""

    customer_id: uuid.UUID
    customer_ref: str | None
    customer_key: str
    method: PaymentMethodPublic
    setup_ref: str | None


async def begin(actor: Actor) -> SetupBegun:
    """Begin to save a card of the actor's, or go on with the one that was begun, and return how the app goes on.

    Raises ``NoCardsHere``, ``TooManyCards``, ``CardNotSaved``, ``CardsSilent``: what is wanted then stays so.
    """
    gateway = chosen_gateway()
    if gateway is None:
        raise NoCardsHere
    try:
        for _ in range(_BEGINNINGS):
            async with unit_of_work() as session:
                wanted = await _want(session, actor, gateway.name)
            if wanted.setup_ref is None or await _look(gateway, wanted.method.id, wanted.setup_ref) == "pending":
                return await _set_up(gateway, wanted)
        raise CardNotSaved(reason="another_was_saved_meanwhile")
    finally:
        await gateway.close()


async def confirm(actor: Actor, method_id: uuid.UUID) -> PaymentMethodPublic:
    """Ask the gateway how a card of the actor's stands that is being saved, and return it as it is then.

    Raises ``NotFound``, ``NoCardsHere``, ``CardsSilent``.
    """
    async with unit_of_work() as session:
        method = await repository.find_method(session, actor.id, method_id)
        if method is None:
            raise NotFound
        asks, setup_ref, of_gateway = method.state == "pending", method.setup_ref, method.gateway
    if asks and setup_ref is not None:
        gateway = chosen_gateway()
        if gateway is None or gateway.name != of_gateway:
            raise NoCardsHere
        try:
            await _look(gateway, method_id, setup_ref)
        finally:
            await gateway.close()
    async with reading() as connection:
        return await views.card_of(connection, actor.id, method_id)


async def setup_told(session: AsyncSession, body: Mapping[str, Any]) -> bool:
    """Let a card be looked at that a webhook ``setup_intent.*`` tells of; return whether it is one of ours.

    One that was removed before the gateway had saved it is then forgotten there.
    """
    found = sa.select(PaymentMethod).where(col(PaymentMethod.setup_ref) == str(body.get("id")))
    method = await session.scalar(found.with_for_update().execution_options(populate_existing=True))
    if method is None:
        return False
    if method.state != "active":
        method.ask_at = clock.now()
        await session.flush()
    return True


def save(method: PaymentMethod, card: Card | None) -> None:
    """Store which card the gateway has saved for a locked row, if it has.

    One that was given up meanwhile is forgotten there: the worker is to ask for it.
    """
    now = clock.now()
    if card is None:
        return
    if method.state == "pending":
        method.state, method.saved_at, method.ask_at = "active", now, None
        method.brand, method.last4 = card.brand, card.last4
        method.expires_month, method.expires_year = card.expires_month, card.expires_year
        method.ref = card.ref
    elif method.state != "active":
        method.ref, method.ask_at = card.ref, now
    method.asked = 0


async def _want(session: AsyncSession, actor: Actor, gateway: str) -> _Wanted:
    """Return the card that is to be saved: what was begun is gone on with."""
    now = clock.now()
    customer = await repository.lock_customer(session, actor, gateway)
    if customer.forget_at is not None or customer.forgotten_at is not None:
        raise NotFound  # they have been erased
    method = await repository.begun(session, customer.id)
    if method is None or rules.is_over(method.created_at, now):
        if await repository.count(session, actor.id) >= rules.MOST:
            raise TooManyCards(most=rules.MOST)
        method = PaymentMethod(
            community_id=actor.community_id,
            account_id=actor.id,
            customer_id=customer.id,
            gateway=gateway,
            ask_at=rules.look_at(now, now),
        )
        session.add(method)
        await session.flush()
    return _Wanted(customer.id, customer.ref, customer_key(customer), views.card(method), method.setup_ref)


def customer_key(customer: Customer) -> str:
    """Return the key a customer is opened under."""
    return f"customer:{customer.id}:{customer.key_no}"


async def _set_up(gateway: Gateway, wanted: _Wanted) -> SetupBegun:
    method_id = wanted.method.id
    customer_ref = wanted.customer_ref or await _open(gateway, wanted)
    try:
        setup = await gateway.begin_setup(f"payment_method:{method_id}", customer_ref)
    except NotAnsweredError as error:
        if error.is_stuck:  # the next try is another row's, under another key
            await _give_up(method_id)
        raise CardsSilent from None
    except NotDoneError as error:
        log.error("setup_refused", code=error.code)  # noqa: TRY400 - a traceback may hold data
        await _give_up(method_id)
        raise CardNotSaved(reason=error.code) from None
    return SetupBegun(payment_method=await _begun(method_id, setup), client_secret=setup.client_secret)


async def _begun(method_id: uuid.UUID, setup: Setup) -> PaymentMethodPublic:
    async with unit_of_work() as session:
        method = await repository.lock_method(session, method_id)
        method.setup_ref = setup.ref
        state, shown = method.state, views.card(method)
    if state in ("removed", "failed"):
        raise CardNotSaved(reason="given_up")
    return shown


async def _open(gateway: Gateway, wanted: _Wanted) -> str:
    try:
        ref = await gateway.open_customer(wanted.customer_key, str(wanted.customer_id))
    except NotAnsweredError as error:
        if error.is_stuck:
            await _use_another_key(wanted)
        raise CardsSilent from None
    except NotDoneError as error:
        await _use_another_key(wanted)
        raise CardNotSaved(reason=error.code) from None
    async with unit_of_work() as session:
        customer = await repository.lock_customer_by_id(session, wanted.customer_id)
        if customer.forgotten_at is not None:
            raise NotFound  # they have been erased, and were opened and forgotten under the same key
        customer.ref = customer.ref or ref
        return customer.ref


async def _use_another_key(wanted: _Wanted) -> None:
    """A customer that was opened and is not known here has nothing: another one is opened."""
    async with unit_of_work() as session:
        customer = await repository.lock_customer_by_id(session, wanted.customer_id)
        if customer_key(customer) == wanted.customer_key:
            customer.key_no += 1


async def _give_up(method_id: uuid.UUID) -> None:
    async with unit_of_work() as session:
        method = await repository.lock_method(session, method_id)
        if method.state == "pending":
            method.state, method.ask_at = "failed", None


async def _look(gateway: Gateway, method_id: uuid.UUID, setup_ref: str) -> str:
    """Ask how a setup stands, store it, and return the state of its card."""
    try:
        card = await gateway.card_of_setup(setup_ref)
    except NotAnsweredError:
        raise CardsSilent from None
    except NotDoneError:
        await _give_up(method_id)
        return "failed"
    async with unit_of_work() as session:
        method = await repository.lock_method(session, method_id)
        save(method, card)
        return method.state
