"""The SQL that reads payouts: what is still to be paid out, what was transferred, and for which charges."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.charges.models import CHARGES, PlatformFee
from app.billing.disputes.views import Frozen, frozen
from app.billing.payouts import rules
from app.billing.payouts.models import ITEMS, PAYOUT_ACCOUNTS, TERMS, TRANSFERS
from app.billing.payouts.schemas import (
    PayoutAccountPublic,
    PayoutBalance,
    TermsPublic,
    TransferDetail,
    TransferItemPublic,
    TransferPublic,
)
from app.billing.payouts.standings import NAMED_CHARGES, UNSETTLED_CHARGES, standing
from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.tables import table_of

_LIST: Final = "billing.transfers"
_t, _i, _c = TRANSFERS.c, ITEMS.c, CHARGES.c
_FEES: Final = table_of(PlatformFee)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_owner = sa.bindparam("owner_id", type_=sa.Uuid)
_state = sa.bindparam("state", type_=_t.state.type)
_ACCOUNT: Final = (
    sa.select(PAYOUT_ACCOUNTS)
    .where(PAYOUT_ACCOUNTS.c.organization_id == _organization)
    .order_by(PAYOUT_ACCOUNTS.c.id.desc())
    .limit(1)
)
_TERMS: Final = sa.select(TERMS).where(TERMS.c.organization_id == _organization)
_FEE: Final = sa.select(_FEES.c.rate).where(_FEES.c.organization_id == _organization)
_WANTED: Final = (
    sa.select(
        _t.currency,
        sa.cast(sa.func.sum(sa.case((_t.reverses_id.is_(None), _t.amount), else_=-_t.amount)), sa.BigInteger).label(
            "amount"
        ),
    )
    .where(_t.organization_id == _organization, _t.state == sa.literal_column("'wanted'"))
    .group_by(_t.currency)
)
_page: Final = (
    sa.select(TRANSFERS)
    .where(after((_t.id,), ("after_id",), descending=True))
    .order_by(_t.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OF_ORGANIZATION: Final = _page.where(_t.organization_id == _owner)
_OF_COMMUNITY: Final = _page.where(_t.community_id == _owner)
_PAGES: Final = {
    ("organization", False): _OF_ORGANIZATION,
    ("organization", True): _OF_ORGANIZATION.where(_t.state == _state),
    ("community", False): _OF_COMMUNITY,
    ("community", True): _OF_COMMUNITY.where(_t.state == _state),
}
_ONE: Final = sa.select(TRANSFERS).where(
    _t.organization_id == _organization, _t.id == sa.bindparam("transfer_id", type_=sa.Uuid)
)
_ITEMS_OF: Final = (
    sa.select(_i.charge_id, _i.amount, _c.reference_kind, _c.reference_id)
    .join_from(ITEMS, CHARGES, _c.id == _i.charge_id)
    .where(_i.transfer_id == sa.bindparam("transfer_id", type_=sa.Uuid))
    .order_by(_i.charge_id)
)


async def account(connection: AsyncConnection, organization_id: uuid.UUID) -> PayoutAccountPublic:
    """Return an organization's account at the gateway; raises ``NotFound`` while it has none."""
    row = (await connection.execute(_ACCOUNT, {"organization_id": organization_id})).one_or_none()
    if row is None:
        raise NotFound
    return PayoutAccountPublic(**_fields(PayoutAccountPublic, row))


async def terms(connection: AsyncConnection, organization_id: uuid.UUID) -> TermsPublic:
    """Return on which terms an organization is paid out; raises ``NotFound`` while it has none."""
    row = (await connection.execute(_TERMS, {"organization_id": organization_id})).one_or_none()
    if row is None:
        raise NotFound
    return TermsPublic(**_fields(TermsPublic, row))


async def fee_rate(connection: AsyncConnection, organization_id: uuid.UUID) -> int:
    """Return what the platform keeps of what it collects for an organization, in ten-thousandths."""
    return await connection.scalar(_FEE, {"organization_id": organization_id}) or 0


async def balances(connection: AsyncConnection, organization_id: uuid.UUID) -> list[PayoutBalance]:
    """Return what an organization is still to be paid out, by currency."""
    known = (await connection.execute(_TERMS, {"organization_id": organization_id})).one_or_none()
    paid_before = clock.now() - timedelta(days=known.hold_days if known else 0)
    held = {one.charge_id: one for one in await frozen(connection, [organization_id])}
    rows = {row.id: row for row in await connection.execute(UNSETTLED_CHARGES, {"organization_id": organization_id})}
    if settled := {one for one in held if one is not None} - rows.keys():
        binds = {"organization_id": organization_id, "charge_ids": sorted(settled)}
        rows |= {row.id: row for row in await connection.execute(NAMED_CHARGES, binds)}
    found: dict[str, PayoutBalance] = {}
    for row in rows.values():
        _add(_of(found, row.currency), row, held, paid_before)
    for row in await connection.execute(_WANTED, {"organization_id": organization_id}):
        of = _of(found, row.currency)
        of.on_its_way += row.amount
        of.payable += row.amount
    return [found[currency] for currency in sorted(found)]


async def transfers_of_organization(
    connection: AsyncConnection, organization_id: uuid.UUID, state: rules.TransferState | None, page: PageRequest
) -> Page[TransferPublic]:
    """Return a page of an organization's transfers, the last first."""
    return await _list(connection, "organization", organization_id, state, page)


async def transfers_of_community(
    connection: AsyncConnection, community_id: uuid.UUID, state: rules.TransferState | None, page: PageRequest
) -> Page[TransferPublic]:
    """Return a page of a community's transfers, the last first."""
    return await _list(connection, "community", community_id, state, page)


async def transfer(connection: AsyncConnection, organization_id: uuid.UUID, transfer_id: uuid.UUID) -> TransferDetail:
    """Return a transfer of an organization's with what it is for; raises ``NotFound``."""
    binds = {"organization_id": organization_id, "transfer_id": transfer_id}
    row = (await connection.execute(_ONE, binds)).one_or_none()
    if row is None:
        raise NotFound
    items = [
        TransferItemPublic(**_fields(TransferItemPublic, item))
        for item in await connection.execute(_ITEMS_OF, {"transfer_id": transfer_id})
    ]
    return TransferDetail(**_fields(TransferPublic, row), items=items)


async def _list(
    connection: AsyncConnection,
    whose: str,
    owner_id: uuid.UUID,
    state: rules.TransferState | None,
    page: PageRequest,
) -> Page[TransferPublic]:
    (last_id,) = decode_cursor(_LIST, page.cursor) if page.cursor else (None,)
    binds = {
        "owner_id": owner_id,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
        **({"state": state} if state else {}),
    }
    rows = (await connection.execute(_PAGES[whose, state is not None], binds)).all()
    items = [TransferPublic(**_fields(TransferPublic, row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_LIST, rows, page.limit, ("id",)))


def _of(found: dict[str, PayoutBalance], currency: str) -> PayoutBalance:
    empty = PayoutBalance(currency=currency, payable=0, on_its_way=0, frozen=0, waiting=0, available=0)
    return found.setdefault(currency, empty)


def _add(of: PayoutBalance, row: Any, held: Mapping[uuid.UUID | None, Frozen], paid_before: datetime) -> None:
    rest = row.payable_amount - row.paid_out_amount
    would_be = rules.entitled(standing(row, {}), paid_before) - row.paid_out_amount
    available = rules.entitled(standing(row, held), paid_before) - row.paid_out_amount
    of.payable += rest
    of.frozen += would_be - available
    of.waiting += rest - would_be
    of.available += available


def _fields(schema: Any, row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in schema.model_fields}
