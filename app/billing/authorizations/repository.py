"""The SQL that locks authorizations and their card payments: always the authorization first."""

import uuid
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.authorizations.models import AUTHORIZATIONS, CARD_PAYMENTS, Authorization, CardPayment, CardRefund
from app.billing.authorizations.rules import OVER
from app.billing.events import AuthorizationSucceeded
from app.core.database import connection_of, know
from app.core.events import TOLD, EmittingStatement, told_binds
from app.core.statements import Insertion

_ADD: Final = Insertion(AUTHORIZATIONS)
_COLUMNS: Final = AUTHORIZATIONS.c.keys()
_ADD_AND_TELL: Final = EmittingStatement(
    AuthorizationSucceeded,
    sa.insert(AUTHORIZATIONS)
    .values({name: sa.bindparam(f"given_{name}") for name in _COLUMNS})
    .returning(AUTHORIZATIONS.c.id.label("aggregate_id"), AUTHORIZATIONS.c.community_id, *TOLD),
    lambda added: sa.select(added.c.aggregate_id),
)
_NOT_TAKEN: Final = frozenset({"cancelled", "declined", "lapsed"})


async def add(session: AsyncSession, authorization: Authorization) -> None:
    """Insert an authorization, which nobody else sees before this commits."""
    await _ADD.of(connection_of(session), authorization)
    know(session, authorization)


async def add_authorized(session: AsyncSession, authorization: Authorization, told: AuthorizationSucceeded) -> None:
    """Insert an authorization, as ``add`` does, that succeeds at once, and tell of it."""
    binds = {f"given_{name}": getattr(authorization, name) for name in _COLUMNS}
    await _ADD_AND_TELL.row(session, binds | told_binds(told))
    know(session, authorization)


async def lock(session: AsyncSession, authorization_id: uuid.UUID) -> Authorization:
    """Return an authorization, locked."""
    return await session.get_one(Authorization, authorization_id, with_for_update=True, populate_existing=True)


async def lock_unless_held(session: AsyncSession, authorization_id: uuid.UUID) -> Authorization | None:
    """Return an authorization, locked, or ``None`` if somebody else holds it."""
    found = sa.select(Authorization).where(col(Authorization.id) == authorization_id)
    return await session.scalar(found.with_for_update(skip_locked=True).execution_options(populate_existing=True))


async def lock_live(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID) -> Authorization | None:
    """Return the authorization of something that still promises money, or has been settled, locked; or ``None``."""
    found = sa.select(Authorization).where(
        col(Authorization.reference_kind) == reference_kind,
        col(Authorization.reference_id) == reference_id,
        col(Authorization.state).not_in([sa.literal(state, sa.Text) for state in sorted(OVER)]),
    )
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def lock_lost(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID) -> Authorization | None:
    """Return the last authorization of something if it failed or lapsed, locked; or ``None``."""
    found = (
        sa.select(Authorization)
        .where(col(Authorization.reference_kind) == reference_kind, col(Authorization.reference_id) == reference_id)
        .order_by(col(Authorization.id).desc())
        .limit(1)
    )
    row = await session.scalar(found.with_for_update().execution_options(populate_existing=True))
    return row if row is not None and row.state in ("failed", "lapsed") else None


async def lock_card_payments(session: AsyncSession, authorization_id: uuid.UUID) -> list[CardPayment]:
    """Return the card payments of a locked authorization, the first one first, locked."""
    found = (
        sa.select(CardPayment)
        .where(col(CardPayment.authorization_id) == authorization_id)
        .order_by(CARD_PAYMENTS.c.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list((await session.scalars(found)).all())


async def lock_card_payment(
    session: AsyncSession, card_payment_id: uuid.UUID
) -> tuple[Authorization, CardPayment, list[CardPayment]]:
    """Return a card payment with its authorization and all of that one's card payments, locked."""
    authorization_id = await session.scalar(
        sa.select(CARD_PAYMENTS.c.authorization_id).where(CARD_PAYMENTS.c.id == card_payment_id)
    )
    if authorization_id is None:
        raise LookupError("there is no such card payment")
    authorization = await lock(session, authorization_id)
    payments = await lock_card_payments(session, authorization.id)
    return authorization, next(one for one in payments if one.id == card_payment_id), payments


async def lock_refund(session: AsyncSession, refund_id: uuid.UUID) -> CardRefund:
    """Return a card refund, locked; its authorization is locked before."""
    return await session.get_one(CardRefund, refund_id, with_for_update=True, populate_existing=True)


async def promised_by(session: AsyncSession, payer_id: uuid.UUID, since: datetime, until: datetime) -> int:
    """Return what somebody pays under an agreement for what is done from ``since`` to ``until``, in minor units.

    Of what is settled it is what was taken, or is about to be; of everything else what was promised.
    """
    a, c = AUTHORIZATIONS.c, CARD_PAYMENTS.c
    taken = (
        sa.select(sa.func.coalesce(sa.func.sum(sa.func.coalesce(c.capture_amount, 0)), 0))
        .where(c.authorization_id == a.id, c.state.not_in([sa.literal(one, sa.Text) for one in sorted(_NOT_TAKEN)]))
        .scalar_subquery()
    )
    found = sa.select(
        sa.func.sum(sa.case((a.state == sa.literal("settled", sa.Text), taken), else_=a.amount - a.subsidy_amount))
    ).where(
        a.payer_id == payer_id,
        a.service_at >= since,
        a.service_at < until,
        a.method == sa.literal("card", sa.Text),
        a.state.not_in([sa.literal(state, sa.Text) for state in sorted(OVER)]),
    )
    return int(await session.scalar(found) or 0)
