"""What those hear who are asked to take an order: when it is, not whose it is."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from community.order_dispatch import notices
from community.orders.models import Order
from notifications.api import send


async def ask(session: AsyncSession, row: Order, account_ids: Sequence[uuid.UUID], until: datetime, wave: int) -> None:
    """Ask who takes an order."""
    await send(
        session,
        notices.OFFERED,
        account_ids,
        community_id=row.community_id,
        dedupe_key=f"order:{row.id}:offered:{until.isoformat()}:{wave}",
        variables={"starts_at": row.starts_at, "until": until},
        data={"order_id": str(row.id)},
        expires_at=until,
    )


async def ask_no_more(session: AsyncSession, row: Order, account_ids: Sequence[uuid.UUID]) -> None:
    """Say that an order is not to be taken any more."""
    await send(
        session,
        notices.OFFER_GONE,
        account_ids,
        community_id=row.community_id,
        dedupe_key=f"order:{row.id}:offer_gone:{row.version}",
        variables={"starts_at": row.starts_at},
        data={"order_id": str(row.id)},
    )
