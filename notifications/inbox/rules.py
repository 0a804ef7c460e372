"""Where a reader stands in the stream of an inbox, and which wake-ups say that there is more."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from app.core import changes
from app.core.changes import FIRST, Horizon
from app.core.paging import decode_cursor, encode_cursor
from app.core.problems import Malformed

EVERYBODY: Final = "notifications.inbox"
"""The wake-up channel for what was written to many inboxes at once."""

_BUCKETS: Final = 64  # channels: few enough for one NOTIFY to name them all
_CURSOR: Final = "inbox_stream"


def wake_channel(account_id: uuid.UUID) -> str:
    """Return the wake-up channel of an inbox, which it shares with some others."""
    return f"{EVERYBODY}.{account_id.int % _BUCKETS}"


def all_channels() -> Sequence[str]:
    """Return the channels of all inboxes but ``EVERYBODY``."""
    return [f"{EVERYBODY}.{bucket}" for bucket in range(_BUCKETS)]


def wake_channels(account_ids: Sequence[uuid.UUID] | None) -> Iterable[str]:
    """Return the channels that reach these inboxes, or all inboxes."""
    if account_ids is None or len(account_ids) > _BUCKETS:
        return (EVERYBODY,)
    return {wake_channel(account_id) for account_id in account_ids}


@dataclass(frozen=True, slots=True)
class Place(changes.Place):
    """How far the reader of an inbox was told.

    They know what transactions before ``seen_to`` wrote. While a round is told, it is what those from there up to
    ``until`` wrote, in the order of ids, and ``after`` is the last one told. All of these have ended: nothing can come
    in behind the reader's back, and nothing is told twice.
    """

    until: int | None = None
    after: uuid.UUID = FIRST

    @classmethod
    def known(cls, cursor: str | None) -> Self | None:
        """Return the place a cursor names, or ``None`` if it names none."""
        try:
            account_id, system, seen_to, until, after = decode_cursor(_CURSOR, cursor or "")
        except Malformed:
            return None
        return cls(uuid.UUID(account_id), system, seen_to, until, uuid.UUID(after))

    def __str__(self) -> str:
        return encode_cursor(_CURSOR, (self.of, self.system, self.seen_to, self.until, self.after))

    def begin(self, now: Horizon) -> Self:
        """Return the place at the beginning of the next round; one that runs already goes on."""
        return self if self.until is not None else replace(self, until=max(now.settled, self.seen_to))

    def told(self, item_id: uuid.UUID) -> Self:
        """Return the place after an item of the round."""
        return replace(self, after=item_id)

    def end(self) -> Self:
        """Return the place after the round."""
        return replace(self, seen_to=self.until or self.seen_to, until=None, after=FIRST)

    def binds(self) -> dict[str, object]:
        """Return the parameters of the statement that finds what is left of the round."""
        return {"since": self.seen_to, "until": self.until, "after_id": self.after}
