"""The SQL that reads saved cards: one's own alone."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.cards.models import METHODS
from app.billing.wallet.schemas import PaymentMethodPublic
from app.core.problems import NotFound

_m = METHODS.c
_OWN: Final = (
    sa.select(METHODS)
    .where(_m.account_id == sa.bindparam("of_account", type_=sa.Uuid), _m.state.in_(["pending", "active"]))
    .order_by(_m.id.desc())
)
_ONE: Final = sa.select(METHODS).where(
    _m.id == sa.bindparam("method_id", type_=sa.Uuid), _m.account_id == sa.bindparam("of_account", type_=sa.Uuid)
)


async def cards_of(connection: AsyncConnection, account_id: uuid.UUID) -> list[PaymentMethodPublic]:
    """Return the cards somebody has saved or is about to, the last one first: there are few."""
    return [card(row) for row in await connection.execute(_OWN, {"of_account": account_id})]


async def card_of(connection: AsyncConnection, account_id: uuid.UUID, method_id: uuid.UUID) -> PaymentMethodPublic:
    """Return one card of somebody's; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"of_account": account_id, "method_id": method_id})).one_or_none()
    if row is None:
        raise NotFound
    return card(row)


def card(row: Any) -> PaymentMethodPublic:
    """Return a card as it is shown."""
    return PaymentMethodPublic(**{name: getattr(row, name) for name in PaymentMethodPublic.model_fields})
