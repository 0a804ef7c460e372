"""The SQL that fills the outbox."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from notifications.outbox.models import OUTBOX, OutboxMessage

_PLACE = ("account_id", "channel", "collapse_key")
_KEPT = frozenset({"id", "times_sent", *_PLACE})


async def put(session: AsyncSession, messages: Iterable[OutboxMessage]) -> None:
    """Store ``messages``; one under the place of an earlier one replaces it and adds its ``times_sent`` to it."""
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for message in messages:
        values = message.model_dump()
        place = tuple(values[name] for name in _PLACE)
        if place in merged:
            values["times_sent"] += merged[place]["times_sent"]
        merged[place] = values
    ordered = [merged[place] for place in sorted(merged, key=str)]  # in one order everywhere: no deadlocks
    statement = insert(OUTBOX)
    replaced = {name: statement.excluded[name] for name in OUTBOX.c.keys() if name not in _KEPT}  # noqa: SIM118
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=_PLACE, set_=replaced | {"times_sent": OUTBOX.c.times_sent + statement.excluded.times_sent}
        ),
        ordered,
    )
