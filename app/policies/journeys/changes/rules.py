"""Where an app stands: what it has seen, as the cursor it brings back."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import orjson
from pydantic import BaseModel

from app.core.changes import FIRST, Horizon, Since
from app.core.paging import decode_cursor, encode_cursor

_CURSOR: Final = "changes"
_FINGERPRINT_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where an app stands in the changes about one person.

    ``seen_to``: of the kinds in ``covered`` it has all that transactions before this one wrote. While a round of pages
    runs, ``until`` is what ``seen_to`` becomes at its end, ``promised`` the kinds it brings, ``kind`` and ``after`` the
    page's beginning. ``fingerprints`` are of the lists it holds.
    """

    subject: str
    system: str
    seen_to: int = 0
    covered: tuple[str, ...] = ()
    until: int | None = None
    promised: tuple[str, ...] = ()
    kind: str | None = None
    after: uuid.UUID = FIRST
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: str) -> Self:
        """Return the place a cursor names; raises ``Malformed``."""
        subject, system, seen_to, covered, until, promised, kind, after, fingerprints = decode_cursor(_CURSOR, cursor)
        return cls(
            subject, system, seen_to, tuple(covered), until, tuple(promised), kind, uuid.UUID(after), fingerprints
        )

    def __str__(self) -> str:
        return encode_cursor(
            _CURSOR,
            (
                self.subject,
                self.system,
                self.seen_to,
                self.covered,
                self.until,
                self.promised,
                self.kind,
                self.after,
                self.fingerprints,
            ),
        )

    def holds_in(self, subject: str, now: Horizon) -> bool:
        """Say whether the place is one in the changes about ``subject``, in the database as it is now.

        In a database restored from a copy transactions are numbered anew, or again.
        """
        return self.subject == subject and self.system == now.system and self.seen_to <= now.newest

    def begin(self, kinds: Sequence[str], now: Horizon) -> Self:
        """Return the place at the beginning of a round over ``kinds``; one that runs already goes on."""
        return self if self.until is not None else replace(self, until=now.settled, promised=tuple(kinds))

    def asks(self, kind: str, limit: int) -> Since:
        """Return which rows of ``kind`` are wanted: all of them, if it was not among those seen so far."""
        return Since(
            since=self.seen_to if kind in self.covered else 0,
            after=self.after if kind == self.kind else FIRST,
            limit=limit,
        )

    def stop(self, kind: str, after: uuid.UUID | None) -> Self:
        """Return the place at which the next page of the round begins."""
        return replace(self, kind=kind, after=after or (self.after if kind == self.kind else FIRST))

    def end(self, kinds: Sequence[str]) -> Self:
        """Return the place after the round; a kind that could be seen only during a part of it does not count."""
        covered = tuple(kind for kind in self.promised if kind in kinds)
        return replace(self, seen_to=self.until or 0, covered=covered, until=None, promised=(), kind=None, after=FIRST)


def fingerprint(items: Sequence[Any]) -> str:
    """Return a short text that differs for lists that differ."""
    plain = [item.model_dump(mode="json") if isinstance(item, BaseModel) else str(item) for item in items]
    return hashlib.sha256(orjson.dumps(plain)).digest()[:_FINGERPRINT_BYTES].hex()
