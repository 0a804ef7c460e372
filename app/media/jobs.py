"""What happens to uploads by itself: those nobody finished or used go, and then their files."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import reading, unit_of_work
from app.core.due import Due, drain
from app.core.jobs import Job
from app.core.tables import table_of
from app.media.models import Discarded, Upload
from app.media.storage import storage

_BATCH: Final = 100
_uploads: Final = table_of(Upload)
_discarded: Final = table_of(Discarded)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_EXPIRE: Final = sa.delete(_uploads).where(_uploads.c.id == sa.any_(_IDS))
_NEXT: Final = sa.select(_discarded.c.id).order_by(_discarded.c.id).limit(_BATCH)
_DONE: Final = sa.delete(_discarded).where(_discarded.c.id == sa.any_(_IDS))

EXPIRED = Due("media.expired", Upload, "expires_at", _uploads.c.expires_at.is_not(None))


async def _expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    await session.execute(_EXPIRE, {"ids": list(ids)})


async def expire_uploads() -> int:
    """Delete the uploads whose time is over; return how many."""
    return await drain(EXPIRED, _expire)


async def delete_files() -> int:
    """Delete files whose upload is gone; return how many. Two workers may delete the same one, which does no harm."""
    async with reading() as connection:
        ids = list((await connection.scalars(_NEXT)).all())
    for media_id in ids:
        await storage().delete(media_id)
    async with unit_of_work() as session:
        result = await session.execute(_DONE, {"ids": ids})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult


JOBS = (
    Job("media.expire_uploads", timedelta(minutes=5), expire_uploads),
    Job("media.delete_files", timedelta(minutes=1), delete_files),
)
