"""When somebody is free: pure decisions on spans of time, half-open, whoever's they are."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core.access import Actor

NEARBY: Final = timedelta(hours=12)
"""How far from the wanted time another one is still worth offering."""
OFFERED: Final = 3
MOST_BEYOND: Final = 100
"""How many may have the same time beyond a calendar's lanes, on purpose."""
MOST_OF_A_POOL: Final = 100_000_000
"""How much there can be of something."""


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
class Portion:
    """A quantity of a pool that is wanted for ``origin_id``."""

    pool_id: uuid.UUID
    quantity: int
    origin_id: uuid.UUID

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for nothing, or less, or more than there can be."""
        if not 1 <= self.quantity <= MOST_OF_A_POOL:
            raise ValueError("a portion is one at least, and no more than there can be of anything")


@dataclass(frozen=True, slots=True)
class NewPool:
    """A pool that is to be there: how much there is of ``subject_id``, and when what it counts is over."""

    subject_id: uuid.UUID
    capacity: int
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A stretch of time in which a resource may be booked at all: what its owner's working hours say."""

    resource_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a stretch without any time in it."""
        if self.ends_at <= self.starts_at:
            raise ValueError("an opening ends before it begins")


@dataclass(frozen=True, slots=True)
class Overbooking:
    """Leave to take more than there is; the caller has checked that ``actor`` may. Both go on record."""

    actor: Actor
    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """A stretch in which a lane of a resource cannot be had."""

    resource_id: uuid.UUID
    lane: int
    blocks_from: datetime
    blocks_until: datetime


@dataclass(frozen=True, slots=True)
class Calendar:
    """What of a resource decides when it is free, and how many of its lanes, or which, are wanted at once."""

    resource_id: uuid.UUID
    lanes: int
    buffer_before: timedelta
    buffer_after: timedelta
    lane: int | None = None
    wanted: int = 1

    @property
    def can_ever(self) -> bool:
        """Whether it would do with nothing taken of it."""
        return self.wanted <= (self.lanes if self.lane is None else 1) and (self.lane or 1) <= self.lanes


Span = tuple[datetime, datetime]


def hold_lasts(until: datetime | None, now: datetime) -> None:
    """Raise ``ValueError`` for a hold that is over before it begins."""
    if until is not None and until <= now:
        raise ValueError("the hold is over before it begins")


def is_live(state: str, expires_at: datetime | None, now: datetime) -> bool:
    """Say whether something is booked, or held and its hold not over."""
    return state == "booked" or (state == "held" and expires_at is not None and expires_at > now)


def place_in_queue(want: Want) -> tuple[uuid.UUID, datetime, int, uuid.UUID]:
    """Return by what wants are sorted before they are taken: one order everywhere, so that takers never cross."""
    return want.resource_id, want.starts_at, want.lane or 0, want.origin_id


def nearest_free(
    calendars: Sequence[Calendar],
    blocked: Iterable[Blocked],
    wanted: Span,
    *,
    earliest: datetime,
    openings: Sequence[Opening] | None = None,
    count: int = OFFERED,
) -> list[Span]:
    """Return up to ``count`` spans as long as ``wanted`` in which all the calendars are free, the nearest first.

    None begins before ``earliest`` or further than ``NEARBY`` from the wanted start, and with ``openings`` each lies
    within one of every calendar's.
    """
    if not all(calendar.can_ever for calendar in calendars):
        return []
    start, end = wanted
    length = end - start
    forbidden = merged(_forbidden(calendars, blocked, length))
    allowed = None if openings is None else _allowed(calendars, openings, length)
    first, last = max(earliest, start - NEARBY), start + NEARBY
    edges = {edge for span in (*forbidden, *(allowed or ())) for edge in span}
    free = [
        candidate
        for candidate in {start, first, *edges}
        if first <= candidate <= last
        and not any(since < candidate < until for since, until in forbidden)
        and (allowed is None or any(since <= candidate <= until for since, until in allowed))
    ]
    free.sort(key=lambda candidate: (abs(candidate - start), candidate))
    return [(candidate, candidate + length) for candidate in free[:count]]


def _forbidden(calendars: Sequence[Calendar], blocked: Iterable[Blocked], length: timedelta) -> Iterator[Span]:
    """Yield where no span of ``length`` may begin, strictly between the two: at either what is there ends or begins."""
    by_lane: defaultdict[uuid.UUID, defaultdict[int, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for block in blocked:
        by_lane[block.resource_id][block.lane].append((block.blocks_from, block.blocks_until))
    for calendar in calendars:
        lanes = [
            merged((since - length - calendar.buffer_after, until + calendar.buffer_before) for since, until in spans)
            for lane, spans in by_lane[calendar.resource_id].items()
            if lane <= calendar.lanes  # whoever is beyond them stands in nobody's way
            and calendar.lane in (None, lane)
        ]
        too_many = 1 if calendar.lane is not None else calendar.lanes - calendar.wanted + 1
        yield from covered((span for lane in lanes for span in lane), too_many)


def _allowed(calendars: Sequence[Calendar], openings: Sequence[Opening], length: timedelta) -> list[Span]:
    """Return where a span of ``length`` may begin, both edges included, so that it lies within everybody's openings."""
    common: list[Span] | None = None
    for calendar in calendars:
        own = joined((one.starts_at, one.ends_at) for one in openings if one.resource_id == calendar.resource_id)
        common = own if common is None else list(_both(common, own))
    return [(since, until - length) for since, until in common or () if until - since >= length]


def _both(some: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    for since, until in some:
        for other_since, other_until in others:
            if max(since, other_since) < min(until, other_until):
                yield max(since, other_since), min(until, other_until)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans with those that overlap or touch made one."""
    result: list[Span] = []
    for since, until in sorted(spans):
        if result and since <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], until))
        else:
            result.append((since, until))
    return result


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
