"""When one can go in somewhere: while it is open, by the slots that have room, in quiet hours or not."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from community.itineraries.rules.asked import Entrance

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Offered:
    """A slot that is sold: ``left`` is how many people it has room for, ``price`` what all who come pay."""

    id: uuid.UUID
    starts_at: datetime
    entry_until: datetime
    ends_at: datetime
    is_guided: bool
    left: int
    price: int


def by_hours(open_: Sequence[Span], quiet: Sequence[Span]) -> tuple[Entrance, ...]:
    """Return when one can go in where no ticket is wanted."""
    return tuple(
        Entrance(since, until, closes, is_quiet=is_quiet)
        for opens, closes in open_
        for since, until, is_quiet in _parts((opens, closes), quiet)
    )


def by_slots(slots: Sequence[Offered], open_: Sequence[Span], quiet: Sequence[Span]) -> tuple[Entrance, ...]:
    """Return when one can go in with a ticket, as long as it is open; a guided tour ends when it ends."""
    found: list[Entrance] = []
    for slot in slots:
        for opens, closes in open_:
            span = max(slot.starts_at, opens), min(slot.entry_until, closes)
            if span[0] >= span[1]:
                continue
            leave_by = min(closes, slot.ends_at) if slot.is_guided else closes
            found += [
                Entrance(since, until, leave_by, slot.id, slot.left, slot.price, is_quiet)
                for since, until, is_quiet in _parts(span, quiet)
            ]
    return tuple(found)


def _parts(span: Span, quiet: Sequence[Span]) -> list[tuple[datetime, datetime, bool]]:
    """Return a span cut where quiet hours begin and end."""
    cuts = sorted({*span, *(cut for one in quiet for cut in one if span[0] < cut < span[1])})
    return [
        (since, until, any(begins <= since and until <= ends for begins, ends in quiet))
        for since, until in pairwise(cuts)
    ]
