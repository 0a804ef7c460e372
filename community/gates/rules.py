"""Who may pass a gate, decided on what is known of a ticket or a card and of all its passes; when a clock is wrong.

Scans come in any order: what was scanned first may be uploaded last. A pass is therefore judged by its place in time
among all the passes of its ticket, and the same passes come to the same in whatever order we learn of them.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final, Literal

from app.core.rate_limits import Rate
from community.ticket_codes.rules import Reason as CodeReason

Direction = Literal["entry", "exit"]
Decision = Literal["admitted", "refused"]
Outcome = Literal["admitted", "left", "refused", "conflict"]
Reason = Literal[
    CodeReason,
    "unknown_ticket",
    "unknown_card",
    "no_ticket",
    "too_old",
    "other_attraction",
    "not_yet",
    "over",
    "revoked",
    "already_inside",
    "no_reentry",
    "not_admitted",
    "refused_at_gate",
]
Resolution = Literal["harmless", "our_mistake", "misuse"]
ConflictState = Literal["open", "explained", "resolved"]
Reentry = Literal["none", "same_day"]

MOST_SCANS: Final = 10_000
"""Of one upload: a busy gate's day."""
MOST_OVERRIDES: Final = 200
"""Of one upload: each is on the audit trail by itself."""
MOST_NUMBERS: Final = 100
"""Numbers of cards in one upload: they are asked for one by one, by gates that have a network."""
NUMBERS: Final = Rate(600, timedelta(hours=1))
"""How many numbers of cards somebody may show: a card every six seconds. Whether one is known here is not found out by
trying.
"""
LEAVES_WITHIN: Final = timedelta(hours=12)
"""How long after their ticket is over a visitor still leaves by the card that stands for it."""
OLDEST: Final = timedelta(days=31)
"""How old a scan may be: later nobody can tell any more what a ticket was worth then."""
WRONG: Final = timedelta(minutes=2)
"""How far a clock may be off before somebody is told, and how far beyond a ticket's times it opens all the same."""
BUNDLE_LASTS: Final = timedelta(hours=36)
"""How long a gate works by what it took along: through a night and the day after it."""
NOT_OVERRIDDEN: Final[Collection[str]] = {"revoked", "unknown_ticket", "too_old", "other_attraction"}
"""What a person at the gate cannot put right: there is no ticket (any more) that could be used up."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When something was scanned by our clock, and how many seconds were taken off what the scanner said."""

    at: datetime
    ahead: int


def clock_ahead(sent_at: datetime, now: datetime) -> int:
    """Return by how many seconds a scanner's clock is ahead of ours, if it sent ``now`` and says ``sent_at``."""
    return round((sent_at - now).total_seconds())


def judged(scanned_at: datetime, known_ahead: int | None, sent_ahead: int, now: datetime) -> Clock:
    """Return when a scan was made by our clock.

    ``sent_ahead`` is how far ahead the clock was when the scans were sent, ``known_ahead`` what the scanner knew of
    that when it scanned. Where they differ the clock was set meanwhile: what was known counts, unless the scan were
    yet to come. Nothing was scanned later than now.
    """
    ahead = sent_ahead
    if known_ahead is not None and scanned_at - timedelta(seconds=known_ahead) <= now + WRONG:
        ahead = known_ahead
    return Clock(min(scanned_at - timedelta(seconds=ahead), now), ahead)


@dataclass(frozen=True, slots=True)
class Admission:
    """What is true of a ticket, or of a card that opens without one, at this moment."""

    attraction_id: uuid.UUID
    persons: int
    reentry: Reentry
    state: str = "valid"
    revision: int = 1
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    admitted_at: datetime | None = None


def fault(of: Admission, attraction_id: uuid.UUID, revision: int | None, at: datetime) -> Reason | None:
    """Return why something opens nothing here then, whatever passed before; ``None`` if it does."""
    if of.attraction_id != attraction_id:
        return "other_attraction"
    if of.state not in {"valid", "admitted"} or (revision is not None and revision < of.revision):
        return "revoked"
    if of.valid_from is not None and at < of.valid_from - WRONG:
        return "not_yet"
    return "over" if of.valid_until is not None and at >= of.valid_until + WRONG else None


@dataclass(frozen=True, slots=True)
class Pass:
    """Somebody at a gate: ``is_told`` if they had passed before we were asked, ``fault`` if they should not have.

    ``is_waived``: a person answers for it. ``is_through`` is what became of it; of an entry that is asked for, it is
    decided here.
    """

    id: uuid.UUID | None
    at: datetime
    direction: Direction
    persons: int
    is_told: bool = True
    fault: Reason | None = None
    is_waived: bool = False
    is_through: bool = True


@dataclass(frozen=True, slots=True)
class Excess:
    """Why an entry was one too many, and which one it came after."""

    reason: Reason
    other: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Course:
    """What the passes of one ticket come to.

    ``inside`` are the people inside at the end, ``excess`` the entries that should not have been, ``refused`` those
    that were asked for and are not let in, ``unmatched`` the exits of whom nobody has seen come in.
    """

    inside: int
    excess: Mapping[uuid.UUID, Excess]
    refused: Mapping[uuid.UUID, Reason]
    unmatched: frozenset[uuid.UUID]


def course(of: Admission, passes: Iterable[Pass], zone: tzinfo) -> Course:
    """Return what all passes of a ticket or card come to, in the order of time, whatever order they are given in.

    Without re-entry as many people come in as the ticket is for; with it there are never more inside than that, and all
    on the day of the first entry, on the attraction's wall.
    """
    inside = entered = 0
    first: datetime | None = None
    last: uuid.UUID | None = None
    excess: dict[uuid.UUID, Excess] = {}
    refused: dict[uuid.UUID, Reason] = {}
    unmatched: set[uuid.UUID] = set()
    for one in sorted(_with_unseen(of, passes), key=_order):
        if one.direction == "exit":
            if not inside and one.id is not None:
                unmatched.add(one.id)
            inside = max(0, inside - one.persons)
            continue
        if not one.is_through:
            continue
        reason = one.fault or (None if one.is_waived else _too_many(of, one, inside, entered, first, zone))
        if reason is not None and not one.is_told:
            if one.id is not None:
                refused[one.id] = reason
            continue
        if reason is None:
            first = first or one.at
        elif one.id is not None:
            excess[one.id] = Excess(reason, last)
        inside += one.persons
        entered += one.persons
        last = one.id
    return Course(inside, excess, refused, frozenset(unmatched))


def _too_many(
    of: Admission, one: Pass, inside: int, entered: int, first: datetime | None, zone: tzinfo
) -> Reason | None:
    """Return why an entry is one too many after those before it."""
    if of.reentry == "none":
        if entered + one.persons <= of.persons:
            return None
        return "already_inside" if inside else "no_reentry"
    if inside + one.persons > of.persons:
        return "already_inside"
    if first is not None and first.astimezone(zone).date() != one.at.astimezone(zone).date():
        return "no_reentry"
    return None


def after_all(passes: Iterable[Pass], now: datetime) -> datetime:
    """Return now, or the first moment after all ``passes``: of two who are asked for at once, one comes second."""
    return max([now, *(one.at + timedelta(microseconds=1) for one in passes)])


def _with_unseen(of: Admission, passes: Iterable[Pass]) -> list[Pass]:
    """Return the passes, and before them the entry no gate has told of, if the ticket says that there was one."""
    known = list(passes)
    if of.admitted_at is None or any(one.at == of.admitted_at for one in known if one.is_through):
        return known
    return [Pass(None, of.admitted_at, "entry", of.persons), *known]


def _order(one: Pass) -> tuple[datetime, bool, bytes]:
    # In the same moment somebody comes in before they leave.
    return one.at, one.direction == "exit", one.id.bytes if one.id is not None else b""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an upload is told of a scan, and whether somebody passed."""

    outcome: Outcome
    reason: Reason | None
    is_through: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What new passes of a ticket change: how each ended, how many more or fewer are inside, which entries of all are
    too many, and when somebody came in whom the ticket is used up by.
    """

    verdicts: Mapping[uuid.UUID, Verdict]
    change: int
    excess: Mapping[uuid.UUID, Excess]
    admitted_at: datetime | None


def judge(of: Admission, before: Sequence[Pass], new: Sequence[Pass], zone: tzinfo) -> Judgement:
    """Return what ``new`` passes of a ticket or card come to after those we know of.

    An entry that had happened is in conflict if it is too many itself, or makes another one too many that was not.
    """
    earlier = course(of, before, zone)
    now = course(of, [*before, *new], zone)
    known = {one.id for one in before} - earlier.excess.keys()
    became = {excess.other for one, excess in now.excess.items() if one in known}
    verdicts = {one.id: _verdict(one, now, became) for one in new if one.id is not None}
    entries = [one for one in new if one.direction == "entry" and one.id is not None and one.fault is None]
    good = [one.at for one in entries if one.id is not None and verdicts[one.id].is_through]
    return Judgement(verdicts, now.inside - earlier.inside, now.excess, min(good, default=None))


def _verdict(one: Pass, now: Course, became: Collection[uuid.UUID | None]) -> Verdict:
    assert one.id is not None  # noqa: S101 - new ones have their scan's id
    if one.direction == "exit":
        return Verdict("refused", "not_admitted", True) if one.id in now.unmatched else Verdict("left", None, True)
    if not one.is_through:
        return Verdict("refused", one.fault or "refused_at_gate", False)
    if one.id in now.refused:
        return Verdict("refused", now.refused[one.id], False)
    if one.id in now.excess:
        return Verdict("conflict", now.excess[one.id].reason, True)
    if one.is_told and one.id in became:
        return Verdict("conflict", "already_inside", True)
    return Verdict("admitted", None, True)
