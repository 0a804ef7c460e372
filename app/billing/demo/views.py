"""The SQL that reads what the local twin took."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.demo.schemas import TwinPayment
from app.billing.gateways.models import LOCAL_PAYMENTS

NEWEST: Final = 100
_NEWEST: Final = (
    sa.select(LOCAL_PAYMENTS.c.created_at, LOCAL_PAYMENTS.c.body)
    .where(LOCAL_PAYMENTS.c.kind == sa.literal("intent", sa.Text))
    .order_by(LOCAL_PAYMENTS.c.id.desc())
    .limit(NEWEST)
)


async def newest(connection: AsyncConnection) -> list[TwinPayment]:
    """Return the newest payments, the last one first."""
    return [
        TwinPayment(
            at=row.created_at,
            status=row.body["status"],
            last4=row.body.get("last4"),
            currency=row.body["currency"],
            amount=row.body["amount"],
            received=row.body["received"],
            refunded=row.body["refunded"],
        )
        for row in await connection.execute(_NEWEST)
    ]
