"""How many are inside: told by gates, in any order, as sums."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock


@dataclass(frozen=True, slots=True)
class CrowdChange:
    """So many more, or fewer, inside since an instant."""

    attraction_id: uuid.UUID
    change: int
    at: datetime


# Locked in the order of ids, so that two batches do not wait for each other. Sums come out alike in any order, and what
# is told late, of before the last closing, counts no more.
_NOTE: Final = sa.text(
    """
    WITH crowd AS (
        SELECT attraction_id, counts_from FROM community_attraction_crowd
        WHERE attraction_id = ANY(:attraction_ids) ORDER BY attraction_id FOR UPDATE
    ), counted AS (
        SELECT crowd.attraction_id, sum(told.change) AS change, max(told.at) AS at
        FROM crowd JOIN unnest(:told_ids, :changes, :ats) AS told (attraction_id, change, at)
            ON told.attraction_id = crowd.attraction_id AND told.at >= crowd.counts_from
        GROUP BY crowd.attraction_id
    )
    UPDATE community_attraction_crowd AS kept
    SET inside = kept.inside + counted.change, as_of = greatest(kept.as_of, counted.at),
        updated_at = :now, version = kept.version + 1
    FROM counted WHERE kept.attraction_id = counted.attraction_id
    """
).bindparams(
    sa.bindparam("attraction_ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("told_ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("changes", type_=ARRAY(sa.Integer)),
    sa.bindparam("ats", type_=ARRAY(sa.DateTime(timezone=True))),
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)


async def note_crowd(session: AsyncSession, attraction_id: uuid.UUID, change: int, at: datetime) -> None:
    """Let ``change`` more (or, below zero, fewer) be inside an attraction since ``at``."""
    await note_crowds(session, [CrowdChange(attraction_id, change, at)])


async def note_crowds(session: AsyncSession, changes: Sequence[CrowdChange]) -> None:
    """Note a batch of changes, in one statement however many they are and of however many attractions."""
    if not changes:
        return
    binds = {
        "attraction_ids": list({one.attraction_id for one in changes}),
        "told_ids": [one.attraction_id for one in changes],
        "changes": [one.change for one in changes],
        "ats": [one.at for one in changes],
        "now": clock.now(),
    }
    await session.execute(_NOTE, binds)
