"""Who is told what of a visit."""

import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.api import duty_desk, organization_members
from notifications.api import Notice, Value, send


async def tell(
    session: AsyncSession,
    notice: Notice,
    visit: sa.Row[Any],
    account_ids: Iterable[uuid.UUID],
    occasion: str,
    **variables: Value,
) -> None:
    """Write ``notice`` about a visit for the accounts; under one ``occasion`` each gets it once."""
    about: dict[str, Value] = {"resident": visit.resident_id, "starts_at": visit.starts_at}
    await send(
        session,
        notice,
        list(dict.fromkeys(account_ids)),
        community_id=visit.community_id,
        dedupe_key=f"visit:{visit.id}:{occasion}",
        variables=about | variables,
        about=visit.resident_id,
        data={"visit_id": str(visit.id), "resident_id": str(visit.resident_id)},
    )


async def agency(
    session: AsyncSession, visit: sa.Row[Any], *, besides: uuid.UUID | None = None, with_desk: bool = False
) -> list[uuid.UUID]:
    """Return who hears of trouble: the agency's coordinators; the duty desk where there are none, or ``with_desk``."""
    connection = await session.connection()
    found = await organization_members(connection, visit.organization_id, "coordinator")
    if with_desk or not found:
        found = [*found, *await duty_desk(connection, visit.community_id)]
    return [account_id for account_id in dict.fromkeys(found) if account_id != besides]
