"""From when on who came counts among those inside: pure decisions, as those who run the counter take them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from community.attractions.rules import counts_from
from community.workers.rules import Span


def pauses(openings: Sequence[Span]) -> list[Span]:
    """Return when nobody is inside and nobody who passes counts: from each closing to halfway to the next opening."""
    return [(closed_at, counts_from(closed_at, opens_at)) for (_, closed_at), (opens_at, _) in pairwise(openings)]


def counted_since(openings: Sequence[Span], start: datetime) -> datetime | None:
    """Return since when those who passed make up who is inside at ``start``; ``None`` where nobody is.

    ``openings`` are in order and begin some time before; what is open all that time counts since they begin.
    """
    before = [until for closed_at, until in pauses(openings) if closed_at <= start]
    if before:
        return before[-1] if before[-1] < start else None
    is_open = bool(openings) and openings[0][0] < start <= openings[0][1]
    return openings[0][0] if is_open else None
