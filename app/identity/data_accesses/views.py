"""The SQL that reads the audit trail on behalf of the resident it is about."""

import uuid
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.audit_tables import AuditEntry
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.tables import table_of
from app.identity.clients.models import ApiClient
from app.identity.data_accesses.schemas import DataAccess
from app.identity.data_accesses.texts import READING, is_reading, tell
from app.identity.models import Account, Membership, Organization
from app.identity.viewing.models import SupportViewing
from app.identity.visibility import ResidentSubject

_entries = table_of(AuditEntry)
_accounts = table_of(Account)
_clients = table_of(ApiClient)
_apps = _clients.alias("apps")
_memberships = table_of(Membership)
_organizations = table_of(Organization)
_viewings = table_of(SupportViewing)
_REASON = "identity_viewing.reason"
_CURSOR = "identity.data_accesses"
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = uuid.UUID(int=0), uuid.UUID(int=(1 << 128) - 1)
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


@dataclass(frozen=True, slots=True)
class AccessQuery:
    """Which entries about a resident are meant: nothing given, all. ``actions`` are as the trail has them."""

    ids: Collection[uuid.UUID] | None = None
    only_reading: bool | None = None
    actions: Collection[str] | None = None
    actor_ids: Collection[uuid.UUID] | None = None
    object_ids: Collection[uuid.UUID] | None = None
    since: datetime | None = None
    before: datetime | None = None


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


_since, _before = (sa.bindparam(name, type_=sa.Uuid) for name in ("since_id", "before_id"))
_PAGE = (
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
        _viewings.c.reason,
    )
    .outerjoin(_accounts, _accounts.c.id == _entries.c.actor_id)
    .outerjoin(_clients, _clients.c.id == _entries.c.actor_id)
    .outerjoin(_apps, _apps.c.id == _entries.c.app_id)
    .outerjoin(_viewings, _viewings.c.id == _entries.c.object_id)
    .where(
        _entries.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        # What one does oneself one knows; what an app does that one agreed to one may not.
        sa.or_(_entries.c.actor_id != sa.bindparam("own_id", type_=sa.Uuid), _entries.c.app_id.is_not(None)),
        sa.func.coalesce(sa.bindparam("only_reading", type_=sa.Boolean) == _READING, sa.true()),
        _among(_entries.c.id, "ids"),
        _among(_entries.c.action, "actions"),
        _among(_entries.c.actor_id, "actor_ids"),
        _among(_entries.c.object_id, "object_ids"),
        # Ids are of when it happened: of other times nothing is looked at.
        _entries.c.id >= _since,
        _entries.c.id < _before,
        after((_entries.c.id,), ("after_id",), descending=True),
    )
    .order_by(_entries.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_PAGE_TRACED = audit.traced(_PAGE, "data_access:list")
_WHOSE = sa.select(_entries.c.resident_id).where(_entries.c.id == sa.bindparam("entry_id", type_=sa.Uuid))


async def whose(connection: AsyncConnection, entry_id: uuid.UUID) -> uuid.UUID:
    """Return the resident an entry is about, for a check of who may see it; raises ``NotFound``."""
    found: uuid.UUID | None = await connection.scalar(_WHOSE, {"entry_id": entry_id})
    if found is None:
        raise NotFound
    return found


async def data_accesses(
    connection: AsyncConnection,
    actor: Actor,
    subject: ResidentSubject,
    page: PageRequest,
    language: str,
    query: AccessQuery,
) -> Page[DataAccess]:
    """Return a page of what others did with a resident's data, the latest first, told in ``language``.

    Read by anybody but the resident, it leaves a trace itself.
    """
    (last_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None,)
    wanted = asdict(query)
    since, before = wanted.pop("since"), wanted.pop("before")
    binds: dict[str, Any] = wanted | {
        "resident_id": subject.resident_id,
        "own_id": subject.account_id,
        "since_id": clock.id_floor(max(since, _BEGIN)) if since else _FIRST,
        "before_id": clock.id_floor(max(before, _BEGIN)) if before else _LAST,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    statement = _PAGE
    if actor.resident_id != subject.resident_id:
        statement = _PAGE_TRACED
        binds |= audit.trace_binds(actor, resident_id=subject.resident_id)
    rows = (await connection.execute(statement, binds)).all()
    own_id = subject.account_id
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
            explanation=tell(language, row.action, row.actor_kind, row.app if row.actor_id == own_id else row.name),
            reason=unseal(row.reason, _REASON) if row.reason else None,
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))
