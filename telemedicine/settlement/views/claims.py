"""The SQL that reads what insurers are asked and say, as other systems keep it."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from telemedicine.settlement.access import seen, seen_binds
from telemedicine.settlement.models import BILLS, REQUESTS
from telemedicine.settlement.schemas.bills import ClaimEntry
from telemedicine.settlement.views.bills import lines_of, request_fields

_LIST = "telemedicine.claims"
_r, _reversal = REQUESTS.c, REQUESTS.alias("reversal")
_INSTANT: Final = sa.DateTime(timezone=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimQuery:
    """Which of what insurers were asked is meant, of what one may see: nothing given, all."""

    kind: Literal["claim", "eligibility"]
    answered: bool = False
    ids: Collection[uuid.UUID] | None = None
    resident_id: uuid.UUID | None = None
    organization_ids: Collection[uuid.UUID] | None = None
    states: Collection[str] | None = None
    standing: bool | None = None
    created_since: datetime | None = None
    created_before: datetime | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


def _within(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    since, before = (sa.bindparam(f"{name}_{end}", type_=_INSTANT) for end in ("since", "before"))
    return sa.and_(sa.or_(since.is_(None), column >= since), sa.or_(before.is_(None), column < before))


_ANSWERED: Final = frozenset({"pending", "complete", "error"})
_standing: Final = sa.and_(
    _r.state != "cancelled",
    ~sa.exists().where(
        _reversal.c.bill_id == _r.bill_id, _reversal.c.kind == "reversal", _reversal.c.about_id == _r.id
    ),
)
_wanted_standing = sa.bindparam("standing", type_=sa.Boolean)
_text_state: Final = sa.type_coerce(_r.state, sa.Text())
_page: Final = (
    sa.select(
        REQUESTS,
        BILLS.c.currency,
        BILLS.c.total_amount,
        BILLS.c.served_at,
        _standing.label("is_standing"),
    )
    .join(BILLS, BILLS.c.id == _r.bill_id)
    .where(
        _r.kind == sa.bindparam("kind", type_=sa.Text),
        seen(_r.resident_id, _r.organization_id),
        _among(_r.organization_id, "organization_ids"),
        _among(_text_state, "states"),
        sa.or_(_wanted_standing.is_(None), _standing == _wanted_standing),
        _within(_r.created_at, "created"),
        _within(_r.updated_at, "updated"),
        after((_r.id,), ("after_id",), descending=True),
    )
    .order_by(_r.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
# One for each way in, so that each begins at an index: whose, whose clinic's, or which.
_PAGES: Final = {
    key: traced_each(statement, "claims:list")
    for key, statement in {
        "ids": _page.where(_r.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))), _among(_r.resident_id, "of")),
        "of": _page.where(_r.resident_id == sa.any_(sa.bindparam("of", type_=ARRAY(sa.Uuid)))),
        "staff": _page.where(_r.organization_id == sa.any_(sa.bindparam("staff_of", type_=ARRAY(sa.Uuid)))),
    }.items()
}


async def claims(connection: AsyncConnection, actor: Actor, query: ClaimQuery, page: PageRequest) -> Page[ClaimEntry]:
    """Return a page of what insurers were asked, the last first: of one's clinics, unless a patient is named.

    What the actor may not see is not there; leaves a trace.
    """
    (last_id,) = decode_cursor(_LIST, page.cursor) if page.cursor else (None,)
    may_see = seen_binds(actor)
    of = query.resident_id or (None if may_see["staff_of"] else actor.resident_id)
    states = query.states
    if query.answered:
        states = _ANSWERED if states is None else _ANSWERED & set(states)
    binds: dict[str, Any] = {
        **may_see,
        **trace_each_binds(actor, shown=page.limit),
        "kind": query.kind,
        "ids": None if query.ids is None else sorted(query.ids),
        "of": None if of is None else [of],
        "organization_ids": None if query.organization_ids is None else sorted(query.organization_ids),
        "states": None if states is None else sorted(states),
        "standing": query.standing,
        "created_since": query.created_since,
        "created_before": query.created_before,
        "updated_since": query.updated_since,
        "updated_before": query.updated_before,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    way = "ids" if query.ids is not None else "of" if of is not None else "staff"
    if way == "ids" and query.resident_id is None:
        binds["of"] = None  # known by their id, whoever they are of
    rows = (await connection.execute(_PAGES[way], binds)).all()
    lines = await lines_of(connection, [row.bill_id for row in rows[: page.limit]]) if rows else {}
    more = ("resident_id", "organization_id", "is_standing", "currency", "total_amount", "served_at")
    items = [
        ClaimEntry(
            **request_fields(row),
            **{name: getattr(row, name) for name in (*more, "updated_at", "version")},
            lines=lines.get(row.bill_id, []),
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_LIST, rows, page.limit, ("id",)))
