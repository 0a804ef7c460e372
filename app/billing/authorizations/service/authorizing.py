"""Asking for a promise of money: rows only; the worker asks the gateway once they are committed."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.authorizations import repository
from app.billing.authorizations.models import Authorization, CardPayment
from app.billing.authorizations.problems import NotAuthorized, PaymentMethodUnusable
from app.billing.authorizations.schemas import Authorizing
from app.billing.authorizations.service import telling
from app.billing.cards.models import PaymentMethod
from app.billing.payers import service as payers
from app.billing.payers.models import Payer
from app.billing.payers.problems import NotThePayer, PayerLimit
from app.billing.subsidies.service import reserving
from app.core import clock
from app.core.database import connection_of
from app.core.wall_time import month_around
from app.identity.api import community, resident_accounts


async def authorize(session: AsyncSession, wanted: Authorizing) -> Authorization:
    """Ask for the money and return how it stands: authorized at once if nothing is to be held on a card.

    Something has one live authorization: the database refuses another. Raises ``PaymentMethodUnusable``,
    ``NotThePayer``, ``PayerLimit``.
    """
    agreement = await _agreement(session, wanted)
    method = await _usable(session, wanted.payer_account_id, wanted.payment_method_id)
    authorization = Authorization(
        community_id=wanted.community_id,
        resident_id=wanted.resident_id,
        organization_id=wanted.organization_id,
        payer_account_id=wanted.payer_account_id,
        payer_id=agreement.id if agreement else None,
        reference_kind=wanted.reference_kind,
        reference_id=wanted.reference_id,
        category=wanted.category,
        service_at=wanted.service_at,
        amount=wanted.amount,
        currency=wanted.currency,
        method=wanted.method,
        payment_method_id=wanted.payment_method_id,
        is_present=wanted.is_present,
    )
    if method is None:  # nothing is held on a card: what is left is paid to whoever comes
        await telling.begin_authorized(session, authorization)
    else:
        await repository.add(session, authorization)
    if subsidized := await reserving.reserve_first(session, claim_of(authorization), wanted.amount):
        authorization.subsidy_amount = subsidized  # nothing is flushed where nothing changes
    if agreement is not None:
        await _within(session, agreement, authorization)
    if method is not None:
        own = authorization.amount - authorization.subsidy_amount
        if own == 0:
            await telling.succeed(session, authorization)
        else:
            await hold(session, authorization, method, own)
    return authorization


async def extend(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID, amount: int) -> Authorization:
    """Ask for a promise of ``amount`` in all, more than there is, and return how it stands.

    What more is needed is held beside what is held already: neither is lost if the bank refuses the second.

    Raises ``NotAuthorized`` for something that has no promise to extend, ``PaymentMethodUnusable``, ``NotThePayer`` for
    somebody who pays no longer, ``PayerLimit``.
    """
    authorization = await repository.lock_live(session, reference_kind, reference_id)
    if authorization is None or authorization.state not in ("authorized", "pending", "requires_action"):
        raise NotAuthorized(state=authorization.state if authorization else "none")
    more = amount - authorization.amount
    if more <= 0:
        return authorization
    method = await _usable(session, authorization.payer_account_id, authorization.payment_method_id)
    subsidized = await reserving.reserve(session, claim_of(authorization), amount, at_most=more)
    authorization.amount = amount
    authorization.subsidy_amount += subsidized
    if authorization.payer_id is not None:
        agreement = await payers.payer_of(session, authorization.resident_id, authorization.payer_account_id)
        if agreement is None or agreement.id != authorization.payer_id:
            raise NotThePayer  # what was promised stays promised, and is no more
        await _within(session, agreement, authorization)
    if method is not None and more > subsidized:
        await hold(session, authorization, method, more - subsidized)
    await session.flush()
    return authorization


async def hold(
    session: AsyncSession,
    authorization: Authorization,
    method: PaymentMethod,
    amount: int,
    *,
    replaces: CardPayment | None = None,
) -> CardPayment:
    """Wish for an amount to be held on a card, and return the row that says so.

    ``replaces`` is a hold that lapses or has lapsed: nobody is there to prove who they are, and what was to be taken of
    it is to be taken of this one.
    """
    payment = CardPayment(
        community_id=authorization.community_id,
        resident_id=authorization.resident_id,
        payer_account_id=authorization.payer_account_id,
        authorization_id=authorization.id,
        replaces_id=replaces.id if replaces else None,
        payment_method_id=method.id,
        gateway=method.gateway,
        amount=amount,
        currency=authorization.currency,
        is_present=authorization.is_present and replaces is None,
        capture_amount=replaces.capture_amount if replaces else None,
        ask_at=clock.now(),
    )
    session.add(payment)
    await session.flush()
    return payment


async def _agreement(session: AsyncSession, wanted: Authorizing) -> Payer | None:
    """Return the agreement by which somebody else pays, locked; ``None`` for the resident and for who orders."""
    if wanted.payer_account_id == wanted.ordered_by:
        return None
    of_residents = await resident_accounts(connection_of(session), [wanted.resident_id])
    if wanted.payer_account_id == of_residents.get(wanted.resident_id):
        return None
    found = await payers.payer_of(session, wanted.resident_id, wanted.payer_account_id)
    if found is None:
        raise NotThePayer
    return found


async def _within(session: AsyncSession, agreement: Payer, authorization: Authorization) -> None:
    """Raise ``PayerLimit`` if it is more in the month of the wall than the payer agreed to; they are locked."""
    if agreement.month_limit is None or authorization.method != "card":
        return
    await session.flush()
    place = await community(connection_of(session), authorization.community_id)
    since, until = month_around(authorization.service_at, place.time_zone)
    promised = await repository.promised_by(session, agreement.id, since, until)
    if promised > agreement.month_limit:
        own = authorization.amount - authorization.subsidy_amount
        raise PayerLimit(left_amount=max(0, agreement.month_limit - promised + own))


def claim_of(authorization: Authorization) -> reserving.Claim:
    """Return for what programmes are to pay of something that is authorized."""
    return reserving.Claim(
        authorization_id=authorization.id,
        community_id=authorization.community_id,
        resident_id=authorization.resident_id,
        category=authorization.category,
        currency=authorization.currency,
        service_at=authorization.service_at,
    )


async def _usable(
    session: AsyncSession, account_id: uuid.UUID, payment_method_id: uuid.UUID | None
) -> PaymentMethod | None:
    if payment_method_id is None:
        return None
    # Held as it is until this is committed: nobody removes it meanwhile.
    method = await session.get(PaymentMethod, payment_method_id, with_for_update={"read": True}, populate_existing=True)
    if method is None or method.account_id != account_id or method.state != "active":
        raise PaymentMethodUnusable
    return method
