"""The SQL that locks customers and cards: always the customer first."""

import uuid
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.authorizations.models import CARD_PAYMENTS
from app.billing.authorizations.rules import ENDED
from app.billing.cards.models import CUSTOMERS, METHODS, Customer, PaymentMethod
from app.core import clock
from app.core.access import Actor

_m = METHODS.c
_HAD: Final = ("pending", "active")


async def lock_customer(session: AsyncSession, actor: Actor, gateway: str) -> Customer:
    """Return whom a gateway knows the actor as, locked; the row is made for who has none."""
    now = clock.now()
    made = {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "community_id": actor.community_id,
        "account_id": actor.id,
        "gateway": gateway,
        "key_no": 1,
        "asked": 0,
        "fence": 0,
    }
    await session.execute(insert(CUSTOMERS).values(made).on_conflict_do_nothing())
    found = sa.select(Customer).where(col(Customer.account_id) == actor.id, col(Customer.gateway) == gateway)
    return (await session.scalars(found.with_for_update().execution_options(populate_existing=True))).one()


async def lock_customer_by_id(session: AsyncSession, customer_id: uuid.UUID) -> Customer:
    """Return a customer, locked."""
    return await session.get_one(Customer, customer_id, with_for_update=True, populate_existing=True)


async def lock_method(session: AsyncSession, method_id: uuid.UUID) -> PaymentMethod:
    """Return a card, locked."""
    return await session.get_one(PaymentMethod, method_id, with_for_update=True, populate_existing=True)


async def find_method(session: AsyncSession, account_id: uuid.UUID, method_id: uuid.UUID) -> PaymentMethod | None:
    """Return a card that somebody has, or is about to have, locked, or ``None``."""
    method = await session.get(PaymentMethod, method_id, with_for_update=True, populate_existing=True)
    return method if method is not None and method.account_id == account_id and method.state in _HAD else None


async def begun(session: AsyncSession, customer_id: uuid.UUID) -> PaymentMethod | None:
    """Return the last card a locked customer began to save and has not, locked, or ``None``."""
    found = sa.select(PaymentMethod).where(
        col(PaymentMethod.customer_id) == customer_id, col(PaymentMethod.state) == sa.literal("pending", sa.Text)
    )
    latest = found.order_by(_m.id.desc()).limit(1).with_for_update().execution_options(populate_existing=True)
    return await session.scalar(latest)


async def count(session: AsyncSession, account_id: uuid.UUID) -> int:
    """Return how many cards somebody has, or is about to have."""
    had = sa.select(sa.func.count()).where(_m.account_id == account_id, _m.state.in_(_HAD))
    return int(await session.scalar(had) or 0)


async def payments_under_way(session: AsyncSession, method: PaymentMethod) -> int:
    """Return for how many things money is held on a locked card, or about to be."""
    p = CARD_PAYMENTS.c
    held = sa.select(sa.func.count(p.authorization_id.distinct())).where(
        p.payer_account_id == method.account_id,
        p.payment_method_id == method.id,
        p.state.not_in([sa.literal(state, sa.Text) for state in sorted(ENDED)]),
    )
    return int(await session.scalar(held) or 0)


async def remove_all(session: AsyncSession, account_id: uuid.UUID) -> None:
    """Let somebody have no cards any more, and the gateway know them no longer: it is asked once this is committed."""
    now, c = clock.now(), CUSTOMERS.c
    known = sa.select(c.id).where(c.account_id == account_id, c.forgotten_at.is_(None)).order_by(c.id)
    ids = list(await session.scalars(known.with_for_update()))
    changed = {"updated_at": now}
    await session.execute(
        sa.update(CUSTOMERS)
        .where(c.id.in_(ids), c.forget_at.is_(None))
        .values(**changed, forget_at=now, version=c.version + 1)
    )
    await session.execute(
        sa.update(METHODS)
        .where(_m.customer_id.in_(ids), _m.state.in_(_HAD))
        .values(**changed, state="removed", removed_at=now, ask_at=None, version=_m.version + 1)
    )
