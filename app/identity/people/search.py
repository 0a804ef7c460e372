"""Finding residents: pages over those the actor may see, by name, number or the operator's reference."""

import uuid
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.audit_tables import AuditEntry
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.set_ids import minted_at, minted_id
from app.core.tables import table_of
from app.identity.models import Account, Community, ContactPoint, Household, Resident
from app.identity.people.rules import normalize_phone
from app.identity.people.schemas import ResidentBrief, ResidentState
from app.identity.people.seals import contact_index
from app.identity.scopes import PROFILE_READ
from app.identity.visibility import actor_binds, is_visible, visible_residents

_entries = table_of(AuditEntry)
_accounts = table_of(Account)
_communities = table_of(Community)
_points = table_of(ContactPoint)
_residents = table_of(Resident)
_households = table_of(Household)

_CURSOR = "identity.residents"
_TRACED = ("at", "community_id", "actor_kind", "actor_id", "request_id")
_name = sa.func.lower(_accounts.c.name)
_COUNTRY = sa.select(_communities.c.country).where(_communities.c.id == sa.bindparam("community_id", type_=sa.Uuid))
_after_id = sa.bindparam("after_id", type_=sa.Uuid)
_FIRST = uuid.UUID(int=0)


@cache
def _statement(*, for_staff: bool, searching: bool) -> sa.Select[Any]:
    """Return the page's statement.

    Staff may see most of a community: it is walked in the order of names, each row checked. Who sees a handful starts
    from those.
    """
    residents = (
        sa.select(
            _residents.c.id,
            _residents.c.account_id,
            _accounts.c.name,
            _residents.c.birth_date,
            _accounts.c.language,
            _households.c.building,
            _residents.c.reference,
            _residents.c.state,
        )
        .join(_accounts, _accounts.c.id == _residents.c.account_id)
        .outerjoin(_households, _households.c.id == _residents.c.household_id)
        .where(
            _accounts.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
            _residents.c.state == sa.bindparam("state", type_=sa.Text),
            _accounts.c.state != "erased",
            sa.tuple_(_name, _accounts.c.id) > sa.tuple_(_after_name(), _after_id),
        )
        .order_by(_name, _accounts.c.id)
        .limit(sa.bindparam("rows", type_=sa.Integer))
    )
    if for_staff:
        residents = residents.where(is_visible(_residents.c.id, PROFILE_READ))
    else:
        residents = residents.where(_residents.c.id.in_(visible_residents(PROFILE_READ)))
    return _traced(residents.where(_matches()) if searching else residents)


def _traced(residents: sa.Select[Any]) -> sa.Select[Any]:
    """Return the page's statement with an entry in the audit trail for each resident on it, but for oneself."""
    page = residents.cte("page")
    order = (sa.func.lower(page.c.name), page.c.account_id)
    shown = sa.select(page.c.id).order_by(*order).limit(sa.bindparam("shown", type_=sa.Integer)).subquery("shown")
    entry = sa.select(
        minted_id(),
        *(sa.bindparam(f"trace_{name}", type_=_entries.c[name].type) for name in _TRACED),
        sa.literal("residents:list", sa.Text),
        shown.c.id,
    ).where(shown.c.id.is_distinct_from(sa.bindparam("own_resident", type_=sa.Uuid)))
    trace = sa.insert(_entries).from_select(["id", *_TRACED, "action", "resident_id"], entry).cte("trace")
    return sa.select(page).order_by(*order).add_cte(trace)


def _matches() -> sa.ColumnElement[bool]:
    reached = sa.exists().where(
        _points.c.account_id == _accounts.c.id,
        _points.c.value_index == sa.bindparam("value_index", type_=sa.LargeBinary),
    )
    return sa.or_(
        _name.like(sa.bindparam("pattern", type_=sa.Text), escape="\\"),
        _residents.c.reference == sa.bindparam("reference", type_=sa.Text),
        reached,
    )


async def residents(
    connection: AsyncConnection,
    actor: Actor,
    page: PageRequest,
    *,
    query: str | None,
    state: ResidentState,
) -> Page[ResidentBrief]:
    """Return a page of the residents of the actor's community whom the actor may see, in the order of names.

    ``query`` is a part of the name, a whole phone number, or the operator's reference.
    """
    (after_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (_FIRST,)
    searching = bool(query and query.strip())
    binds = actor_binds(actor, PROFILE_READ) | {
        "community_id": actor.community_id,
        "state": state,
        "after_id": uuid.UUID(str(after_id)),
        "rows": page.limit + 1,
        "shown": page.limit,
        "own_resident": actor.resident_id,
        "minted_at": minted_at(),
    }
    if query and searching:
        country = await connection.scalar(_COUNTRY, {"community_id": actor.community_id})
        binds |= _query_binds(query.strip(), str(country))
    trace = audit.trace_binds(actor, resident_id=None)
    binds |= {f"trace_{name}": trace[f"trace_{name}"] for name in _TRACED}
    statement = _statement(for_staff=bool(actor.memberships), searching=searching)
    rows = (await connection.execute(statement, binds)).all()
    items = [_brief(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ["account_id"]))


def _after_name() -> sa.ColumnElement[str]:
    """Return the name at which the page before ended: names are too long for cursors."""
    before = sa.alias(_accounts, "before")
    ended_at = sa.select(sa.func.lower(before.c.name)).where(before.c.id == _after_id).scalar_subquery()
    return sa.func.coalesce(ended_at, "")


def _query_binds(query: str, country: str) -> dict[str, Any]:
    escaped = query.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    try:
        value_index = contact_index(normalize_phone(query, country))
    except ValueError:
        value_index = b""
    return {"pattern": f"%{escaped}%", "reference": query, "value_index": value_index}


def _brief(row: Any) -> ResidentBrief:
    return ResidentBrief(
        resident_id=row.id,
        account_id=row.account_id,
        name=row.name,
        birth_date=row.birth_date,
        language=row.language,
        building=row.building,
        reference=row.reference,
        state=row.state,
    )
