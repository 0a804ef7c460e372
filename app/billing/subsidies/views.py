"""The SQL that reads programmes, entitlements, what programmes would pay, and what they owe."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.subsidies.models import ENTITLEMENTS, LEVEL, MONTHS, PROGRAMMES, SETTLEMENTS, USES
from app.billing.subsidies.rules import UNLIMITED, Offer, Split, Terms, split
from app.billing.subsidies.schemas import (
    EntitlementPublic,
    MonthOwed,
    OwnEntitlement,
    ProgrammePublic,
    ProgrammeReport,
)
from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.statements import HotStatement
from app.identity.api import ResidentSubject, community, trace_read, zone_of_community

_LIST, _ENTITLED, _HELD = "billing.programmes", "billing.entitlements", "billing.held_entitlements"
_p, _e, _m = PROGRAMMES.c, ENTITLEMENTS.c, MONTHS.c
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_programme = sa.bindparam("programme_id", type_=sa.Uuid)
_community = sa.bindparam("community_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)
_wall = sa.select(
    sa.cast(
        sa.func.timezone(zone_of_community(_community), sa.bindparam("service_at", type_=sa.DateTime(timezone=True))),
        sa.Date,
    ).label("day")
).subquery("wall")
_day = _wall.c.day
_month = sa.cast(sa.func.date_trunc(sa.literal_column("'month'"), _day), sa.Date)
_PROGRAMMES: Final = (
    sa.select(PROGRAMMES)
    .where(_p.community_id == _community, after((_p.id,), ("after_id",), descending=True))
    .order_by(_p.id.desc())
    .limit(_limit)
)
_ONE: Final = sa.select(PROGRAMMES).where(_p.id == _programme, _p.community_id == _community)
_ENTITLEMENTS: Final = traced_each(
    sa.select(ENTITLEMENTS)
    .where(_e.programme_id == _programme, after((_e.id,), ("after_id",), descending=True))
    .order_by(_e.id.desc())
    .limit(_limit),
    "entitlements:list",
)
_OWN: Final = (
    sa.select(ENTITLEMENTS, _p.name.label("programme_name"), _p.kind)
    .join(PROGRAMMES, _p.id == _e.programme_id)
    .where(_e.resident_id == _resident, after((_e.id,), ("after_id",), descending=True))
    .order_by(_e.id.desc())
    .limit(_limit)
)
# What each programme would pay for a resident on a day, and what is left of what limits it.
_OFFERS: Final = HotStatement(
    sa.select(
        _p.id.label("programme_id"),
        _e.id.label("entitlement_id"),
        _p.kind,
        _p.rate,
        _p.order_cap,
        _p.month_cap,
        _e.period,
        _e.amount,
        _e.committed_amount.label("entitlement_committed"),
        (_p.budget_amount - _p.committed_amount).label("budget_left"),
        sa.func.coalesce(_m.committed_amount, 0).label("month_committed"),
        _month.label("month"),
    )
    .select_from(_wall.join(ENTITLEMENTS, sa.true()).join(PROGRAMMES, _p.id == _e.programme_id))
    .outerjoin(
        MONTHS,
        sa.and_(
            _m.resident_id == _e.resident_id,
            _m.programme_id == _p.id,
            _m.month == _month,
        ),
    )
    .where(
        _e.resident_id == _resident,
        _e.revoked_at.is_(None),
        _day >= _e.valid_from,
        sa.or_(_e.valid_until.is_(None), _day <= _e.valid_until),
        _p.community_id == _community,
        _p.is_active,
        _day >= _p.valid_from,
        sa.or_(_p.valid_until.is_(None), _day <= _p.valid_until),
        sa.bindparam("category", type_=sa.Text) == sa.any_(_p.categories),
        _p.currency == sa.bindparam("currency", type_=_p.currency.type),
    )
)
_OWED: Final = (
    sa.select(USES.c.month, sa.cast(sa.func.sum(USES.c.amount), sa.BigInteger), sa.func.count())
    .where(USES.c.programme_id == _programme, USES.c.state == sa.literal_column("'used'"))
    .group_by(USES.c.month)
)
_SETTLED: Final = (
    sa.select(SETTLEMENTS.c.month, sa.cast(sa.func.sum(SETTLEMENTS.c.amount), sa.BigInteger).label("amount"))
    .where(SETTLEMENTS.c.programme_id == _programme)
    .group_by(SETTLEMENTS.c.month)
)


@dataclass(frozen=True, slots=True)
class Entitled:
    """An offer with what it is taken from."""

    offer: Offer
    entitlement_id: uuid.UUID
    month: date
    month_limit: int | None
    once_limit: int | None


async def offers(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    resident_id: uuid.UUID,
    category: str,
    service_at: datetime,
    currency: str,
) -> list[Entitled]:
    """Return what programmes would pay of a service of a resident's on the day of the community's wall it is on."""
    binds = {
        "community_id": community_id,
        "resident_id": resident_id,
        "category": category,
        "service_at": service_at,
        "currency": currency,
    }
    return [_entitled(row) for row in await _OFFERS.rows(connection, binds)]


async def subsidy_preview(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    resident_id: uuid.UUID,
    category: str,
    service_at: datetime,
    amount: int,
) -> Split:
    """Return who would pay how much of an amount in the community's currency: for a quote, nothing is promised by it.

    The caller knows who may see it.
    """
    place = await community(connection, community_id)
    found = await offers(connection, community_id, resident_id, category, service_at, place.currency)
    return split(amount, [one.offer for one in found])


async def programmes(connection: AsyncConnection, community_id: uuid.UUID, page: PageRequest) -> Page[ProgrammePublic]:
    """Return a page of a community's programmes, the last one first."""
    binds = {"community_id": community_id, **_paging(_LIST, page)}
    rows = (await connection.execute(_PROGRAMMES, binds)).all()
    items = [programme(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_LIST, rows, page.limit, ("id",)))


async def entitlements(
    connection: AsyncConnection, actor: Actor, programme_id: uuid.UUID, page: PageRequest
) -> Page[EntitlementPublic]:
    """Return a page of who is and was entitled to what a programme pays; leaves a trace; raises ``NotFound``."""
    await _known(connection, actor, programme_id)
    binds = {"programme_id": programme_id, **_paging(_ENTITLED, page), **trace_each_binds(actor, shown=page.limit)}
    rows = (await connection.execute(_ENTITLEMENTS, binds)).all()
    items = [entitlement(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_ENTITLED, rows, page.limit, ("id",)))


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[OwnEntitlement]:
    """Return a page of what a resident is and was entitled to, the last one first; leaves a trace."""
    await trace_read(connection, actor, subject, "entitlements:list")
    binds = {"resident_id": subject.resident_id, **_paging(_HELD, page)}
    rows = (await connection.execute(_OWN, binds)).all()
    items = [
        OwnEntitlement(**entitlement(row).model_dump(), programme_name=row.programme_name, kind=row.kind)
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_HELD, rows, page.limit, ("id",)))


async def report(connection: AsyncConnection, actor: Actor, programme_id: uuid.UUID) -> ProgrammeReport:
    """Return what a programme owes month by month, the last one first; raises ``NotFound``."""
    row = await _known(connection, actor, programme_id)
    binds = {"programme_id": programme_id}
    owed = {month: (amount, count) for month, amount, count in await connection.execute(_OWED, binds)}
    settled = {row.month: row.amount for row in await connection.execute(_SETTLED, binds)}
    months = [
        MonthOwed(
            month=month,
            owed_amount=owed.get(month, (0, 0))[0],
            settled_amount=settled.get(month, 0),
            orders=owed.get(month, (0, 0))[1],
        )
        for month in sorted(owed.keys() | settled.keys(), reverse=True)
    ]
    return ProgrammeReport(
        programme_id=row.id,
        currency=row.currency,
        budget_amount=row.budget_amount,
        committed_amount=row.committed_amount,
        months=months,
    )


def programme(row: Any) -> ProgrammePublic:
    """Return a programme as it is shown."""
    return ProgrammePublic(**{name: getattr(row, name) for name in ProgrammePublic.model_fields})


def entitlement(row: Any) -> EntitlementPublic:
    """Return an entitlement as it is shown."""
    fields = {name: getattr(row, name) for name in EntitlementPublic.model_fields}
    return EntitlementPublic(**fields | {"level": unseal(row.level, LEVEL) if row.level else None})


async def _known(connection: AsyncConnection, actor: Actor, programme_id: uuid.UUID) -> Any:
    binds = {"programme_id": programme_id, "community_id": actor.community_id}
    row = (await connection.execute(_ONE, binds)).one_or_none()
    if row is None:
        raise NotFound
    return row


def _entitled(row: Any) -> Entitled:
    limits = [one for one in (row.month_cap, row.amount if row.period == "month" else None) if one is not None]
    month_limit = min(limits) if limits else None
    once_limit = row.amount if row.period == "once" else None
    left = min(
        row.budget_left,
        UNLIMITED if month_limit is None else month_limit - row.month_committed,
        UNLIMITED if once_limit is None else once_limit - row.entitlement_committed,
    )
    offer = Offer(row.programme_id, row.kind, Terms(row.rate, row.order_cap), left)
    return Entitled(offer, row.entitlement_id, row.month, month_limit, once_limit)


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    (last_id,) = decode_cursor(kind, page.cursor) if page.cursor else (None,)
    return {"after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}
