"""Taking a receipt: the first of its kind counts."""

import uuid
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from notifications.delivery.models import DELIVERIES

_AT = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_RECORD = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.id == sa.bindparam("delivery_id", type_=sa.Uuid))
    .values(
        delivered_at=sa.func.coalesce(DELIVERIES.c.delivered_at, _AT),
        opened_at=sa.case(
            (
                sa.bindparam("kind", type_=sa.Text) == sa.literal("opened", sa.Text),
                sa.func.coalesce(DELIVERIES.c.opened_at, _AT),
            ),
            else_=DELIVERIES.c.opened_at,
        ),
    )
)


async def record_receipt(
    session: AsyncSession, delivery_id: uuid.UUID, kind: Literal["delivered", "opened"], at: datetime
) -> None:
    """Note that a delivery reached its phone, or that a person reacted to it, which says that it reached it too."""
    await session.execute(_RECORD, {"delivery_id": delivery_id, "kind": kind, "at": at})
