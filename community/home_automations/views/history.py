"""What a home said in a stretch of time, as an automation would have heard it."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from community.home_automations.rules.memory import Change, Seen
from community.home_devices.models import ENTITIES
from community.home_states.models import READINGS

_BEFORE: Final = timedelta(hours=25)  # what does not change is written down once an hour
_r = READINGS.c
_HISTORY: Final = (
    sa.select(_r.entity_id, _r.state, _r.number, _r.at, ENTITIES.c.component)
    .join(ENTITIES, ENTITIES.c.id == _r.entity_id)
    .where(
        _r.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        _r.entity_id == sa.any_(sa.bindparam("entity_ids", type_=ARRAY(sa.Uuid))),
        _r.id >= sa.bindparam("first", type_=sa.Uuid),
        _r.id < sa.bindparam("last", type_=sa.Uuid),
        # The home's own, whoever's things they were before.
        _r.home_id == sa.bindparam("home_id", type_=sa.Uuid),
    )
    .order_by(_r.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
MOST_READINGS: Final = 50_000
_EVENTS: Final = frozenset({"event", "button", "device_automation"})


@dataclass(frozen=True, slots=True)
class History:
    """How things stood at first, what changed then, and whether that is all of it."""

    seen: dict[tuple[uuid.UUID, str], Seen]
    changes: list[Change]
    is_complete: bool


async def heard(
    connection: AsyncConnection,
    home_id: uuid.UUID,
    resident_id: uuid.UUID,
    entity_ids: Collection[uuid.UUID],
    since: datetime,
    until: datetime,
) -> History:
    """Return how things stood ``since``, and what changed from then ``until``, in the order it was heard."""
    binds = {
        "home_id": home_id,
        "resident_id": resident_id,
        "entity_ids": list(entity_ids),
        "first": clock.id_floor(since - _BEFORE),
        "last": clock.id_floor(until),
        "limit": MOST_READINGS + 1,
    }
    rows = (await connection.execute(_HISTORY, binds)).all() if entity_ids else []
    seen: dict[tuple[uuid.UUID, str], Seen] = {}
    changes: list[Change] = []
    last: dict[uuid.UUID, str | None] = {}
    for row in rows[:MOST_READINGS]:
        if row.at < since:
            earlier = seen.get((row.entity_id, "state"))
            if earlier is None or earlier.value != row.state:
                seen[row.entity_id, "state"] = Seen(row.state, row.number, row.at)
        else:
            changes.append(_change(row, is_fresh=last.get(row.entity_id) is not None))
        last[row.entity_id] = row.state
    return History(seen, changes, is_complete=len(rows) <= MOST_READINGS)


def _change(row: Any, *, is_fresh: bool) -> Change:
    """Return a change; what is heard after a silence, or for the first time, did not happen just then."""
    return Change(
        entity_id=row.entity_id,
        attribute="state",
        value=row.state,
        number=row.number,
        at=row.at,
        is_fresh=is_fresh,
        is_event=is_fresh and row.component in _EVENTS,
    )
