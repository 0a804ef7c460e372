"""Who is told what of a series: who waits for it, and the provider."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from community.order_series.models import OrderSeries
from notifications.api import Notice, send


async def tell(
    session: AsyncSession,
    notice: Notice,
    series: OrderSeries,
    account_ids: Iterable[uuid.UUID],
    occasion: str,
    starts_at: datetime,
) -> None:
    """Write ``notice`` about a series for the accounts; under one ``occasion`` each gets it once."""
    accounts = list(dict.fromkeys(account_ids))
    if not accounts:
        return
    await send(
        session,
        notice,
        accounts,
        community_id=series.community_id,
        dedupe_key=f"order_series:{series.id}:{occasion}",
        variables={"resident": series.resident_id, "starts_at": starts_at},
        about=series.resident_id,
        data={"series_id": str(series.id), "resident_id": str(series.resident_id)},
    )
