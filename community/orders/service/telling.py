"""Who is told what of an order: who waits, who comes, who answers for it."""

import uuid
from collections.abc import Iterable
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import connection_of
from app.identity.api import granted_accounts, members_of, operator_staff
from community.orders import repository
from community.orders.access import READ
from community.orders.models import Order
from notifications.api import Notice, Value, send

_granted = granted_accounts(READ).subquery("granted")
_MAY_STILL: Final = sa.select(_granted.c.account_id).where(
    _granted.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    _granted.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
)


class Ordered(Protocol):
    """An order, or what orders are made of."""

    community_id: uuid.UUID
    resident_id: uuid.UUID
    account_id: uuid.UUID
    ordered_by: uuid.UUID
    organization_id: uuid.UUID


async def tell(
    session: AsyncSession, notice: Notice, row: Order, account_ids: Iterable[uuid.UUID], occasion: str, **more: Value
) -> None:
    """Write ``notice`` about an order for the accounts; under one ``occasion`` each gets it once."""
    about: dict[str, Value] = {"resident": row.resident_id, "starts_at": row.starts_at}
    accounts = list(dict.fromkeys(account_ids))
    if not accounts:
        return
    await send(
        session,
        notice,
        accounts,
        community_id=row.community_id,
        dedupe_key=f"order:{row.id}:{occasion}",
        variables=about | more,
        about=row.resident_id,
        data={"order_id": str(row.id), "resident_id": str(row.resident_id)},
    )


async def waiting(session: AsyncSession, row: Ordered, *, besides: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Return who waits: the resident, and whoever ordered for them and may still know of it."""
    found = [row.account_id]
    if row.ordered_by != row.account_id:
        binds = {"resident_id": row.resident_id, "account_id": row.ordered_by, "granted_at": clock.now()}
        found += list(await session.scalars(_MAY_STILL, binds))
    return [account_id for account_id in found if account_id != besides]


async def waiting_for(session: AsyncSession, order_id: uuid.UUID) -> list[uuid.UUID]:
    """Return who waits for an order, as ``waiting`` does; raises ``NotFound``."""
    return await waiting(session, await repository.locked(session, order_id))


async def provider(
    session: AsyncSession, row: Ordered, *, besides: uuid.UUID | None = None, with_operator: bool = False
) -> list[uuid.UUID]:
    """Return who answers for an order: the provider's coordinators; operators where there are none, or with them."""
    connection = connection_of(session)
    found = (await members_of(connection, [row.organization_id], "coordinator"))[row.organization_id]
    if with_operator or not found:
        found = [*found, *await operator(session, row)]
    return [account_id for account_id in dict.fromkeys(found) if account_id != besides]


async def operator(session: AsyncSession, row: Ordered) -> list[uuid.UUID]:
    """Return the community's operators."""
    return await operator_staff(connection_of(session), row.community_id, "operator")
