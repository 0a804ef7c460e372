"""The SQL that ends and restores what hangs on a residence: agreements and grants, set-based."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.tables import table_of
from app.identity.models import Grant, ServiceAgreement

_grants = table_of(Grant)
_agreements = table_of(ServiceAgreement)

_at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_of_resident = sa.bindparam("of_resident", type_=sa.Uuid)
_of_account = sa.bindparam("of_account", type_=sa.Uuid)

# Restoring finds what the closure ended by its instant: nothing else of the resident ends at that very microsecond.
_END_GRANTS = (
    sa.update(_grants)
    .where(
        sa.or_(_grants.c.resident_id == _of_resident, _grants.c.grantee_account_id == _of_account),
        _grants.c.revoked_at.is_(None),
        sa.or_(_grants.c.expires_at.is_(None), _grants.c.expires_at > _at),
    )
    .values(revoked_at=_at, updated_at=_at, version=_grants.c.version + 1)
    .returning(
        _grants.c.id,
        _grants.c.community_id,
        _grants.c.resident_id,
        _grants.c.grantee_account_id,
        _grants.c.kind,
    )
)
_END_AGREEMENTS = (
    sa.update(_agreements)
    .where(
        _agreements.c.resident_id == _of_resident,
        _agreements.c.starts_at < _at,
        sa.or_(_agreements.c.ends_at.is_(None), _agreements.c.ends_at > _at),
    )
    .values(ends_at=_at, agreed_ends_at=_agreements.c.ends_at, updated_at=_at, version=_agreements.c.version + 1)
    .returning(_agreements.c.id)
)
_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_RESTORE_GRANTS = (
    sa.update(_grants)
    .where(
        sa.or_(_grants.c.resident_id == _of_resident, _grants.c.grantee_account_id == _of_account),
        _grants.c.revoked_at == _at,
        _grants.c.kind != "break_glass",
        sa.or_(_grants.c.expires_at.is_(None), _grants.c.expires_at > _now),
    )
    .values(revoked_at=None, updated_at=_now, version=_grants.c.version + 1)
    .returning(_grants.c.id)
)
_RESTORE_AGREEMENTS = (
    sa.update(_agreements)
    .where(_agreements.c.resident_id == _of_resident, _agreements.c.ends_at == _at)
    .values(
        ends_at=_agreements.c.agreed_ends_at, agreed_ends_at=None, updated_at=_now, version=_agreements.c.version + 1
    )
    .returning(_agreements.c.id)
)


async def end_rights(
    session: AsyncSession, resident_id: uuid.UUID | None, account_id: uuid.UUID | None, at: datetime
) -> tuple[Sequence[sa.Row[Any]], int]:
    """End the agreements and grants about a resident, and the grants the account holds if one is named.

    Returns the grants that ended and how many agreements did.
    """
    binds = {"of_resident": resident_id, "at": at}
    grants = (await session.execute(_END_GRANTS, binds | {"of_account": account_id})).all()
    agreements = (await session.execute(_END_AGREEMENTS, binds)).all()
    return grants, len(agreements)


async def restore_rights(
    session: AsyncSession, resident_id: uuid.UUID, account_id: uuid.UUID, closed_at: datetime, now: datetime
) -> tuple[int, int]:
    """Put the grants and agreements back that ended at ``closed_at`` and return how many of each."""
    binds = {"of_resident": resident_id, "at": closed_at, "now": now}
    grants = (await session.execute(_RESTORE_GRANTS, binds | {"of_account": account_id})).all()
    agreements = (await session.execute(_RESTORE_AGREEMENTS, binds)).all()
    return len(grants), len(agreements)
