"""Saved cards over HTTP: everybody's own, and nobody else's."""

import uuid
from datetime import timedelta
from typing import Final

from fastapi import Depends

from app.billing.wallet import views
from app.billing.wallet.problems import CardInUse, CardNotSaved, CardsSilent, NoCardsHere, TooManyCards
from app.billing.wallet.schemas import PaymentMethodPublic, SetupBegun
from app.billing.wallet.service import removing, saving
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import Person

router = Router(tags=["billing"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ALL: Final = "/me/payment-methods"
_ASKS: Final = [Depends(rate_limited("payment_methods", Rate(30, timedelta(minutes=10)), by="actor"))]


@router.get(_ALL, responses=problem_responses(Unauthenticated, Forbidden))
async def list_payment_methods(connection: Reading, actor: Person) -> Page[PaymentMethodPublic]:
    """List the cards you have saved, and the one you are about to, the last one first."""
    return Page(items=await views.cards_of(connection, actor.id), next=None)


@router.post(
    _ALL,
    status_code=201,
    dependencies=_ASKS,
    responses=problem_responses(*_GUARDED, NoCardsHere, TooManyCards, CardNotSaved, CardsSilent),
)
@route_options(database=False, idempotency=False)
async def begin_payment_method(actor: Person) -> SetupBegun:
    """Begin to save a card, or go on with what you began: asked again, it answers the same."""
    return await saving.begin(actor)


@router.post(
    f"{_ALL}/{{payment_method_id}}/confirmation",
    dependencies=_ASKS,
    responses=problem_responses(*_GUARDED, NoCardsHere, CardsSilent),
)
@route_options(database=False, idempotency=False)
async def confirm_payment_method(actor: Person, payment_method_id: uuid.UUID) -> PaymentMethodPublic:
    """Say that the card was given: the gateway is asked, and the card is `active` if it has saved it."""
    return await saving.confirm(actor, payment_method_id)


@router.delete(f"{_ALL}/{{payment_method_id}}", status_code=204, responses=problem_responses(*_GUARDED, CardInUse))
async def remove_payment_method(session: Session, actor: Person, payment_method_id: uuid.UUID) -> None:
    """Remove a card, unless something is still to be paid with it."""
    await removing.remove(session, actor, payment_method_id)
