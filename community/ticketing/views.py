"""The SQL that reads what is on offer: for whoever sells it, for whoever keeps it, and for everybody."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.statements import HotStatement
from community.ticketing.models import ADDONS, GUIDES, PRODUCTS, SLOTS, TERMS
from community.ticketing.rules import ProductKind, Reason, Reentry, SlotState, Terms

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as those who sell of it see it; ``begins`` of ``day`` is on the attraction's wall."""

    id: uuid.UUID
    version: int
    community_id: uuid.UUID
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    day: date
    begins: time
    starts_at: datetime
    ends_at: datetime
    entry_until: datetime
    capacity: int
    pool_id: uuid.UUID
    product_ids: list[uuid.UUID]
    language: str | None
    state: SlotState
    cancelled_reason: Reason | None
    guide_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Product:
    """A product as those who sell it see it; ``price_amount`` is what one costs where no rule says otherwise."""

    id: uuid.UUID
    version: int
    community_id: uuid.UUID
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    code: str
    name: dict[str, str]
    kind: ProductKind
    price_amount: int
    currency: str
    tax_rate: int
    price_rules: list[dict[str, Any]]
    persons: int
    needs_entitlement: str | None
    max_per_person: int | None
    is_named: bool
    reentry: Reentry
    is_online: bool
    state: str


@dataclass(frozen=True, slots=True)
class Addon:
    """An add-on as those who sell it see it; without a ``pool_id`` there is always one more."""

    id: uuid.UUID
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    code: str
    name: dict[str, str]
    price_amount: int
    currency: str
    tax_rate: int
    pool_id: uuid.UUID | None
    max_per_order: int
    is_active: bool


def _named(table: sa.Table, kind: type, *besides: str) -> list[sa.Column[Any]]:
    return [table.c[name] for name in kind.__dataclass_fields__ if name not in besides]  # type: ignore[attr-defined]


_SLOTS: Final = HotStatement(
    sa.select(*_named(SLOTS, Slot, "guide_id"), GUIDES.c.account_id.label("guide_id"))
    .join_from(SLOTS, GUIDES, GUIDES.c.slot_id == SLOTS.c.id, isouter=True)
    .where(SLOTS.c.id == sa.any_(_IDS))
)
_PRODUCTS: Final = sa.select(*_named(PRODUCTS, Product)).where(PRODUCTS.c.id == sa.any_(_IDS))
_ADDONS: Final = sa.select(*_named(ADDONS, Addon)).where(ADDONS.c.id == sa.any_(_IDS))
_TERMS: Final = sa.select(TERMS).where(TERMS.c.attraction_id == sa.any_(_IDS))


async def slots_for(connection: AsyncConnection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Slot]:
    """Return slots by id, whoever asks; unknown ids are left out."""
    return {row.id: Slot(*row) for row in await _SLOTS.rows(connection, {"ids": list(ids)})}


async def products_for(connection: AsyncConnection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Product]:
    """Return products by id, whoever asks; unknown ids are left out."""
    return {row.id: Product(*row) for row in await connection.execute(_PRODUCTS, {"ids": list(ids)})}


async def addons_for(connection: AsyncConnection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Addon]:
    """Return add-ons by id, whoever asks; unknown ids are left out."""
    return {row.id: Addon(*row) for row in await connection.execute(_ADDONS, {"ids": list(ids)})}


async def terms_for(connection: AsyncConnection, attraction_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Terms]:
    """Return the terms of each attraction; of one that has none the usual ones."""
    wanted = set(attraction_ids)
    found = {row.attraction_id: terms_of(row) for row in await connection.execute(_TERMS, {"ids": list(wanted)})}
    return {one: found.get(one, Terms()) for one in wanted}


def terms_of(row: Any) -> Terms:
    """Return the terms a row says."""
    return Terms(
        tuple((step["notice_hours"], step["percent"]) for step in row.refunds),
        row.may_change,
        row.change_notice,
        row.hold_minutes,
        row.pays_at_desk,
    )
