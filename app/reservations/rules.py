"""When somebody is free: pure decisions on spans of time, half-open, whoever's they are."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

NEARBY: Final = timedelta(hours=12)
"""How far from the wanted time another one is still worth offering."""
OFFERED: Final = 3


@dataclass(frozen=True, slots=True)
class Want:
    """A stretch of a resource's time that is wanted for ``origin_id``; without a ``lane`` any that is free will do."""

    resource_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    origin_id: uuid.UUID
    lane: int | None = None

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a stretch without any time in it."""
        if self.ends_at <= self.starts_at:
            raise ValueError("what is wanted ends before it begins")


@dataclass(frozen=True, slots=True)
class Blocked:
    """A stretch in which a lane of a resource cannot be had."""

    resource_id: uuid.UUID
    lane: int
    blocks_from: datetime
    blocks_until: datetime


@dataclass(frozen=True, slots=True)
class Calendar:
    """What of a resource decides when it is free."""

    resource_id: uuid.UUID
    lanes: int
    buffer_before: timedelta
    buffer_after: timedelta


Span = tuple[datetime, datetime]


def in_order(wants: Iterable[Want]) -> list[Want]:
    """Return the wants as they are always taken: in one order everywhere, so that takers queue and never cross."""
    return sorted(wants, key=lambda want: (want.resource_id, want.starts_at, want.lane or 0, want.origin_id))


def nearest_free(
    calendars: Sequence[Calendar], blocked: Iterable[Blocked], wanted: Span, *, earliest: datetime, count: int = OFFERED
) -> list[Span]:
    """Return up to ``count`` spans as long as ``wanted`` in which all the calendars are free, the nearest first.

    None begins before ``earliest`` or further than ``NEARBY`` from the wanted start.
    """
    start, end = wanted
    length = end - start
    by_lane: defaultdict[uuid.UUID, defaultdict[int, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for block in blocked:
        by_lane[block.resource_id][block.lane].append((block.blocks_from, block.blocks_until))
    forbidden: list[Span] = []
    for calendar in calendars:
        # A start is forbidden strictly between these two: at either of them what is there ends or begins.
        lanes = [
            merged((since - length - calendar.buffer_after, until + calendar.buffer_before) for since, until in spans)
            for spans in by_lane[calendar.resource_id].values()
        ]
        forbidden += covered((span for lane in lanes for span in lane), calendar.lanes)
    forbidden = merged(forbidden)
    first, last = max(earliest, start - NEARBY), start + NEARBY
    candidates = {start, first, *(edge for span in forbidden for edge in span)}
    free = [
        candidate
        for candidate in candidates
        if first <= candidate <= last and not any(since < candidate < until for since, until in forbidden)
    ]
    free.sort(key=lambda candidate: (abs(candidate - start), candidate))
    return [(candidate, candidate + length) for candidate in free[:count]]


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the open spans with those that overlap made one; spans that only touch leave their edge free."""
    result: list[Span] = []
    for since, until in sorted(spans):
        if result and since < result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], until))
        else:
            result.append((since, until))
    return result


def covered(spans: Iterable[Span], depth: int) -> list[Span]:
    """Return where at least ``depth`` of the open spans lie upon each other."""
    # At one instant ends come before beginnings: spans that touch do not overlap.
    edges = sorted(edge for since, until in spans for edge in ((since, 1), (until, -1)))
    result: list[Span] = []
    height, begun = 0, None
    for at, step in edges:
        height += step
        if height >= depth and begun is None:
            begun = at
        elif height < depth and begun is not None:
            result.append((begun, at))
            begun = None
    return result
