"""The SQL that reads what is on offer: for whoever sells it, for whoever keeps it, and for everybody."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.statements import HotStatement
from app.reservations.api import pools, pools_left
from community.attractions.models import ATTRACTIONS
from community.ticketing.models import ADDONS, GUIDES, PRODUCTS, QUOTAS, SHARES, SLOTS, TEMPLATES, TERMS
from community.ticketing.rules import MOST_SLOTS, Addon, Product, Slot, Terms
from community.ticketing.schemas.given import RefundStep
from community.ticketing.schemas.shown import (
    GuidedTour,
    SlotTemplatePublic,
    TicketAddonPublic,
    TicketOffer,
    TicketProductPublic,
    TicketQuotaPublic,
    TicketSlotDetail,
    TicketTermsPublic,
)

Shown = TypeVar("Shown", TicketProductPublic, SlotTemplatePublic, TicketQuotaPublic, TicketAddonPublic)

_CURSOR: Final = "community.ticketing"
_INSTANT: Final = sa.DateTime(timezone=True)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))


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
_COMMUNITY: Final = sa.bindparam("community_id", type_=sa.Uuid)
_ATTRACTION: Final = sa.bindparam("attraction_id", type_=sa.Uuid)
_START: Final = sa.bindparam("start", type_=_INSTANT)
_END: Final = sa.bindparam("end", type_=_INSTANT)


_COMMA: Final = sa.literal_column("','", sa.Text)
_NULL: Final[sa.ColumnElement[Any]] = sa.literal_column("CAST('null' AS json)")


def _availability() -> HotStatement:
    """Return the statement that writes an attraction's slots as JSON: it reads each slot and each pool once."""
    own, of_share = pools_left("own"), pools_left("of_share")
    asked = (
        SLOTS.c.attraction_id == _ATTRACTION,
        SLOTS.c.starts_at >= _START,
        SLOTS.c.starts_at < _END,
        SLOTS.c.state != sa.literal_column("'closed'", sa.Text),
    )
    quota_id = sa.func.unnest(SLOTS.c.quota_ids).table_valued("id").render_derived("quota")
    none = sa.literal_column("0", sa.Integer)
    is_limit = sa.func.cardinality(SHARES.c.product_ids) > none
    limit = sa.func.json_build_object(
        sa.literal_column("'product_ids'"), SHARES.c.product_ids, sa.literal_column("'left'"), of_share.c.amount
    )
    # Beside the slots, not of them: reading them once more costs less than keeping them for two readers.
    limits = (
        sa.select(
            SLOTS.c.id,
            sa.func.min(of_share.c.amount).filter(sa.not_(is_limit)).label("amount"),
            sa.func.json_agg(aggregate_order_by(limit, SHARES.c.id)).filter(is_limit).label("limits"),
        )
        .select_from(SLOTS.join(quota_id, sa.true()).join(SHARES, SHARES.c.id == quota_id.c.id))
        .join(of_share, of_share.c.id == SHARES.c.pool_id)
        .where(*asked, sa.func.cardinality(SLOTS.c.quota_ids) > none)
        .group_by(SLOTS.c.id)
        .subquery("limits")
    )
    is_open = SLOTS.c.state == sa.literal_column("'open'", sa.Text)
    slot = (
        sa.select(
            *(SLOTS.c[name] for name in ("id", "starts_at", "ends_at", "entry_until", "state")),
            SLOTS.c.cancelled_reason.label("reason"),
            sa.case((is_open, sa.func.least(own.c.amount, limits.c.amount)), else_=none).label("left"),
            SLOTS.c.product_ids,
            sa.func.coalesce(limits.c.limits, sa.literal_column("CAST('[]' AS json)")).label("limits"),
            SLOTS.c.language,
        )
        .select_from(SLOTS.join(own, own.c.id == SLOTS.c.pool_id).join(limits, limits.c.id == SLOTS.c.id, isouter=True))
        .where(*asked)
        .order_by(SLOTS.c.starts_at, SLOTS.c.id)
        .limit(sa.literal_column(str(MOST_SLOTS)))
        .subquery("slot")
    )
    # Rows and texts, not objects of named values: half of what this takes is the writing of JSON.
    written = sa.cast(sa.func.row_to_json(sa.literal_column("slot")), sa.Text)
    is_cut = sa.func.count() >= sa.literal_column(str(MOST_SLOTS))
    slots = (
        sa.select(
            sa.func.concat(
                sa.literal_column("""',"slots":['"""),
                sa.func.string_agg(written, aggregate_order_by(_COMMA, slot.c.starts_at, slot.c.id)),
                sa.literal_column("""'],"next":'"""),
                sa.func.coalesce(sa.func.to_json(sa.case((is_cut, sa.func.max(slot.c.starts_at)))), _NULL),
                sa.literal_column("'}'"),
            )
        )
        .select_from(slot)
        .scalar_subquery()
    )
    found = sa.func.concat(sa.literal_column("""'{"attraction_id":'"""), sa.func.to_json(ATTRACTIONS.c.id), slots)
    is_public = ATTRACTIONS.c.state == sa.literal_column("'published'", sa.Text)
    return HotStatement(sa.select(found).where(ATTRACTIONS.c.id == _ATTRACTION, is_public))


_AVAILABILITY: Final = _availability()


def _of_attraction(table: sa.Table) -> sa.Select[Any]:
    return (
        sa.select(table)
        .where(
            table.c.attraction_id == _ATTRACTION,
            table.c.community_id == _COMMUNITY,
            after((table.c.id,), ("after_id",)),
        )
        .order_by(table.c.id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


_KEPT: Final = {
    TicketProductPublic: _of_attraction(PRODUCTS),
    SlotTemplatePublic: _of_attraction(TEMPLATES),
    TicketQuotaPublic: _of_attraction(QUOTAS),
    TicketAddonPublic: _of_attraction(ADDONS),
}
_SOLD: Final = (
    sa.select(PRODUCTS)
    .where(
        PRODUCTS.c.attraction_id == _ATTRACTION,
        PRODUCTS.c.state == sa.literal_column("'active'", sa.Text),
        PRODUCTS.c.is_online,
    )
    .order_by(PRODUCTS.c.id)
)
_SOLD_ADDONS: Final = (
    sa.select(ADDONS).where(ADDONS.c.attraction_id == _ATTRACTION, ADDONS.c.is_active).order_by(ADDONS.c.id)
)
_WITH_GUIDES: Final = sa.select(SLOTS, GUIDES.c.account_id.label("guide_id")).join_from(
    SLOTS, GUIDES, GUIDES.c.slot_id == SLOTS.c.id, isouter=True
)
_ONE_SLOT: Final = _WITH_GUIDES.where(
    SLOTS.c.id == sa.bindparam("slot_id", type_=sa.Uuid),
    SLOTS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    SLOTS.c.community_id == _COMMUNITY,
)
_SLOTS_KEPT: Final = (
    _WITH_GUIDES.where(
        SLOTS.c.attraction_id == _ATTRACTION,
        SLOTS.c.community_id == _COMMUNITY,
        SLOTS.c.starts_at >= _START,
        SLOTS.c.starts_at < _END,
        after((SLOTS.c.starts_at, SLOTS.c.id), ("after_at", "after_id")),
    )
    .order_by(SLOTS.c.starts_at, SLOTS.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_TOURS: Final = (
    sa.select(
        SLOTS.c.id,
        SLOTS.c.id.label("slot_id"),
        SLOTS.c.attraction_id,
        ATTRACTIONS.c.name.label("attraction"),
        SLOTS.c.starts_at,
        SLOTS.c.ends_at,
        SLOTS.c.language,
    )
    .join_from(GUIDES, SLOTS, SLOTS.c.id == GUIDES.c.slot_id)
    .join(ATTRACTIONS, ATTRACTIONS.c.id == SLOTS.c.attraction_id)
    .where(
        GUIDES.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        GUIDES.c.ends_at > sa.bindparam("now", type_=_INSTANT),
        after((SLOTS.c.starts_at, SLOTS.c.id), ("after_at", "after_id")),
    )
    .order_by(SLOTS.c.starts_at, SLOTS.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


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


async def availability(connection: AsyncConnection, attraction_id: uuid.UUID, start: datetime, end: datetime) -> str:
    """Return the slots of a published attraction that begin in ``[start, end)``, as JSON (``AttractionAvailability``).

    One statement, however many slots, that reads nothing of what was sold. Raises ``NotFound``.
    """
    binds = {"attraction_id": attraction_id, "start": start, "end": end, "now": clock.now()}
    row = await _AVAILABILITY.row(connection, binds)
    if row is None:
        raise NotFound
    found: str = row[0]
    return found


async def offer(connection: AsyncConnection, attraction_id: uuid.UUID) -> TicketOffer:
    """Return what an attraction sells online, whoever asks, and on which terms."""
    products = await connection.execute(_SOLD, {"attraction_id": attraction_id})
    addons = await connection.execute(_SOLD_ADDONS, {"attraction_id": attraction_id})
    terms = (await terms_for(connection, [attraction_id]))[attraction_id]
    return TicketOffer(
        attraction_id=attraction_id,
        products=[TicketProductPublic.model_validate(row) for row in products],
        addons=[TicketAddonPublic.model_validate(row) for row in addons],
        terms=terms_public(terms),
    )


def terms_public(terms: Terms) -> TicketTermsPublic:
    """Return terms as they are shown."""
    return TicketTermsPublic(
        refunds=[RefundStep(notice_hours=hours, percent=percent) for hours, percent in terms.refunds],
        may_change=terms.may_change,
        change_notice=terms.change_notice,
        hold_minutes=terms.hold_minutes,
        pays_at_desk=terms.pays_at_desk,
    )


async def kept(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    kind: type[Shown],
    attraction_id: uuid.UUID,
    page: PageRequest,
) -> Page[Shown]:
    """Return a page of what an attraction has of a kind, to those who keep it: also what is not sold any more."""
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    binds = {
        "community_id": community_id,
        "attraction_id": attraction_id,
        "after_id": last,
        "limit": page.limit + 1,
    }
    rows = (await connection.execute(_KEPT[kind], binds)).all()
    return Page(
        items=[kind.model_validate(row) for row in rows[: page.limit]],
        next=next_cursor(_CURSOR, rows, page.limit, ("id",)),
    )


async def slot_detail(
    connection: AsyncConnection, community_id: uuid.UUID, organization_id: uuid.UUID, slot_id: uuid.UUID
) -> TicketSlotDetail:
    """Return a slot of the organization, to those who keep it; raises ``NotFound``."""
    binds = {"slot_id": slot_id, "organization_id": organization_id, "community_id": community_id}
    row = (await connection.execute(_ONE_SLOT, binds)).one_or_none()
    if row is None:
        raise NotFound
    return (await _details(connection, [row]))[0]


async def slots_kept(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    attraction_id: uuid.UUID,
    span: tuple[datetime, datetime],
    page: PageRequest,
) -> Page[TicketSlotDetail]:
    """Return a page of an attraction's slots that begin in ``span``, its end not included, to those who keep it."""
    start, end = span
    binds = {
        "community_id": community_id,
        "attraction_id": attraction_id,
        "start": start,
        "end": end,
        **_after(page),
    }
    rows = (await connection.execute(_SLOTS_KEPT, binds)).all()
    items = await _details(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("starts_at", "id")))


async def tours(connection: AsyncConnection, account_id: uuid.UUID, page: PageRequest) -> Page[GuidedTour]:
    """Return a page of what somebody guides from now on, the earliest first."""
    rows = (await connection.execute(_TOURS, {"account_id": account_id, "now": clock.now(), **_after(page)})).all()
    items = [GuidedTour.model_validate(row, from_attributes=True) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("starts_at", "id")))


def _after(page: PageRequest) -> dict[str, Any]:
    at, last = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None, None)
    return {
        "after_at": datetime.fromisoformat(at) if at else None,
        "after_id": uuid.UUID(last) if last else None,
        "limit": page.limit + 1,
    }


async def _details(connection: AsyncConnection, rows: Sequence[sa.Row[Any]]) -> list[TicketSlotDetail]:
    states = await pools(connection, [row.pool_id for row in rows])
    names = TicketSlotDetail.model_fields.keys() - {"taken"}
    return [
        TicketSlotDetail(taken=states[row.pool_id].taken, **{name: getattr(row, name) for name in names})
        for row in rows
    ]
