"""The SQL that reads charges and payments."""

import uuid
from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.charges.models import CHARGES, PAYMENTS, REASON, REFERENCE
from app.billing.charges.rules import ChargeState
from app.billing.charges.schemas import ChargeDetail, ChargePublic, PaymentPublic
from app.core import audit
from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal

_LIST: Final = "billing.charges"
_c, _p = CHARGES.c, PAYMENTS.c
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)
_charges: Final = sa.select(CHARGES, _c.payer_id.label("resident_id")).where(_c.organization_id == _organization)
_page: Final = _charges.where(after((_c.id,), ("after_id",), descending=True)).order_by(_c.id.desc()).limit(_limit)
_PAGES: Final = {
    False: traced_each(_page, "charges:list"),
    True: traced_each(_page.where(_c.state == sa.bindparam("state", type_=_c.state.type)), "charges:list"),
}
_PLATFORM: Final = traced_each(
    sa.select(CHARGES, _c.payer_id.label("resident_id"))
    .where(
        _c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _c.collected_by == sa.literal_column("'platform'"),
        _c.state == sa.bindparam("state", type_=_c.state.type),
        after((_c.id,), ("after_id",), descending=True),
    )
    .order_by(_c.id.desc())
    .limit(_limit),
    "charges:list",
)
_ONE: Final = _charges.where(_c.id == sa.bindparam("charge_id", type_=sa.Uuid))
_OF: Final = sa.select(CHARGES).where(
    _c.reference_kind == sa.bindparam("reference_kind", type_=sa.Text),
    _c.reference_id == sa.any_(sa.bindparam("reference_ids", type_=ARRAY(sa.Uuid))),
    _c.state != sa.literal_column("'cancelled'"),
)
_PAYMENTS: Final = (
    sa.select(PAYMENTS)
    .where(_p.charge_id == sa.any_(sa.bindparam("charge_ids", type_=ARRAY(sa.Uuid))))
    .order_by(_p.charge_id, _p.id)
)
_MISCOUNTED: Final = sa.text(
    "SELECT c.id FROM billing_charge c"
    " LEFT JOIN (SELECT charge_id, sum(CASE WHEN refunds_id IS NULL THEN amount ELSE -amount END) AS paid"
    " FROM billing_payment GROUP BY charge_id) p ON p.charge_id = c.id"
    " WHERE c.paid_amount <> coalesce(p.paid, 0) ORDER BY c.id"
)


async def charges(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    state: ChargeState | None,
    page: PageRequest,
) -> Page[ChargePublic]:
    """Return a page of what is, or was, owed to an organization, the last first; leaves a trace."""
    binds = {
        "organization_id": organization_id,
        **_paging(_LIST, page),
        **trace_each_binds(actor, shown=page.limit),
        **({"state": state} if state else {}),
    }
    rows = (await connection.execute(_PAGES[state is not None], binds)).all()
    items = [ChargePublic(**_fields(ChargePublic, row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_LIST, rows, page.limit, ("id",)))


async def platform_charges(
    connection: AsyncConnection, actor: Actor, state: ChargeState, page: PageRequest
) -> Page[ChargePublic]:
    """Return a page of what the platform collects in the actor's community, the last first; leaves a trace."""
    binds = {"community_id": actor.community_id, "state": state, **_paging(_LIST, page)}
    rows = (await connection.execute(_PLATFORM, binds | trace_each_binds(actor, shown=page.limit))).all()
    items = [ChargePublic(**_fields(ChargePublic, row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_LIST, rows, page.limit, ("id",)))


async def charge(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, charge_id: uuid.UUID
) -> ChargeDetail:
    """Return a charge of an organization's with its payments; raises ``NotFound``; leaves a trace."""
    row = (await connection.execute(_ONE, {"organization_id": organization_id, "charge_id": charge_id})).one_or_none()
    if row is None:
        raise NotFound
    await audit.record(connection, actor, "charge:read", resident_id=row.payer_id, object_id=charge_id)
    (found,) = await _with_payments(connection, [row])
    return found


async def charges_for(
    connection: AsyncConnection, reference_kind: str, reference_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, ChargeDetail]:
    """Return the charges of things that are not cancelled, by what they are for; the caller knows who may see them."""
    binds = {"reference_kind": reference_kind, "reference_ids": sorted(reference_ids)}
    rows = (await connection.execute(_OF, binds)).all()
    return {found.reference_id: found for found in await _with_payments(connection, rows)}


def payment(row: Any) -> PaymentPublic:
    """Return a payment as it is shown."""
    return PaymentPublic(
        **_fields(PaymentPublic, row)
        | {
            "reference": unseal(row.reference, REFERENCE) if row.reference else None,
            "reason": unseal(row.reason, REASON) if row.reason else None,
        }
    )


async def _with_payments(connection: AsyncConnection, rows: Collection[Any]) -> list[ChargeDetail]:
    paid: dict[uuid.UUID, list[PaymentPublic]] = {row.id: [] for row in rows}
    if rows:
        for row in await connection.execute(_PAYMENTS, {"charge_ids": sorted(paid)}):
            paid[row.charge_id].append(payment(row))
    return [ChargeDetail(**_fields(ChargePublic, row), payments=paid[row.id]) for row in rows]


def _fields(schema: Any, row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in schema.model_fields}


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    (last_id,) = decode_cursor(kind, page.cursor) if page.cursor else (None,)
    return {"after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}


async def miscounted(connection: AsyncConnection) -> list[uuid.UUID]:
    """Return charges whose paid amount is not what was paid and not given back: there are none, unless by hand."""
    return list((await connection.scalars(_MISCOUNTED)).all())
