"""The SQL that searches a community's audit trail; each search is an entry itself."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.audit_tables import AuditEntry
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.tables import table_of
from app.identity.audit_entries.schemas import AuditEntryPublic
from app.identity.clients.models import ApiClient
from app.identity.data_accesses.texts import is_reading
from app.identity.models import Account, Membership, Organization, Resident
from app.identity.people.names import resident_name
from app.identity.scopes import PROFILE_READ
from app.identity.visibility import actor_binds, is_visible

_entries = table_of(AuditEntry)
_accounts = table_of(Account)
_clients = table_of(ApiClient)
_apps = _clients.alias("apps")
_memberships = table_of(Membership)
_organizations = table_of(Organization)
_residents = table_of(Resident)
_CURSOR = "identity.audit_entries"
_NOBODY = sa.literal_column("CAST('{}' AS text[])", ARRAY(sa.Text))


@dataclass(frozen=True, slots=True)
class EntryQuery:
    """Which entries are meant: those from ``since`` on and before ``before``; nothing else given, all of them.

    ``action`` is ``thing:verb``, or ``thing`` for whatever was done with it.
    """

    since: datetime
    before: datetime
    resident_id: uuid.UUID | None = None
    actor_id: uuid.UUID | None = None
    object_id: uuid.UUID | None = None
    action: str | None = None


_staffed = (
    sa.select(_memberships.c.id)
    .join(_organizations, _organizations.c.id == _memberships.c.organization_id)
    .where(_memberships.c.account_id == _entries.c.actor_id, _organizations.c.community_id == _entries.c.community_id)
    .correlate(_entries)
    .exists()
)
# Whom they worked for when they did it, wherever they work today.
_worked_for = (
    sa.select(sa.func.array_agg(sa.distinct(_organizations.c.name)))
    .join(_memberships, _memberships.c.organization_id == _organizations.c.id)
    .where(
        _memberships.c.account_id == _entries.c.actor_id,
        _organizations.c.community_id == _entries.c.community_id,
        _memberships.c.created_at <= _entries.c.at,
        sa.or_(_memberships.c.ended_at.is_(None), _memberships.c.ended_at > _entries.c.at),
    )
    .correlate(_entries)
    .scalar_subquery()
)
# A family's and a resident's names are not in the trail of the house: who needs one looks at the resident, and is seen.
_actor_name = (
    sa.select(_accounts.c.name)
    .where(_accounts.c.id == _entries.c.actor_id, _staffed)
    .correlate(_entries)
    .scalar_subquery()
)
_NARROWING: dict[str, sa.ColumnElement[bool]] = {
    "resident_id": _entries.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    "actor_id": _entries.c.actor_id == sa.bindparam("actor_id", type_=sa.Uuid),
    "object_id": _entries.c.object_id == sa.bindparam("object_id", type_=sa.Uuid),
    "action": _entries.c.action == sa.bindparam("action", type_=sa.Text),
    "thing": sa.func.split_part(_entries.c.action, ":", 1) == sa.bindparam("thing", type_=sa.Text),
}


@cache
def _page(narrowed_by: frozenset[str]) -> sa.Select[Any]:
    """Return the search by these columns: a statement of its own each, so that each finds by its own index."""
    named = (
        sa.case((is_visible(_entries.c.resident_id, PROFILE_READ), resident_name(_entries.c.resident_id)))
        if "resident_id" in narrowed_by
        else sa.null()
    )
    found = (
        sa.select(
            *(_entries.c[name] for name in _SHOWN),
            sa.func.coalesce(_actor_name, _clients.c.name).label("actor"),
            sa.func.coalesce(_worked_for, _NOBODY).label("organizations"),
            _apps.c.name.label("app"),
            sa.cast(named, sa.Text).label("resident"),
            _entries.c.details.is_not(None).label("has_details"),
        )
        .outerjoin(_clients, _clients.c.id == _entries.c.actor_id)
        .outerjoin(_apps, _apps.c.id == _entries.c.app_id)
        .where(
            _entries.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
            *(_NARROWING[name] for name in sorted(narrowed_by)),
            # Ids are of when it happened: of other times nothing is looked at.
            _entries.c.id >= sa.bindparam("since_id", type_=sa.Uuid),
            _entries.c.id < sa.bindparam("before_id", type_=sa.Uuid),
            after((_entries.c.id,), ("after_id",), descending=True),
        )
        .order_by(_entries.c.id.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    return audit.traced(found, "audit_entry:list")


_SHOWN = ("id", "at", "actor_kind", "actor_id", "action", "resident_id", "object_id", "request_id")
_LIVES_HERE = sa.select(_residents.c.id).where(
    _residents.c.id == sa.bindparam("resident_id", type_=sa.Uuid),
    _residents.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
)


async def entries(
    connection: AsyncConnection, actor: Actor, query: EntryQuery, page: PageRequest
) -> Page[AuditEntryPublic]:
    """Return a page of the entries of the actor's community that ``query`` means, the latest first.

    The search leaves an entry: where it names a resident of the community, that resident finds it among theirs.
    """
    (last_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None,)
    thing, _, verb = (query.action or "").partition(":")
    given = {
        "resident_id": query.resident_id,
        "actor_id": query.actor_id,
        "object_id": query.object_id,
        "action": query.action if verb else None,
        "thing": thing if thing and not verb else None,
    }
    narrowed = {name: value for name, value in given.items() if value is not None}
    about = None
    if query.resident_id is not None:
        binds = {"resident_id": query.resident_id, "community_id": actor.community_id}
        about = await connection.scalar(_LIVES_HERE, binds)
    binds = (
        narrowed
        | {
            "community_id": actor.community_id,
            "since_id": clock.id_floor(query.since),
            "before_id": clock.id_floor(query.before),
            "after_id": uuid.UUID(last_id) if last_id else None,
            "limit": page.limit + 1,
        }
        | (actor_binds(actor, PROFILE_READ) if query.resident_id is not None else {})
        | audit.trace_binds(actor, resident_id=about, object_id=query.object_id)
    )
    rows = (await connection.execute(_page(frozenset(narrowed)), binds)).all()
    items = [
        AuditEntryPublic(
            **{name: getattr(row, name) for name in (*_SHOWN, "actor", "app", "resident", "has_details")},
            organizations=sorted(row.organizations),
            is_reading=is_reading(row.action),
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))
