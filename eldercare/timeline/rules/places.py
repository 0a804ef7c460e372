"""Where the reader of a timeline's stream stands."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from app.core.changes import Horizon
from app.core.paging import decode_cursor, encode_cursor
from app.core.problems import Malformed

_CURSOR: Final = "eldercare.timeline_stream.2"


@dataclass(frozen=True, slots=True)
class Place:
    """How far the reader of a resident's timeline was told: what was written before, of what happened before.

    They know what transactions before ``seen_to`` wrote of what happened until ``told_to``.
    """

    resident_id: uuid.UUID
    system: str
    seen_to: int
    told_to: datetime

    @classmethod
    def read(cls, cursor: str | None) -> Self | None:
        """Return the place a cursor names, or ``None`` if it names none."""
        if cursor is None:
            return None
        try:
            resident_id, system, seen_to, told_to = decode_cursor(_CURSOR, cursor)
        except Malformed:
            return None
        return cls(uuid.UUID(resident_id), system, seen_to, datetime.fromisoformat(told_to))

    @classmethod
    def at(cls, resident_id: uuid.UUID, now: Horizon, instant: datetime) -> Self:
        """Return the place of whoever knows all that is settled at ``now``, which is the ``instant``."""
        return cls(resident_id, now.system, now.settled, instant)

    def __str__(self) -> str:
        return encode_cursor(_CURSOR, (self.resident_id, self.system, self.seen_to, self.told_to))

    def holds_in(self, resident_id: uuid.UUID, now: Horizon) -> bool:
        """Say whether it is a place in this timeline, in the database as it is now: a restored one counts anew."""
        return self.resident_id == resident_id and self.system == now.system and self.seen_to <= now.newest
