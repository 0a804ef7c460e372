"""The SQL that reads what is to be sold, and shares the lock of its slots until it is."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.statements import HotStatement
from community.ticketing.models import ADDONS
from community.ticketing.rules import Terms

# One statement for a sale: all that is known of what is wanted, with the lock that ticketing's own sales share. Whoever
# waited for that lock sees the slot as it is then, but shares as they were before: ``is_whole`` says so.
_OFFERS: Final = HotStatement(
    sa.text("""
    WITH locked AS MATERIALIZED (
        SELECT * FROM community_ticket_slot
        WHERE id = ANY (CAST(:slot_ids AS uuid[])) AND community_id = :community_id ORDER BY id FOR KEY SHARE
    )
    SELECT l.id AS slot_id, p.id AS product_id, l.organization_id, l.attraction_id, l.day, l.begins, l.starts_at,
           l.ends_at, l.entry_until, l.pool_id, l.state, p.state AS product_state, p.is_online,
           cardinality(l.product_ids) = 0 OR p.id = ANY (l.product_ids) AS is_for_slot, p.name, p.kind,
           p.price_amount, p.price_rules, p.currency, p.tax_rate, p.persons, p.needs_entitlement, p.max_per_person,
           p.is_named, p.reentry, t.refunds, t.may_change, t.change_notice, t.hold_minutes, t.pays_at_desk,
           q.pool_ids, q.known = cardinality(l.quota_ids) AS is_whole
    FROM unnest(CAST(:slot_ids AS uuid[]), CAST(:product_ids AS uuid[])) AS w (slot_id, product_id)
    JOIN locked l ON l.id = w.slot_id
    JOIN community_ticket_product p ON p.id = w.product_id AND p.attraction_id = l.attraction_id
    LEFT JOIN community_ticket_terms t ON t.attraction_id = l.attraction_id
    LEFT JOIN LATERAL (
        SELECT count(*) AS known, array_agg(h.pool_id) FILTER (
            WHERE cardinality(h.product_ids) = 0 OR p.id = ANY (h.product_ids)) AS pool_ids
        FROM community_ticket_quota_share h WHERE h.id = ANY (l.quota_ids)
    ) q ON true""").bindparams(
        sa.bindparam("slot_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("product_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("community_id", type_=sa.Uuid),
    )
)
_TRIES: Final = 3
_ADDONS: Final = HotStatement(
    sa.select(
        *(ADDONS.c[name] for name in ("id", "attraction_id", "name", "price_amount", "tax_rate", "pool_id")),
        *(ADDONS.c[name] for name in ("max_per_order", "is_active")),
    ).where(ADDONS.c.id == sa.any_(sa.bindparam("addon_ids", type_=ARRAY(sa.Uuid))))
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A product of a slot, as it is sold at this moment."""

    slot_id: uuid.UUID
    product_id: uuid.UUID
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    day: date
    begins: time
    starts_at: datetime
    ends_at: datetime
    entry_until: datetime
    pool_ids: tuple[uuid.UUID, ...]
    state: str
    is_for_slot: bool
    is_active: bool
    is_online: bool
    name: Mapping[str, str]
    kind: str
    base_amount: int
    price_rules: Sequence[Mapping[str, Any]]
    currency: str
    tax_rate: int
    persons: int
    needs_entitlement: str | None
    max_per_person: int | None
    is_named: bool
    reentry: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Addon:
    """Something that is sold with tickets."""

    id: uuid.UUID
    attraction_id: uuid.UUID
    name: Mapping[str, str]
    amount: int
    tax_rate: int
    pool_id: uuid.UUID | None
    most: int
    is_active: bool


async def offers(
    connection: AsyncConnection, community_id: uuid.UUID, wanted: Sequence[tuple[uuid.UUID, uuid.UUID]]
) -> dict[tuple[uuid.UUID, uuid.UUID], Offer]:
    """Return what is offered by slot and product; what there is not is left out. The slots' locks are shared."""
    binds = {
        "slot_ids": [slot_id for slot_id, _ in wanted],
        "product_ids": [product_id for _, product_id in wanted],
        "community_id": community_id,
    }
    rows: list[Any] = []
    for _ in range(_TRIES):
        rows = await _OFFERS.rows(connection, binds)
        if all(row.is_whole for row in rows):
            break
    return {(row.slot_id, row.product_id): _offer(row) for row in rows}


async def addons(connection: AsyncConnection, addon_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Addon]:
    """Return add-ons by id, also those that are sold no more; unknown ids are left out."""
    if not addon_ids:
        return {}
    rows = await _ADDONS.rows(connection, {"addon_ids": list(addon_ids)})
    return {
        row.id: Addon(
            row.id,
            row.attraction_id,
            _json(row.name),
            row.price_amount,
            row.tax_rate,
            row.pool_id,
            row.max_per_order,
            row.is_active,
        )
        for row in rows
    }


def _offer(row: Any) -> Offer:
    return Offer(
        slot_id=row.slot_id,
        product_id=row.product_id,
        organization_id=row.organization_id,
        attraction_id=row.attraction_id,
        day=row.day,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        entry_until=row.entry_until,
        begins=row.begins,
        pool_ids=(row.pool_id, *(row.pool_ids or ())),
        state=row.state,
        is_for_slot=row.is_for_slot,
        is_active=row.product_state == "active",
        is_online=row.is_online,
        name=_json(row.name),
        kind=row.kind,
        base_amount=row.price_amount,
        price_rules=_json(row.price_rules),
        currency=row.currency,
        tax_rate=row.tax_rate,
        persons=row.persons,
        needs_entitlement=row.needs_entitlement,
        max_per_person=row.max_per_person,
        is_named=row.is_named,
        reentry=row.reentry,
        terms=_terms(row),
    )


def _terms(row: Any) -> Terms:
    if row.hold_minutes is None:  # nothing is said: the defaults hold
        return Terms()
    refunds = tuple((step["notice_hours"], step["percent"]) for step in _json(row.refunds))
    return Terms(refunds, row.may_change, row.change_notice, row.hold_minutes, row.pays_at_desk)


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
