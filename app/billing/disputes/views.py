"""The SQL that reads disputes, and what must not be paid out because of them."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.charges.models import CHARGES
from app.billing.disputes.models import DISPUTES, FREEZES
from app.billing.disputes.rules import State
from app.billing.disputes.schemas import DisputePublic
from app.core import audit
from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound

_LIST: Final = "billing.disputes"
_d, _f, _c = DISPUTES.c, FREEZES.c, CHARGES.c
_organizations = sa.bindparam("organization_ids", type_=ARRAY(sa.Uuid))
_FROZEN: Final = sa.union_all(
    sa.select(
        _d.organization_id, _d.charge_id, _d.currency, _d.frozen_amount.label("disputed"), sa.literal(0).label("frozen")
    ).where(_d.organization_id == sa.any_(_organizations), _d.frozen_amount > 0),
    sa.select(_c.organization_id, _c.id, _c.currency, sa.literal(0), _f.amount)
    .join_from(FREEZES, CHARGES, sa.and_(_c.reference_kind == _f.reference_kind, _c.reference_id == _f.reference_id))
    .where(
        _f.lifted_at.is_(None),
        _c.organization_id == sa.any_(_organizations),
        _c.collected_by == sa.literal_column("'platform'"),
        _c.state != sa.literal_column("'cancelled'"),
    ),
)
_shown: Final = sa.select(DISPUTES, _d.evidence.is_not(None).label("has_evidence"))
_paged: Final = (
    _shown.where(after((_d.id,), ("after_id",), descending=True))
    .order_by(_d.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_state = sa.bindparam("state", type_=_d.state.type)


def _pages(whose: sa.ColumnElement[bool]) -> dict[bool, sa.Select[Any]]:
    of = _paged.where(whose)
    return {False: traced_each(of, "disputes:list"), True: traced_each(of.where(_d.state == _state), "disputes:list")}


_OF_ORGANIZATION: Final = _pages(_d.organization_id == sa.bindparam("owner_id", type_=sa.Uuid))
_OF_COMMUNITY: Final = _pages(_d.community_id == sa.bindparam("owner_id", type_=sa.Uuid))
_ONE: Final = _shown.where(
    _d.organization_id == sa.bindparam("owner_id", type_=sa.Uuid), _d.id == sa.bindparam("dispute_id", type_=sa.Uuid)
)


@dataclass(slots=True)
class Frozen:
    """What must stay: ``disputed`` by banks, ``frozen`` for another reason, in minor units of ``currency``."""

    organization_id: uuid.UUID
    charge_id: uuid.UUID | None
    currency: str
    disputed: int = 0
    frozen: int = 0


async def frozen(connection: AsyncConnection, organization_ids: Collection[uuid.UUID]) -> list[Frozen]:
    """Return what of some organizations' money must not be paid out now, by charge.

    A dispute of what paid for nothing is about no charge; its amount is the community's to lose.
    """
    found: dict[tuple[uuid.UUID, uuid.UUID | None, str], Frozen] = {}
    for row in await connection.execute(_FROZEN, {"organization_ids": sorted(organization_ids)}):
        key = (row.organization_id, row.charge_id, row.currency)
        one = found.setdefault(key, Frozen(*key))
        one.disputed += row.disputed
        one.frozen += row.frozen
    return list(found.values())


async def disputes_of_organization(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, state: State | None, page: PageRequest
) -> Page[DisputePublic]:
    """Return a page of an organization's disputes, the last first; leaves a trace."""
    return await _list(connection, actor, _OF_ORGANIZATION, organization_id, state, page)


async def disputes_of_community(
    connection: AsyncConnection, actor: Actor, community_id: uuid.UUID, state: State | None, page: PageRequest
) -> Page[DisputePublic]:
    """Return a page of a community's disputes, the last first; leaves a trace."""
    return await _list(connection, actor, _OF_COMMUNITY, community_id, state, page)


async def dispute(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, dispute_id: uuid.UUID
) -> DisputePublic:
    """Return a dispute of an organization's; raises ``NotFound``; leaves a trace."""
    binds = {"owner_id": organization_id, "dispute_id": dispute_id}
    row = (await connection.execute(_ONE, binds)).one_or_none()
    if row is None:
        raise NotFound
    await audit.record(connection, actor, "dispute:read", resident_id=row.resident_id, object_id=dispute_id)
    return _public(row)


async def _list(
    connection: AsyncConnection,
    actor: Actor,
    statements: dict[bool, sa.Select[Any]],
    owner_id: uuid.UUID,
    state: State | None,
    page: PageRequest,
) -> Page[DisputePublic]:
    (last_id,) = decode_cursor(_LIST, page.cursor) if page.cursor else (None,)
    binds = {
        "owner_id": owner_id,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
        **trace_each_binds(actor, shown=page.limit),
        **({"state": state} if state else {}),
    }
    rows = (await connection.execute(statements[state is not None], binds)).all()
    return Page(items=[_public(row) for row in rows[: page.limit]], next=next_cursor(_LIST, rows, page.limit, ("id",)))


def _public(row: Any) -> DisputePublic:
    return DisputePublic(**{name: getattr(row, name) for name in DisputePublic.model_fields})
