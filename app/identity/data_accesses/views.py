"""The SQL that reads the audit trail on behalf of the resident it is about."""

import uuid
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.audit_tables import AuditEntry
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.tables import table_of
from app.identity.clients.models import ApiClient
from app.identity.data_accesses.schemas import DataAccess
from app.identity.data_accesses.texts import READING, is_reading, tell
from app.identity.models import Account, Membership, Organization

_entries = table_of(AuditEntry)
_accounts = table_of(Account)
_clients = table_of(ApiClient)
_apps = _clients.alias("apps")
_memberships = table_of(Membership)
_organizations = table_of(Organization)
_CURSOR = "identity.data_accesses"
_READING = sa.func.split_part(_entries.c.action, ":", 2).in_(sorted(READING))

_NOBODY = sa.literal_column("CAST('{}' AS text[])", ARRAY(sa.Text))
# Who looked did so for whom they worked for then, wherever they work today.
_works_for = (
    sa.select(sa.func.array_agg(sa.distinct(_organizations.c.name)))
    .join(_memberships, _memberships.c.organization_id == _organizations.c.id)
    .where(
        _memberships.c.account_id == _entries.c.actor_id,
        _memberships.c.created_at <= _entries.c.at,
        sa.or_(_memberships.c.ended_at.is_(None), _memberships.c.ended_at > _entries.c.at),
    )
    .correlate(_entries)
    .scalar_subquery()
)


def _statement(*, only_reading: bool) -> sa.Select[Any]:
    return (
        sa.select(
            _entries.c.id,
            _entries.c.at,
            _entries.c.actor_kind,
            _entries.c.actor_id,
            _entries.c.action,
            _entries.c.object_id,
            sa.func.coalesce(_accounts.c.name, _clients.c.name).label("name"),
            sa.func.coalesce(_works_for, _NOBODY).label("organizations"),
            _apps.c.name.label("app"),
        )
        .outerjoin(_accounts, _accounts.c.id == _entries.c.actor_id)
        .outerjoin(_clients, _clients.c.id == _entries.c.actor_id)
        .outerjoin(_apps, _apps.c.id == _entries.c.app_id)
        .where(
            _entries.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
            # What one does oneself one knows; what an app does that one agreed to one may not.
            sa.or_(_entries.c.actor_id != sa.bindparam("own_id", type_=sa.Uuid), _entries.c.app_id.is_not(None)),
            _READING if only_reading else sa.true(),
            after((_entries.c.id,), ("after_id",), descending=True),
        )
        .order_by(_entries.c.id.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


_page = cache(_statement)
_page_traced = cache(lambda *, only_reading: audit.traced(_statement(only_reading=only_reading), "data_access:list"))


async def data_accesses(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    account_id: uuid.UUID,
    page: PageRequest,
    language: str,
    *,
    only_reading: bool,
) -> Page[DataAccess]:
    """Return a page of what others did with a resident's data, the latest first, told in ``language``.

    Read by anybody but the resident, it leaves a trace itself.
    """
    (last_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None,)
    binds: dict[str, Any] = {
        "resident_id": resident_id,
        "own_id": account_id,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    statement = _page(only_reading=only_reading)
    if actor.resident_id != resident_id:
        statement = _page_traced(only_reading=only_reading)
        binds |= audit.trace_binds(actor, resident_id=resident_id)
    rows = (await connection.execute(statement, binds)).all()
    items = [
        DataAccess(
            id=row.id,
            at=row.at,
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            name=row.name,
            organizations=sorted(row.organizations),
            action=row.action,
            is_reading=is_reading(row.action),
            object_id=row.object_id,
            app=row.app,
            # Of what oneself did through an app the app is told.
            explanation=tell(language, row.action, row.actor_kind, row.app if row.actor_id == account_id else row.name),
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))
