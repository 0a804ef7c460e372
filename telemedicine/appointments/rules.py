"""What may become of an appointment, what it costs to call it off late, and when somebody is reminded of it."""

import hashlib
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from app.core.wall_time import resolve, zone

Status = Literal[
    "proposed",
    "pending",
    "booked",
    "arrived",
    "fulfilled",
    "cancelled",
    "noshow",
    "entered-in-error",
    "checked-in",
    "waitlist",
]
"""FHIR R4, AppointmentStatus (http://hl7.org/fhir/appointmentstatus), verbatim."""
StaffStatus = Literal["arrived", "checked-in", "fulfilled", "noshow", "entered-in-error"]
Step = Literal["week", "day", "hour", "now"]
By = Literal["patient", "clinic", "nobody"]
Called = Literal["clinic", "desk"]
"""Who is called, one after the other, because a clinic has not answered."""
Answer = Literal["accepted", "declined", "tentative"]
"""FHIR R4, ParticipationStatus (http://hl7.org/fhir/participationstatus): ``tentative`` proposes another time."""
News = Literal["booked", "moved", "cancelled", "fulfilled", "noshow", "entered-in-error"]
_ENDS: Final[tuple[News, ...]] = ("cancelled", "fulfilled", "noshow", "entered-in-error")

TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "waitlist": frozenset({"proposed", "cancelled", "entered-in-error"}),
    # Of a clinic that keeps its own diary: what is taken is asked for, and answered with another time, perhaps.
    "proposed": frozenset({"pending", "booked", "cancelled", "entered-in-error"}),
    "pending": frozenset({"proposed", "booked", "cancelled", "entered-in-error"}),
    "booked": frozenset({"pending", "arrived", "checked-in", "cancelled", "noshow", "entered-in-error"}),
    "arrived": frozenset({"checked-in", "fulfilled", "cancelled", "entered-in-error"}),
    "checked-in": frozenset({"fulfilled", "cancelled", "entered-in-error"}),
    # Who comes after they were given up has come.
    "noshow": frozenset({"arrived", "entered-in-error"}),
    "fulfilled": frozenset({"entered-in-error"}),
    "cancelled": frozenset({"entered-in-error"}),
    "entered-in-error": frozenset(),
}
"""Every change of status there is; nothing else assigns one."""
Happening = Literal["awaited", "met", "parted"]
_WAYS: Final[Mapping[Happening, Mapping[str, tuple[Status, ...]]]] = {
    "awaited": {"booked": ("arrived",), "noshow": ("arrived",)},
    "met": {"booked": ("checked-in",), "arrived": ("checked-in",), "noshow": ("arrived", "checked-in")},
    "parted": {"booked": ("checked-in", "fulfilled"), "arrived": ("fulfilled",), "checked-in": ("fulfilled",)},
}
"""What happens in the room of a video visit, in the words of FHIR R4's AppointmentStatus.

Whoever waits to be seen has ``arrived``; with both there the encounter may begin: ``checked-in``. Once it is over, what
was planned is ``fulfilled``.
"""
HELD: Final = ("pending", "proposed")
AHEAD: Final = ("pending", "proposed", "booked")
OVER: Final = frozenset({"fulfilled", "cancelled", "noshow", "entered-in-error"})
GIVES_BACK: Final = frozenset({"cancelled", "entered-in-error"})
"""After these the time is somebody else's; whoever did not come has used theirs."""

HOLD: Final = timedelta(minutes=5)
OFFER: Final = timedelta(minutes=30)
"""How long what came free is kept for whoever waits longest."""
FIRST_ASKED: Final = time(8)
LAST_ASKED: Final = time(20, 30)
MOST_HOLDS: Final = 2
MOST_AHEAD: Final = 10
"""Per person and clinic; what belongs to one series counts once."""
MOST_IN_SERIES: Final = 12
MOST_PASSED: Final = 3
"""Whoever lets so many offers pass is asked no more."""
FOLLOW_UP_NEAR: Final = timedelta(days=7)
"""How far from its day a follow-up is suggested."""
FOLLOW_UP_KEPT: Final = timedelta(days=7)
"""How long after its day a follow-up is still suggested."""
CHOICE: Final = timedelta(days=1)
"""How long another time that a clinic proposed is kept for the resident, who may be asleep."""
LAPSES_BEFORE: Final = timedelta(days=1)
"""How long before its start what no clinic answered is let go at the latest: nobody is to set out in vain."""
JOIN: Final = timedelta(minutes=5)
REMINDERS: Final[tuple[tuple[Step, timedelta], ...]] = (
    ("week", timedelta(days=7)),
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("now", JOIN),
)
_REMOTE: Final = frozenset({"video", "phone"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a text message says of an appointment, and the code of the reminder it answers."""

    comes: bool
    code: str


_REPLY: Final = re.compile(r"\W*(?P<word>keep|drop|赴约|不去)\W*(?P<code>\d{4})\W*", re.IGNORECASE)


def read_reply(text: str) -> Reply | None:
    """Return what a text message says of an appointment; ``None`` if it says nothing of one."""
    found = _REPLY.fullmatch(text)
    return Reply(found["word"].lower() in ("keep", "赴约"), found["code"]) if found else None


def reply_code(appointment_id: uuid.UUID) -> str:
    """Return the four digits that tell, where a number serves several, which appointment a text message answers."""
    return f"{int.from_bytes(hashlib.sha256(appointment_id.bytes).digest()[:4]) % 10_000:04}"


def may_become(before: str, after: str) -> bool:
    """Say whether an appointment may go from one status to another."""
    return after in TRANSITIONS[before]


def news(was: str, status: str, *, is_asked: bool = False) -> News | None:
    """Return what a timeline tells when an appointment ``was`` something and now has another status.

    What was only held and let go is no news, unless a clinic was asked for it; nor is who sits in the waiting room.
    """
    if status == "booked":
        return "booked"
    return next((one for one in _ENDS if one == status), None) if was not in HELD or is_asked else None


@dataclass(frozen=True, slots=True)
class Asking:
    """When somebody is called because a clinic has not answered, and until when its time is kept."""

    clinic_at: datetime
    desk_at: datetime
    until: datetime


def asking(asked_at: datetime, starts_at: datetime, answer_within: timedelta) -> Asking:
    """Return who is called when about what a clinic was asked for: the nearer its start, the sooner.

    The clinic is reminded, then the desk is told; what is let go is let go while the resident can still do otherwise.
    """
    left = starts_at - asked_at
    return Asking(
        clinic_at=asked_at + min(answer_within, left / 4),
        desk_at=asked_at + min(2 * answer_within, left / 2),
        until=starts_at - min(LAPSES_BEFORE, left / 4),
    )


def awaits(status: str, asked_at: datetime | None, answered_at: datetime | None) -> Literal["patient", "clinic"] | None:
    """Return who has to say yes before an appointment is booked: the clinic once it was asked, and until it answers."""
    if status not in HELD:
        return None
    return "clinic" if status == "pending" and asked_at is not None and answered_at is None else "patient"


def is_to_be_asked(answer_within: timedelta | None, answered_at: datetime | None, *, by_clinic: bool) -> bool:
    """Say whether the clinic has to be asked before what is confirmed is booked."""
    return answer_within is not None and answered_at is None and not by_clinic


def choice_ends(starts_at: datetime, now: datetime) -> datetime:
    """Return until when a time that the clinic proposed is kept for whoever has to choose."""
    return min(now + CHOICE, starts_at)


def has_begun(starts_at: datetime, now: datetime) -> bool:
    """Say whether the time of an appointment has come: only then did somebody not come to it."""
    return starts_at <= now


def may_call_off(status: str, mode: str, starts_at: datetime, now: datetime) -> bool:
    """Say whether the patient may still call off: before it begins, also if they looked into the waiting room early."""
    is_ahead = status in AHEAD or (status == "arrived" and mode == "video")
    return is_ahead and not has_begun(starts_at, now)


def ways(status: str, happened: Happening) -> tuple[Status, ...]:
    """Return the statuses an appointment takes on, in order, by what happened in the room; none if it has its own."""
    return _WAYS[happened].get(status, ())


def may_be_missed(mode: str, starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Say whether somebody may be said not to have come: to a video visit not while they may still find a way in."""
    return (ends_at if mode == "video" else starts_at) <= now


def missed_fee(mode: str, amount: int) -> int:
    """Return what it costs not to come, in minor units.

    To a video visit nothing: a network, a camera or a server that failed cannot be told from somebody who stayed away.
    """
    return 0 if mode == "video" else amount


def follow_up_at(starts_at: datetime, time_zone: str, days: int) -> datetime:
    """Return when they should come again: so many days later, at the same time of the wall."""
    wall = starts_at.astimezone(zone(time_zone))
    return resolve(wall.date() + timedelta(days=days), wall.time(), time_zone)


def fee_for(by: By, starts_at: datetime, now: datetime, notice_period: timedelta, amount: int) -> int:
    """Return what it costs to call off or move, in minor units: nothing to whoever does it in time, or the clinic."""
    is_late = now > starts_at - notice_period
    return amount if by == "patient" and is_late else 0


def hold_ends(starts_at: datetime, now: datetime) -> datetime:
    """Return until when a time is kept for whoever chose it: not beyond its start."""
    until = now + HOLD
    return min(until, starts_at) if starts_at > now else until


def is_reminded(status: str, mode: str) -> bool:
    """Say whether somebody is still reminded of what they have ahead.

    Whoever looked into the waiting room of a video visit early has ``arrived``, and may have left again.
    """
    return status == "booked" or (status == "arrived" and mode == "video")


def next_reminder(starts_at: datetime, mode: str, after: datetime) -> tuple[datetime, Step] | None:
    """Return the first reminder that lies behind ``after``; one to join is for whoever need not come."""
    for step, before in REMINDERS:
        if step == "now" and mode not in _REMOTE:
            continue
        if starts_at - before > after:
            return starts_at - before, step
    return None


def first_reminder(starts_at: datetime, mode: str, now: datetime) -> datetime | None:
    """Return when somebody is reminded first of what is booked or moved now.

    Of what they join in a moment that is at once: without the link some cannot come.
    """
    following = next_reminder(starts_at, mode, now)
    if following is not None:
        return following[0]
    return now if due_step(starts_at, mode, now) == "now" else None


def due_step(starts_at: datetime, mode: str, now: datetime) -> Step | None:
    """Return which reminder ``now`` is the time of: of several that are overdue the last one."""
    found: Step | None = None
    for step, before in REMINDERS:
        if starts_at - before <= now and (step != "now" or mode in _REMOTE):
            found = step
    return found if now < starts_at else None


def ask_at(now: datetime, time_zone: str) -> datetime:
    """Return when somebody is asked whether they want what came free: now, or in the morning of the zone.

    Whoever sleeps would let it pass, and lose their place.
    """
    wall = now.astimezone(zone(time_zone))
    if FIRST_ASKED <= wall.time() < LAST_ASKED:
        return now
    day = wall.date() if wall.time() < FIRST_ASKED else wall.date() + timedelta(days=1)
    return resolve(day, FIRST_ASKED, time_zone)


def series(first: datetime, time_zone: str, every_weeks: int, count: int) -> list[datetime]:
    """Return ``count`` starts at the same time of the wall, every so many weeks (RFC 5545, 3.3.10)."""
    wall = first.astimezone(zone(time_zone))
    steps = (timedelta(weeks=every_weeks * number) for number in range(count))
    return [first, *(resolve(wall.date() + step, wall.time(), time_zone) for step in steps if step)]


@dataclass(frozen=True, slots=True)
class Wish:
    """When somebody who waits could come: on these weekdays (ISO; none: all), between these times of the wall."""

    since: date | None
    until: date | None
    weekdays: Collection[int]
    earliest: time | None
    latest: time | None

    def allows(self, starts_at: datetime, time_zone: str) -> bool:
        """Say whether a start is one they could come to."""
        wall = starts_at.astimezone(zone(time_zone))
        day = wall.date()
        return (
            (self.since is None or day >= self.since)
            and (self.until is None or day <= self.until)
            and (not self.weekdays or wall.isoweekday() in self.weekdays)
            and (self.earliest is None or wall.time() >= self.earliest)
            and (self.latest is None or wall.time() <= self.latest)
        )


def session_until(seats: Iterable[tuple[str, datetime | None]]) -> datetime | Literal["booked", "over"]:
    """Return until when a session is held for those who have a seat, given how each stands: its state, and its end.

    It is booked once one of them is, and over without any.
    """
    ends = list(seats)
    if not ends:
        return "over"
    return "booked" if any(state == "booked" for state, _ in ends) else max(end for _, end in ends if end is not None)


def choices(free: Mapping[str, Sequence[object]], seed: int) -> Iterator[dict[str, int]]:
    """Yield which of each kind of resource to try, in an order that differs from taker to taker.

    A hundred who want a hundred rooms must not all try the same one first.
    """
    most = max((len(found) for found in free.values()), default=1)
    for number in range(most):
        yield {kind: (seed + number) % len(found) for kind, found in free.items()}
