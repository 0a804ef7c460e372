"""Where a reader stands in the stream of a timeline."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from app.core import changes
from app.core.changes import Horizon
from app.core.paging import decode_cursor, encode_cursor
from app.core.problems import Malformed

_CURSOR: Final = "eldercare.timeline_stream.2"


@dataclass(frozen=True, slots=True)
class Place(changes.Place):
    """How far the reader of a resident's timeline was told: what was written before, of what happened before.

    They know what transactions before ``seen_to`` wrote of what happened until ``told_to``.
    """

    told_to: datetime

    @classmethod
    def known(cls, cursor: str | None) -> Self | None:
        """Return the place a cursor names, or ``None`` if it names none."""
        try:
            of, system, seen_to, told_to = decode_cursor(_CURSOR, cursor or "")
        except Malformed:
            return None
        return cls(uuid.UUID(of), system, seen_to, datetime.fromisoformat(told_to))

    def __str__(self) -> str:
        return encode_cursor(_CURSOR, (self.of, self.system, self.seen_to, self.told_to))

    def reached(self, now: Horizon, instant: datetime) -> Self:
        """Return the place after all that is settled at ``now``, which is the ``instant``."""
        return replace(self, seen_to=max(now.settled, self.seen_to), told_to=instant)
