"""The SQL that writes grants: one in force per resident, person, kind and reason, held by a unique index."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.tables import table_of
from app.identity.consent.texts import edition_of, wording
from app.identity.models import ConsentWording, Grant

_grants = table_of(Grant)
_wordings = table_of(ConsentWording)
_now = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_KEY = ["resident_id", "grantee_account_id", "kind", "reason_id"]
_IN_FORCE = sa.text("revoked_at IS NULL")

# An expired grant leaves its place to a new one; it ended when it expired.
_END_EXPIRED = (
    sa.update(_grants)
    .where(
        _grants.c.resident_id == sa.bindparam("of_resident", type_=sa.Uuid),
        _grants.c.grantee_account_id == sa.bindparam("of_grantee", type_=sa.Uuid),
        _grants.c.revoked_at.is_(None),
        _grants.c.expires_at <= _now,
    )
    .values(revoked_at=_grants.c.expires_at, updated_at=_now, version=_grants.c.version + 1)
)
_INSERT = insert(Grant).on_conflict_do_nothing(index_elements=_KEY, index_where=_IN_FORCE).returning(Grant)
_KEEP_WORDING = insert(ConsentWording).on_conflict_do_nothing(index_elements=["language", "edition"])
_FIND_WORDING = sa.select(_wordings.c.id).where(
    _wordings.c.language == sa.bindparam("language", type_=sa.Text),
    _wordings.c.edition == sa.bindparam("edition", type_=sa.Text),
)
_more = sa.bindparam("more", type_=ARRAY(sa.Text))
_WIDEN = (
    sa.update(_grants)
    .where(
        _grants.c.reason_id == sa.bindparam("of_reason", type_=sa.Uuid),
        _grants.c.kind == "break_glass",
        _grants.c.revoked_at.is_(None),
        ~_grants.c.scopes.contains(_more),
    )
    .values(scopes=_grants.c.scopes.concat(_more), updated_at=_now, version=_grants.c.version + 1)
    .returning(_grants.c.id, _grants.c.community_id, _grants.c.resident_id, _grants.c.grantee_account_id)
)
_END_OF_REASON = (
    sa.update(_grants)
    .where(
        _grants.c.reason_id == sa.bindparam("of_reason", type_=sa.Uuid),
        _grants.c.kind == "break_glass",
        _grants.c.revoked_at.is_(None),
    )
    .values(revoked_at=_now, updated_at=_now, version=_grants.c.version + 1)
    .returning(_grants.c.id, _grants.c.community_id, _grants.c.resident_id, _grants.c.grantee_account_id)
)
_END_OF_HELPER = (
    sa.update(_grants)
    .where(
        _grants.c.resident_id == sa.bindparam("of_resident", type_=sa.Uuid),
        _grants.c.grantee_account_id == sa.bindparam("of_helper", type_=sa.Uuid),
        _grants.c.kind == "break_glass",
        _grants.c.revoked_at.is_(None),
    )
    .values(revoked_at=_now, updated_at=_now, version=_grants.c.version + 1)
    .returning(_grants.c.id, _grants.c.community_id, _grants.c.resident_id, _grants.c.grantee_account_id)
)


async def wording_in_use(session: AsyncSession, language: str) -> uuid.UUID:
    """Return the id of the words in which grants are explained today, kept from their first use on."""
    content = wording(language)
    key = {"language": language, "edition": edition_of(content)}
    row = key | {"id": clock.new_id(), "content": content, "first_used_at": clock.now()}
    await session.execute(_KEEP_WORDING, row)
    kept: uuid.UUID = (await session.scalars(_FIND_WORDING, key)).one()
    return kept


async def insert_grant(session: AsyncSession, values: dict[str, Any]) -> Grant | None:
    """Insert a grant and return it, or ``None`` if one of its kind is in force for this person."""
    at = clock.now()
    await session.execute(
        _END_EXPIRED,
        {"of_resident": values["resident_id"], "of_grantee": values["grantee_account_id"], "at": at},
    )
    row = {"id": clock.new_id(), "created_at": at, "updated_at": at, "version": 1, **values}
    grant: Grant | None = (await session.scalars(_INSERT, row)).one_or_none()
    return grant


async def upsert_break_glass(
    session: AsyncSession,
    *,
    community_id: uuid.UUID,
    resident_id: uuid.UUID,
    alarm_id: uuid.UUID,
    granted_by: uuid.UUID,
    account_ids: Sequence[uuid.UUID],
    scopes: Sequence[str],
    expires_at: datetime,
) -> list[sa.Row[Any]]:
    """Open (or widen and prolong) an alarm's access for each account and return the grants, new ones marked."""
    at = clock.now()
    rows = [
        {
            "id": clock.new_id(),
            "created_at": at,
            "updated_at": at,
            "version": 1,
            "community_id": community_id,
            "resident_id": resident_id,
            "grantee_account_id": account_id,
            "scopes": sorted(scopes),
            "kind": "break_glass",
            "granted_by": granted_by,
            "reason_id": alarm_id,
            "starts_at": at,
            "expires_at": expires_at,
        }
        for account_id in sorted(set(account_ids))
    ]
    statement = insert(_grants).values(rows)
    opened = statement.excluded
    both = sa.func.unnest(sa.func.array_cat(_grants.c.scopes, opened.scopes)).column_valued("scope")
    united = sa.func.array(sa.select(both).distinct().order_by(both).scalar_subquery(), type_=ARRAY(sa.Text))
    prolonged = statement.on_conflict_do_update(
        index_elements=_KEY,
        index_where=_IN_FORCE,
        set_={
            "scopes": united,
            "expires_at": sa.func.greatest(_grants.c.expires_at, opened.expires_at),
            "updated_at": at,
            "version": _grants.c.version + 1,
        },
    ).returning(_grants.c.id, _grants.c.grantee_account_id, (_grants.c.version == 1).label("is_new"))
    return list(await session.execute(prolonged))


async def end_of_reason(session: AsyncSession, alarm_id: uuid.UUID) -> list[sa.Row[Any]]:
    """End what the alarm opened and return the grants that ended."""
    return list(await session.execute(_END_OF_REASON, {"of_reason": alarm_id, "at": clock.now()}))


async def end_of_helper(session: AsyncSession, resident_id: uuid.UUID, account_id: uuid.UUID) -> list[sa.Row[Any]]:
    """End what alarms about the resident opened to one person and return the grants that ended."""
    binds = {"of_resident": resident_id, "of_helper": account_id, "at": clock.now()}
    return list(await session.execute(_END_OF_HELPER, binds))


async def widen_of_reason(session: AsyncSession, alarm_id: uuid.UUID, scope: str) -> list[sa.Row[Any]]:
    """Add a scope to what the alarm opened and return the grants that did not have it."""
    return list(await session.execute(_WIDEN, {"of_reason": alarm_id, "more": [scope], "at": clock.now()}))
