"""The SQL that counts messages against caps: one statement for a batch, exact with any number of workers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.batches import delete_past
from app.core.database import unit_of_work
from notifications.caps.models import ALLOWANCES

Key = tuple[uuid.UUID, str, str]
"""Account, category and channel."""

_INSTANT = sa.DateTime(timezone=True)
_KEYS = ("account_id", "category", "channel")


@dataclass(frozen=True, slots=True)
class Used:
    """How many messages there were in a period, with those just counted, and when it is over."""

    count: int
    ends_at: datetime


_wanted = (
    sa.func.unnest(
        sa.bindparam("account_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("categories", type_=ARRAY(sa.Text)),
        sa.bindparam("channels", type_=ARRAY(sa.Text)),
        sa.bindparam("counts", type_=ARRAY(sa.Integer)),
        sa.bindparam("ends", type_=ARRAY(_INSTANT)),
    )
    .table_valued(*_KEYS, "used", "ends_at")
    .render_derived("wanted")
)
_new = insert(ALLOWANCES).from_select([*_KEYS, "used", "ends_at"], sa.select(*_wanted.c))
_over = ALLOWANCES.c.ends_at <= sa.bindparam("now", type_=_INSTANT)
# Two workers queue on the row: between them they let no more through than one alone would.
_COUNT = _new.on_conflict_do_update(
    index_elements=_KEYS,
    set_={
        "used": sa.case((_over, _new.excluded.used), else_=ALLOWANCES.c.used + _new.excluded.used),
        "ends_at": sa.case((_over, _new.excluded.ends_at), else_=ALLOWANCES.c.ends_at),
    },
).returning(*(ALLOWANCES.c[name] for name in (*_KEYS, "used", "ends_at")))


async def count(connection: AsyncConnection, added: Mapping[Key, tuple[int, timedelta]]) -> dict[Key, Used]:
    """Count messages, given per key with the length of its period, and return how many there are now.

    A period begins with its first message.
    """
    now = clock.now()
    ordered = sorted(added.items())  # in one order everywhere: no deadlocks
    binds = {
        "account_ids": [key[0] for key, _ in ordered],
        "categories": [key[1] for key, _ in ordered],
        "channels": [key[2] for key, _ in ordered],
        "counts": [number for _, (number, _) in ordered],
        "ends": [now + period for _, (_, period) in ordered],
        "now": now,
    }
    rows = await connection.execute(_COUNT, binds)
    return {(row.account_id, row.category, row.channel): Used(row.used, row.ends_at) for row in rows}


async def forget() -> int:
    """Delete a batch of periods that are over; return how many went."""
    async with unit_of_work() as session:
        return await delete_past(session, ALLOWANCES, "ends_at", clock.now())
