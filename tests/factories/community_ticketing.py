"""What attractions sell, really committed: products, slots with their pools, quotas, add-ons."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from app.core import clock
from app.core.database import unit_of_work
from app.core.recurrence import EVERY_DAY
from app.core.wall_time import zone
from app.identity.models import Organization
from app.reservations.api import NewPool, open_pool, open_pools
from community.slot_cancellations.models import SlotCancellation
from community.ticketing.models import (
    QuotaShare,
    SlotTemplate,
    TicketAddon,
    TicketProduct,
    TicketQuota,
    TicketSlot,
    TicketTerms,
)
from community.ticketing.rules import ADDON_POOL, QUOTA_POOL, SLOT_POOL, share_id
from tests.factories import community_attractions as attractions

TIME_ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class OnOffer:
    """An attraction's tickets: its products by code, and a day of slots, the earliest first."""

    attraction_id: uuid.UUID
    products: dict[str, TicketProduct]
    slots: list[TicketSlot] = field(default_factory=list)


async def product(of: Organization, attraction_id: uuid.UUID, code: str = "adult", **values: Any) -> TicketProduct:
    """Insert a product, at 60.00 unless told otherwise."""
    given: dict[str, Any] = {"kind": "adult", "price_amount": 6_000, "currency": "CNY", "tax_rate": 600}
    names = {"en": code.capitalize(), "zh-CN": code}
    async with unit_of_work() as session:
        row = TicketProduct(**_of(of, attraction_id), code=code, **{"name": names} | given | values)
        session.add(row)
    return row


async def slots(
    of: Organization,
    attraction_id: uuid.UUID,
    starts: Sequence[datetime],
    *,
    capacity: int = 100,
    duration: timedelta = timedelta(hours=1),
    **values: Any,
) -> list[TicketSlot]:
    """Insert slots with their pools; one may enter until they end."""
    rows = []
    for at in starts:
        wall = at.astimezone(zone(TIME_ZONE))
        times = {"starts_at": at, "ends_at": at + duration, "entry_until": at + duration}
        local = {"day": wall.date(), "begins": wall.time()}
        given = _of(of, attraction_id) | {"id": clock.new_id(), "pool_id": clock.new_id()} | times | local | values
        rows.append(TicketSlot(capacity=capacity, **given))
    async with unit_of_work() as session:
        wanted = [NewPool(row.id, capacity, row.ends_at) for row in rows]
        pools = await open_pools(session, community_id=of.community_id, kind=SLOT_POOL, pools=wanted)
        for row in rows:
            row.pool_id = pools[row.id]
        session.add_all(rows)
    return rows


async def slots_of(attraction_id: uuid.UUID) -> list[TicketSlot]:
    """Return all slots of an attraction, the earliest first."""
    async with unit_of_work() as session:
        found = await session.scalars(
            sa.select(TicketSlot)
            .where(col(TicketSlot.attraction_id) == attraction_id)
            .order_by(col(TicketSlot.starts_at), col(TicketSlot.id))
        )
        return list(found)


async def template(of: Organization, attraction_id: uuid.UUID, **values: Any) -> SlotTemplate:
    """Insert a template of two slots a day for three days from tomorrow on; nobody has made them yet."""
    day = clock.now().date()
    given: dict[str, Any] = {
        "name": "Every day",
        "starts_on": day + timedelta(days=1),
        "ends_on": day + timedelta(days=3),
        "weekdays": sorted(EVERY_DAY),
        "times": [time(9), time(11)],
        "duration": timedelta(hours=1),
        "entry_within": timedelta(hours=1),
        "capacity": 100,
    }
    async with unit_of_work() as session:
        row = SlotTemplate(**_of(of, attraction_id), **given | values)
        session.add(row)
    return row


async def quota(
    of: Organization,
    attraction_id: uuid.UUID,
    over: Sequence[TicketSlot],
    *,
    scope: str = "slot",
    capacity: int = 30,
    products: Sequence[TicketProduct] = (),
    code: str = "limit",
) -> TicketQuota:
    """Insert a quota, and a share of it for each slot, day or season of the slots it is put ``over``."""
    product_ids = [one.id for one in products]
    row = TicketQuota(
        **_of(of, attraction_id),
        code=code,
        name={"en": code, "zh-CN": code},
        scope=scope,
        capacity=capacity,
        product_ids=product_ids,
    )
    async with unit_of_work() as session:
        session.add(row)
        await session.flush()
        for slot in over:
            one = share_id(row.id, scope, slot.id, slot.day)  # type: ignore[arg-type]  # as the test gave it
            if await session.get(QuotaShare, one) is None:
                pool = await open_pool(
                    session, community_id=of.community_id, kind=QUOTA_POOL, subject_id=one, capacity=capacity
                )
                session.add(
                    QuotaShare(
                        id=one,
                        quota_id=row.id,
                        slot_id=slot.id if scope == "slot" else None,
                        day=None if scope == "season" else slot.day,
                        product_ids=product_ids,
                        capacity=capacity,
                        pool_id=pool,
                    )
                )
                await session.flush()
            kept = await session.get_one(TicketSlot, slot.id)
            kept.quota_ids = [*kept.quota_ids, one]
    return row


async def addon(
    of: Organization, attraction_id: uuid.UUID, code: str = "audio-guide", stock: int | None = 5, **values: Any
) -> TicketAddon:
    """Insert an add-on, at 20.00 unless told otherwise."""
    given: dict[str, Any] = {"price_amount": 2_000, "currency": "CNY", "tax_rate": 600}
    names = {"en": code, "zh-CN": code}
    row = TicketAddon(**_of(of, attraction_id), code=code, name=names, stock=stock, **given | values)
    async with unit_of_work() as session:
        if stock is not None:
            row.pool_id = await open_pool(
                session, community_id=of.community_id, kind=ADDON_POOL, subject_id=row.id, capacity=stock
            )
        session.add(row)
    return row


async def terms(of: Organization, attraction_id: uuid.UUID, **values: Any) -> TicketTerms:
    """Insert the terms of an attraction: all is given back until a day before, half until an hour before."""
    given: dict[str, Any] = {
        "refunds": [{"notice_hours": 24, "percent": 100}, {"notice_hours": 1, "percent": 50}],
        "pays_at_desk": True,
    }
    async with unit_of_work() as session:
        row = TicketTerms(**_of(of, attraction_id), **given | values)
        session.add(row)
    return row


async def on_offer(
    of: Organization,
    attraction_id: uuid.UUID | None = None,
    *,
    first: datetime | None = None,
    count: int = 4,
    capacity: int = 100,
) -> OnOffer:
    """Insert products (adult, senior, companion, group of ten) and a day of slots, tomorrow's unless told otherwise.

    They are of a published attraction, a new one unless one is named.
    """
    if attraction_id is None:
        attraction_id = (await attractions.attraction(of, hours=attractions.ALWAYS)).id
    products = {
        "adult": await product(of, attraction_id),
        "senior": await product(
            of, attraction_id, "senior", kind="senior", price_amount=3_000, needs_entitlement="senior"
        ),
        "companion": await product(
            of, attraction_id, "companion", kind="companion", price_amount=0, needs_entitlement="companion"
        ),
        "group": await product(of, attraction_id, "group", kind="group", price_amount=40_000, persons=10),
    }
    begins = first or clock.now() + timedelta(days=1)
    starts = [begins + timedelta(hours=place) for place in range(count)]
    return OnOffer(attraction_id, products, await slots(of, attraction_id, starts, capacity=capacity))


def _of(organization: Organization, attraction_id: uuid.UUID) -> dict[str, Any]:
    return {
        "community_id": organization.community_id,
        "organization_id": organization.id,
        "attraction_id": attraction_id,
    }


async def called_off(of: Organization, attraction_id: uuid.UUID) -> SlotCancellation:
    """Insert that a slot was called off together with what was sold of it, which was nothing."""
    now = clock.now()
    (slot,) = await slots(of, attraction_id, [now + timedelta(days=3)])
    row = SlotCancellation(
        community_id=of.community_id,
        organization_id=of.id,
        attraction_id=attraction_id,
        slot_ids=[slot.id],
        reason="weather",
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        cancelled_at=now,
        orders=0,
        counter_orders=0,
        tickets=0,
        persons=0,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row
