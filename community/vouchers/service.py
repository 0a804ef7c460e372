"""Keeping vouchers: made once, put aside when they are not to count any more."""

import uuid

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import Member, community
from app.reservations.api import open_pool
from community.vouchers import rules
from community.vouchers.models import VOUCHERS, Voucher
from community.vouchers.problems import VoucherExists
from community.vouchers.schemas import VoucherCreate


async def create(session: AsyncSession, member: Member, organization_id: uuid.UUID, data: VoucherCreate) -> Voucher:
    """Make a voucher with so many uses, and return it; raises ``VoucherExists``."""
    connection = await session.connection()
    voucher_id = clock.new_id()
    pool_id = await open_pool(
        session,
        community_id=member.community_id,
        kind=rules.POOL,
        subject_id=voucher_id,
        capacity=data.max_uses,
        ends_at=data.valid_until,
    )
    row = Voucher(
        id=voucher_id,
        community_id=member.community_id,
        organization_id=organization_id,
        name=data.name,
        code_digest=rules.digest(member.community_id, data.code),
        code_end=rules.normalized(data.code)[-2:],
        percent=data.percent,
        amount=data.amount,
        currency=(await community(connection, member.community_id)).currency,
        valid_from=data.valid_from,
        valid_until=data.valid_until,
        product_ids=data.product_ids,
        pool_id=pool_id,
    )
    values = {column.name: getattr(row, column.name) for column in VOUCHERS.c}
    entered = insert(VOUCHERS).values(values).on_conflict_do_nothing().returning(VOUCHERS.c.id)
    if (await session.execute(entered)).first() is None:
        raise VoucherExists
    await _record(session, member.actor, "voucher:create", row.id)
    return row


async def retire(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, voucher_id: uuid.UUID) -> Voucher:
    """Have a voucher count no more, and return it: what was bought with it stays so. Raises ``NotFound``."""
    row = await session.get(Voucher, voucher_id, with_for_update=True)
    if row is None or row.organization_id != organization_id:
        raise NotFound
    if row.is_active:
        row.is_active = False
        await session.flush()
        await _record(session, actor, "voucher:retire", row.id)
    return row


async def _record(session: AsyncSession, actor: Actor, action: str, voucher_id: uuid.UUID) -> None:
    await audit.record(session, actor, action, object_id=voucher_id)
