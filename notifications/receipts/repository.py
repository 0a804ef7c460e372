"""The SQL of receipts: deliveries found and locked in one order, marked, and given up on when the wait is over."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from notifications.delivery.models import DELIVERIES
from notifications.delivery.rules import first_id
from notifications.receipts.rules import Mark, state_after
from notifications.sending.repository import Told, columns_of

_INSTANT = sa.DateTime(timezone=True)
_IDS = ARRAY(sa.Uuid)


@dataclass(frozen=True, slots=True)
class Known(Told):
    """What a receipt has to know of a delivery, as it was before."""

    state: str
    attempts: int
    settled_at: datetime | None
    receipt_by: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None


_KNOWN = columns_of(Known)
_owner = sa.bindparam("owner", type_=sa.Uuid)
_recent = DELIVERIES.c.id >= sa.bindparam("first_id", type_=sa.Uuid)  # leaves out the months before
_named = sa.union_all(
    sa.select(DELIVERIES.c.id).where(DELIVERIES.c.id == sa.any_(sa.bindparam("delivery_ids", type_=_IDS)), _recent),
    sa.select(DELIVERIES.c.id).where(
        DELIVERIES.c.notice_id == sa.any_(sa.bindparam("notice_ids", type_=_IDS)), _recent
    ),
)
_LOCK = (
    sa.select(*_KNOWN)
    .where(DELIVERIES.c.id.in_(_named), sa.or_(_owner.is_(None), DELIVERIES.c.account_id == _owner))
    .order_by(DELIVERIES.c.id)  # in one order everywhere: two batches never deadlock
    .with_for_update(key_share=True)
)

_marks = (
    sa.func.unnest(
        sa.bindparam("mark_ids", type_=_IDS),
        sa.bindparam("states", type_=ARRAY(sa.Text)),
        sa.bindparam("delivered_ats", type_=ARRAY(_INSTANT)),
        sa.bindparam("opened_ats", type_=ARRAY(_INSTANT)),
    )
    .table_valued("id", "state", sa.column("delivered_at", _INSTANT), sa.column("opened_at", _INSTANT))
    .render_derived("mark")
)
_is_under_lease = _marks.c.state == sa.literal_column("'sending'")
_MARK = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.id == _marks.c.id)
    .values(
        state=_marks.c.state,
        send_at=sa.case((_is_under_lease, DELIVERIES.c.send_at)),
        settled_at=sa.case(
            (_is_under_lease, DELIVERIES.c.settled_at),
            else_=sa.func.coalesce(DELIVERIES.c.settled_at, sa.bindparam("now", type_=_INSTANT)),
        ),
        receipt_by=None,
        delivered_at=sa.func.coalesce(DELIVERIES.c.delivered_at, _marks.c.delivered_at),
        opened_at=sa.func.coalesce(DELIVERIES.c.opened_at, _marks.c.opened_at),
    )
)
_TAKE_BACK = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.notice_id == sa.any_(sa.bindparam("notice_ids", type_=_IDS)), _recent)
    .values(
        state="suppressed", send_at=None, error="confirmed_otherwise", settled_at=sa.bindparam("now", type_=_INSTANT)
    )
)
_CANCEL_FALLBACKS = _TAKE_BACK.where(DELIVERIES.c.fallback_of.is_not(None), DELIVERIES.c.state.in_(["queued", "held"]))
_CANCEL_HELD = _TAKE_BACK.where(DELIVERIES.c.state == sa.literal_column("'held'")).returning(*_KNOWN)
_GIVE_UP = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.id == sa.any_(sa.bindparam("delivery_ids", type_=_IDS)), DELIVERIES.c.receipt_by.is_not(None))
    .values(state="unconfirmed", receipt_by=None, error="no_receipt")
    .returning(*_KNOWN)
)


async def lock(
    session: AsyncSession,
    delivery_ids: Sequence[uuid.UUID],
    notice_ids: Sequence[uuid.UUID],
    owner: uuid.UUID | None = None,
) -> list[Known]:
    """Lock the deliveries that are named or of a notice that is, of the account ``owner`` if one is given."""
    binds = {
        "delivery_ids": list(delivery_ids),
        "notice_ids": list(notice_ids),
        "owner": owner,
        "first_id": first_id([*delivery_ids, *notice_ids]),
    }
    return [Known(*row) for row in await session.execute(_LOCK, binds)]


async def mark(session: AsyncSession, marked: Sequence[tuple[Known, Mark]]) -> None:
    """Store what is known now of locked deliveries; the first time anything was said stays."""
    binds = {
        "mark_ids": [known.id for known, _ in marked],
        "states": [state_after(known.state) for known, _ in marked],
        "delivered_ats": [mark.delivered_at for _, mark in marked],
        "opened_ats": [mark.opened_at for _, mark in marked],
        "now": clock.now(),
    }
    await session.execute(_MARK, binds)


async def cancel_fallbacks(session: AsyncSession, notice_ids: Sequence[uuid.UUID]) -> None:
    """Take back what is to go in place of deliveries of these notices that have arrived after all."""
    await session.execute(_CANCEL_FALLBACKS, _of_notices(notice_ids))


async def cancel_held(session: AsyncSession, notice_ids: Sequence[uuid.UUID]) -> list[Known]:
    """Take back what still waits to tell of notices that have been read; return these deliveries."""
    return [Known(*row) for row in await session.execute(_CANCEL_HELD, _of_notices(notice_ids))]


def _of_notices(notice_ids: Sequence[uuid.UUID]) -> Mapping[str, object]:
    return {"notice_ids": list(notice_ids), "first_id": first_id(notice_ids), "now": clock.now()}


async def give_up(session: AsyncSession, delivery_ids: Sequence[uuid.UUID]) -> list[Known]:
    """End the wait for the receipts of deliveries; return those that are unconfirmed now."""
    return [Known(*row) for row in await session.execute(_GIVE_UP, {"delivery_ids": list(delivery_ids)})]
