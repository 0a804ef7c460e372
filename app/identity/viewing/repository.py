"""The SQL that writes who looks on as whom."""

import uuid
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.tables import table_of
from app.identity.models import Resident
from app.identity.viewing.access import MAY_BE_VIEWED
from app.identity.viewing.models import SupportViewing

_viewings = table_of(SupportViewing)
_residents = table_of(Resident)

_VIEWABLE: Final = sa.text(
    f"SELECT {MAY_BE_VIEWED} FROM identity_account a WHERE a.id = :account_id"  # noqa: S608 - a text of ours
)
_SETTLE: Final = sa.text(
    """
    UPDATE identity_viewing v
    SET ended_at = least(v.ends_at, :now), updated_at = :now, version = v.version + 1
    WHERE v.viewer_id = :viewer_id AND v.ended_at IS NULL AND (v.ends_at <= :now OR NOT EXISTS (
        SELECT FROM identity_session s WHERE s.id = v.session_id AND s.revoked_at IS NULL AND s.expires_at > :now))
    """
).bindparams(sa.bindparam("now", type_=sa.DateTime(timezone=True)))


async def may_be_viewed(session: AsyncSession, account_id: uuid.UUID) -> bool:
    """Say whether an account is one that support may look on as."""
    return bool(await session.scalar(_VIEWABLE, {"account_id": account_id}))


async def settle(session: AsyncSession, viewer_id: uuid.UUID, now: datetime) -> None:
    """Note of an operator's viewings that are over that they are: their time has passed, or their session has ended."""
    await session.execute(_SETTLE, {"viewer_id": viewer_id, "now": now})


async def going_on(session: AsyncSession, viewer_id: uuid.UUID) -> SupportViewing | None:
    """Return an operator's viewing that was not settled, locked."""
    statement = (
        sa.select(SupportViewing)
        .where(_viewings.c.viewer_id == viewer_id, _viewings.c.ended_at.is_(None))
        .with_for_update()
    )
    found: SupportViewing | None = await session.scalar(statement)
    return found


async def own(session: AsyncSession, viewer_id: uuid.UUID, viewing_id: uuid.UUID) -> SupportViewing | None:
    """Return a viewing of an operator's, whatever became of it, locked."""
    row = await session.get(SupportViewing, viewing_id, with_for_update=True)
    return row if row is not None and row.viewer_id == viewer_id else None


async def resident_of(session: AsyncSession, account_id: uuid.UUID) -> uuid.UUID | None:
    """Return the resident an account is of, whatever became of them."""
    found: uuid.UUID | None = await session.scalar(
        sa.select(_residents.c.id).where(_residents.c.account_id == account_id)
    )
    return found
