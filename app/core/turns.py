"""Taking turns: who does something under a name waits for whoever does it under the same name now."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

_names = sa.func.unnest(sa.bindparam("names", type_=ARRAY(sa.Text))).table_valued("name").render_derived("named")
_turn = sa.func.hashtextextended(_names.c.name, 0)
# Sorted: two that take several turns take them in the same order.
_turns = sa.select(_turn.label("turn")).select_from(_names).order_by(sa.literal_column("1")).subquery("turns")
_TAKE = sa.select(sa.func.count(sa.func.pg_advisory_xact_lock(_turns.c.turn)))


async def take_turns(session: AsyncSession, names: Iterable[str]) -> None:
    """Wait until nobody else does anything under ``names``; they are the session's until its unit of work ends."""
    await session.execute(_TAKE, {"names": list(names)})
