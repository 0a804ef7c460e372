"""Deleting what is past in statements that end soon, however much there is: whoever calls comes again while rows go."""

from datetime import datetime
from functools import cache
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

BATCH: Final = 1_000


async def delete_past(
    executor: AsyncSession | AsyncConnection, table: sa.FromClause, instant: str, horizon: datetime
) -> int:
    """Delete the oldest rows whose ``instant`` is not after ``horizon``, a batch at most; return how many went.

    An index leads with the column ``instant``. Rows that somebody else holds are left for the next time.
    """
    result = await executor.execute(
        _statement(cast(sa.Table, table).name, instant), {"horizon": horizon, "most": BATCH}
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult


@cache
def _statement(table: str, instant: str) -> sa.TextClause:
    # By the place of the rows that were locked: a join by their keys may read the whole table to find them again.
    return sa.text(f"""
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE {instant} <= :horizon
            ORDER BY {instant} LIMIT :most FOR UPDATE SKIP LOCKED))""").bindparams(  # noqa: S608 - names of ours
        sa.bindparam("horizon", type_=sa.DateTime(timezone=True)), sa.bindparam("most", type_=sa.Integer)
    )
