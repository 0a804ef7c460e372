"""Finding residents: pages over those the actor may see, by name, number, national id or the operator's reference."""

import uuid
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.tables import table_of
from app.identity.models import Account, Community, ContactPoint, Household, Resident
from app.identity.people.rules import normalize_phone
from app.identity.people.schemas import ResidentBrief, ResidentState
from app.identity.people.seals import contact_index, national_id_index
from app.identity.scopes import PROFILE_READ
from app.identity.visibility import actor_binds, is_visible, visible_residents

_accounts = table_of(Account)
_communities = table_of(Community)
_points = table_of(ContactPoint)
_residents = table_of(Resident)
_households = table_of(Household)

_CURSOR = "identity.residents"
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
    return audit.traced_each(residents.where(_matches()) if searching else residents, "residents:list", "id")


def _matches() -> sa.ColumnElement[bool]:
    reached = sa.exists().where(
        _points.c.account_id == _accounts.c.id,
        _points.c.value_index == sa.bindparam("value_index", type_=sa.LargeBinary),
    )
    return sa.or_(
        _name.like(sa.bindparam("pattern", type_=sa.Text), escape="\\"),
        _residents.c.reference == sa.bindparam("reference", type_=sa.Text),
        _residents.c.national_id_index == sa.bindparam("national_id_index", type_=sa.LargeBinary),
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

    ``query`` is a part of the name, a whole phone number, the operator's reference or, for staff, a national id: who
    else sees somebody's profile does not see that, and is not to find out by trying.
    """
    (after_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (_FIRST,)
    searching = bool(query and query.strip())
    binds = actor_binds(actor, PROFILE_READ) | {
        "community_id": actor.community_id,
        "state": state,
        "after_id": uuid.UUID(str(after_id)),
        "rows": page.limit + 1,
        **audit.trace_each_binds(actor, shown=page.limit),
    }
    if query and searching:
        country = await connection.scalar(_COUNTRY, {"community_id": actor.community_id})
        binds |= _query_binds(query.strip(), str(country))
        binds["national_id_index"] = national_id_index(query) if actor.memberships else b""
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
