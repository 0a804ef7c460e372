"""Pure decisions about exports: what is asked for, what a piece of a file looks like, when to try again."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

WAKE_CHANNEL: Final = "fhir.exports"
LANES: Final = 2
"""Exports a client can have running."""
LATE: Final = timedelta(minutes=2)
"""Longer than any transaction is open: what it changed "before" an export began may be seen only after it."""
LARGEST: Final = 64 * 2**20
"""Bytes after which a kind of resource goes on in the next file."""
MOST_FAILURES: Final = 6
_FIRST_DELAY: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Order:
    """What an export is to be of: kinds of resources, in this order, each narrowed by its filter if it has one."""

    address: str
    types: tuple[str, ...]
    since: datetime | None = None
    filters: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> str:
        """Return the order as it is kept."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def read(cls, text: str) -> "Order":
        """Return an order that was kept."""
        known: dict[str, Any] = orjson.loads(text)
        since = datetime.fromisoformat(known["since"]) if known["since"] else None
        return cls(known["address"], tuple(known["types"]), since, known["filters"])


@dataclass(frozen=True, slots=True)
class Piece:
    """Resources of one resident, and what the organization was let see of them when they were read."""

    resident_id: uuid.UUID
    scopes: frozenset[str]
    lines: bytes

    @classmethod
    def of(cls, resident_id: uuid.UUID, scopes: Collection[str], resources: Sequence[Any]) -> "Piece":
        """Return the piece with these resources, a line each (http://ndjson.org)."""
        return cls(resident_id, frozenset(scopes), b"".join(orjson.dumps(one) + b"\n" for one in resources))

    def written(self) -> str:
        """Return the piece as it is kept."""
        head = orjson.dumps([str(self.resident_id), sorted(self.scopes)])
        return (head + b"\n" + self.lines).decode()

    @classmethod
    def read(cls, text: str) -> "Piece":
        """Return a piece that was kept."""
        head, _, lines = text.partition("\n")
        resident_id, scopes = orjson.loads(head)
        return cls(uuid.UUID(resident_id), frozenset(scopes), lines.encode())


def next_try(failures: int, now: datetime) -> datetime | None:
    """Return when to go on after so many failures in a row; ``None`` if that is to be the end."""
    return now + _FIRST_DELAY * 4 ** (failures - 1) if failures < MOST_FAILURES else None
