"""The SQL that begins, locks and ends searches, and changes offers by compare-and-swap."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from community.order_dispatch.models import OFFERS, SEARCHES, OrderSearch
from community.order_dispatch.rules import OfferState

_IDS: Final = ARRAY(sa.Uuid)
_INSTANT: Final = sa.DateTime(timezone=True)
_order_ids = sa.bindparam("order_ids", type_=_IDS)
_locked = sa.select(OrderSearch).with_for_update().execution_options(populate_existing=True)
_BY_ID: Final = _locked.where(col(OrderSearch.id) == sa.any_(sa.bindparam("ids", type_=_IDS))).order_by(
    col(OrderSearch.order_id)
)
_BY_ORDER: Final = _locked.where(col(OrderSearch.order_id) == sa.any_(_order_ids)).order_by(col(OrderSearch.order_id))
_ASKED: Final = sa.select(OFFERS.c.worker_id).where(
    OFFERS.c.order_id == sa.bindparam("order_id", type_=sa.Uuid),
    OFFERS.c.offered_at >= sa.bindparam("since", type_=_INSTANT),
)
_OPEN: Final = sa.select(sa.func.min(OFFERS.c.answer_by)).where(
    OFFERS.c.order_id == sa.bindparam("order_id", type_=sa.Uuid), OFFERS.c.state == sa.literal("offered", sa.Text)
)


async def begin(session: AsyncSession, order_id: uuid.UUID, resident_id: uuid.UUID, mode: str | None = None) -> None:
    """Look for somebody from now on, from the beginning; ``mode`` is the provider's choice for this order."""
    now = clock.now()
    values: dict[str, Any] = {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "order_id": order_id,
        "resident_id": resident_id,
        "state": "looking",
        "mode": mode,
        "begun_at": now,
        "wave": 0,
        "look_at": now,
        "reason": None,
        "skills": [],
        "told_at": None,
    }
    entered = insert(SEARCHES).values(values)
    anew = ("updated_at", "state", "begun_at", "wave", "look_at", "reason", "skills")
    await session.execute(
        entered.on_conflict_do_update(
            index_elements=["order_id"],
            set_={name: entered.excluded[name] for name in anew}
            | {
                "mode": sa.func.coalesce(entered.excluded.mode, SEARCHES.c.mode),
                "version": SEARCHES.c.version + 1,
            },
        )
    )


async def searches(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[OrderSearch]:
    """Return searches by their own ids, locked in one order."""
    return (await session.scalars(_BY_ID, {"ids": list(ids)})).all()


async def searches_of(session: AsyncSession, order_ids: Collection[uuid.UUID]) -> Sequence[OrderSearch]:
    """Return the searches of orders, locked in one order: before the orders, whoever needs both."""
    return (await session.scalars(_BY_ORDER, {"order_ids": list(order_ids)})).all()


async def asked(session: AsyncSession, search: OrderSearch) -> set[uuid.UUID]:
    """Return who was asked since a search began."""
    return set(await session.scalars(_ASKED, {"order_id": search.order_id, "since": search.begun_at}))


async def offer(
    session: AsyncSession,
    search: OrderSearch,
    organization_id: uuid.UUID,
    workers: Iterable[uuid.UUID],
    until: datetime,
) -> list[uuid.UUID]:
    """Ask workers, the locked search's; return those who were not asked already."""
    now = clock.now()
    rows = [
        {
            "id": clock.new_id(),
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "order_id": search.order_id,
            "resident_id": search.resident_id,
            "organization_id": organization_id,
            "worker_id": worker_id,
            "state": "offered",
            "offered_at": now,
            "answer_by": until,
            "answered_at": None,
        }
        for worker_id in workers
    ]
    made = await session.scalars(insert(OFFERS).values(rows).on_conflict_do_nothing().returning(OFFERS.c.worker_id))
    return list(made)


async def answer(session: AsyncSession, offer_id: uuid.UUID, state: OfferState, now: datetime) -> bool:
    """Answer an offer that is open and whose time is not up; say whether it was."""
    changed = await session.scalar(
        _changed(state, now)
        .where(OFFERS.c.id == offer_id, OFFERS.c.state == "offered", OFFERS.c.answer_by > now)
        .returning(OFFERS.c.id)
    )
    return changed is not None


async def end_offers(
    session: AsyncSession, order_id: uuid.UUID, now: datetime, *, taken: bool = False
) -> list[uuid.UUID]:
    """Withdraw the open offers of an order (and with ``taken`` the accepted one); return who had the open ones."""
    if taken:
        await session.execute(
            _changed("withdrawn", now).where(OFFERS.c.order_id == order_id, OFFERS.c.state == "accepted")
        )
    return list(
        await session.scalars(
            _changed("withdrawn", now)
            .where(OFFERS.c.order_id == order_id, OFFERS.c.state == "offered")
            .returning(OFFERS.c.worker_id)
        )
    )


async def lapse(session: AsyncSession, order_id: uuid.UUID, now: datetime) -> None:
    """Take silence for a no."""
    await session.execute(
        _changed("lapsed", now).where(
            OFFERS.c.order_id == order_id, OFFERS.c.state == "offered", OFFERS.c.answer_by <= now
        )
    )


async def open_until(session: AsyncSession, order_id: uuid.UUID) -> datetime | None:
    """Return when the first of those who may still take an order is asked no more; ``None``: nobody may."""
    found: datetime | None = await session.scalar(_OPEN, {"order_id": order_id})
    return found


def _changed(state: OfferState, now: datetime) -> Any:
    return (
        sa.update(OFFERS)
        .values(state=state, answered_at=now, updated_at=now, version=OFFERS.c.version + 1)
        .execution_options(synchronize_session=False)
    )
