"""The SQL that reads tips."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.problems import NotFound
from community.orders.access import Subject
from community.tips.models import TIPS
from community.tips.schemas import TipPublic

_LAST: Final = (
    sa.select(TIPS)
    .where(TIPS.c.order_id == sa.bindparam("order_id", type_=sa.Uuid))
    .order_by(TIPS.c.id.desc())
    .limit(1)
)


async def of_order(connection: AsyncConnection, actor: Actor, subject: Subject) -> TipPublic:
    """Return the last tip for an order whose reader's rights were checked; raises ``NotFound``."""
    if actor.resident_id != subject.resident_id:
        await audit.record(connection, actor, "tip:read", resident_id=subject.resident_id, object_id=subject.id)
    row = (await connection.execute(_LAST, {"order_id": subject.id})).one_or_none()
    if row is None:
        raise NotFound
    return public(row)


def public(row: Any) -> TipPublic:
    """Return a tip as it is shown."""
    return TipPublic(**{name: getattr(row, name) for name in TipPublic.model_fields})
