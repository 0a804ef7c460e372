"""The SQL that locks what payouts are made of, and moves what charges were paid out.

Locks are taken in one order: the account, then the transfer, then charges by their id.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.charges.models import CHARGES, PlatformFee
from app.billing.payouts.models import ITEMS, PayoutAccount, PayoutTerms, Transfer, TransferItem
from app.billing.payouts.standings import NAMED_CHARGES, UNSETTLED_CHARGES
from app.core import clock

_c = CHARGES.c
_ids = sa.bindparam("charge_ids", type_=ARRAY(sa.Uuid))
_LOCKED: Final = UNSETTLED_CHARGES.with_for_update()
_NAMED: Final = NAMED_CHARGES.with_for_update()
_moved: Final = (
    sa.func.unnest(_ids, sa.bindparam("amounts", type_=ARRAY(sa.BigInteger)))
    .table_valued("id", "amount")
    .render_derived("moved")
)
_PAID_OUT: Final = (
    sa.update(CHARGES)
    .where(_c.id == _moved.c.id)
    .values(
        paid_out_amount=_c.paid_out_amount + _moved.c.amount,
        updated_at=sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        version=_c.version + 1,
    )
)
_ITEMS: Final = (
    sa.select(ITEMS.c.charge_id, ITEMS.c.amount)
    .where(ITEMS.c.transfer_id == sa.bindparam("transfer_id", type_=sa.Uuid))
    .order_by(ITEMS.c.charge_id)
)


async def lock_account(session: AsyncSession, organization_id: uuid.UUID, gateway: str) -> PayoutAccount | None:
    """Return an organization's account at a gateway, locked, or ``None``: one transfer is drawn at a time."""
    found = sa.select(PayoutAccount).where(
        col(PayoutAccount.organization_id) == organization_id, col(PayoutAccount.gateway) == gateway
    )
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def lock_account_by_id(session: AsyncSession, account_id: uuid.UUID) -> PayoutAccount:
    """Return an account, locked."""
    return await session.get_one(PayoutAccount, account_id, with_for_update=True, populate_existing=True)


async def lock_transfer(session: AsyncSession, transfer_id: uuid.UUID) -> Transfer:
    """Return a transfer, locked; its account is locked before."""
    return await session.get_one(Transfer, transfer_id, with_for_update=True, populate_existing=True)


async def terms_of(session: AsyncSession, organization_id: uuid.UUID, *, lock: bool = True) -> PayoutTerms | None:
    """Return an organization's terms, or ``None``; whoever holds an account does not wait for them."""
    found = sa.select(PayoutTerms).where(col(PayoutTerms.organization_id) == organization_id)
    return await session.scalar((found.with_for_update() if lock else found).execution_options(populate_existing=True))


async def fee_of(session: AsyncSession, organization_id: uuid.UUID) -> PlatformFee | None:
    """Return what the platform keeps, locked, or ``None``."""
    found = sa.select(PlatformFee).where(col(PlatformFee.organization_id) == organization_id)
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def lock_unsettled(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[Any]:
    """Return the unsettled charges of an organization, locked."""
    return (await session.execute(_LOCKED, {"organization_id": organization_id})).all()


async def lock_named(
    session: AsyncSession, organization_id: uuid.UUID, charge_ids: Collection[uuid.UUID]
) -> Sequence[Any]:
    """Return some charges of an organization, locked."""
    binds = {"organization_id": organization_id, "charge_ids": sorted(charge_ids)}
    return (await session.execute(_NAMED, binds)).all()


async def add_items(session: AsyncSession, transfer_id: uuid.UUID, amounts: Mapping[uuid.UUID, int]) -> None:
    """Say which charges a transfer is for, and count it as paid out of them, which are locked."""
    rows = [TransferItem(transfer_id=transfer_id, charge_id=one, amount=amounts[one]) for one in sorted(amounts)]
    session.add_all(rows)
    await session.flush()
    await _pay_out(session, amounts)


async def take_items_back(session: AsyncSession, transfer_id: uuid.UUID, *, forget: bool = False) -> None:
    """Count what a transfer was to bring as not paid out; ``forget``: it is drawn anew."""
    rows = (await session.execute(_ITEMS, {"transfer_id": transfer_id})).all()
    locked = sa.select(_c.id).where(_c.id == sa.any_(_ids)).order_by(_c.id).with_for_update()
    await session.execute(locked, {"charge_ids": [row.charge_id for row in rows]})
    await _pay_out(session, {row.charge_id: -row.amount for row in rows})
    if forget:
        await session.execute(sa.delete(ITEMS).where(ITEMS.c.transfer_id == transfer_id))


async def _pay_out(session: AsyncSession, amounts: Mapping[uuid.UUID, int]) -> None:
    ids = sorted(amounts)
    binds = {"charge_ids": ids, "amounts": [amounts[one] for one in ids], "now": clock.now()}
    await session.execute(_PAID_OUT, binds)
