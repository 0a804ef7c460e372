"""What may happen to an alarm and when: pure decisions, readable aloud to a dispatcher."""

import enum
import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from eldercare.alarms.models import OPEN_STATES, AlarmKind, AlarmState, Severity

CHANGED: Final = "eldercare.alarms_changed"
"""The wake-up channel of whoever follows open alarms: there is a new line in one's timeline, or of who was told."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened, in degrees (WGS 84) and metres."""

    latitude: float
    longitude: float
    accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class AlarmSignal:
    """A reason to call for help, as a feature, an app or a device gives it.

    ``origin`` names what it came from, e.g. ``("check_in", occurrence_id)``, and ``rule`` what somebody agreed that
    calls for it, e.g. ``("check_in_plan", plan_id)``: by it is counted which rules call for nothing. ``evidence`` is
    JSON and kept sealed. ``countdown`` is how long the resident can take it back before anybody is told.
    ``client_key`` is the app's own id: the same key again is the same signal. What ``is_hint``
    would by itself have called nobody. What ``is_over`` is about to be taken back: it only has to be known.
    """

    kind: str
    severity: Severity
    community_id: uuid.UUID
    resident_id: uuid.UUID
    occurred_at: datetime
    origin: tuple[str, uuid.UUID] | None = None
    rule: tuple[str, uuid.UUID] | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    place: Place | None = None
    countdown: timedelta | None = None
    client_key: uuid.UUID | None = None
    is_test: bool = False
    is_hint: bool = False
    is_over: bool = False

    @property
    def slot(self) -> "Slot":
        """Which of the resident's alarms it belongs to."""
        return Slot(self.resident_id, self.is_test, stands_alone(self.kind, is_test=self.is_test))


class Slot(NamedTuple):
    """Where one alarm can be open at a time: what happens to a resident, their SOS, and an exercise."""

    resident_id: uuid.UUID
    is_test: bool
    stands_alone: bool


def stands_alone(kind: str, *, is_test: bool) -> bool:
    """Say whether a signal makes an alarm of its own whatever else is open: an SOS does.

    Somebody who calls for help is never a footnote of what went before, waits for no lock of it, and is not done with
    when that is. An exercise has one alarm, whatever is practised.
    """
    return kind == AlarmKind.SOS and not is_test


def reply_code(alarm_id: uuid.UUID, account_id: uuid.UUID) -> str:
    """Return the four digits by which a text message says which alarm it takes, and which of a number's people does.

    It proves nothing: the number does. So it is made of the ids, and the same in every message about the alarm.
    """
    return f"{zlib.crc32(alarm_id.bytes + account_id.bytes) % 10_000:04}"


class Action(enum.StrEnum):
    """What moves an alarm from one state to another."""

    ACKNOWLEDGE = "acknowledge"
    TAKE_OVER = "take_over"
    RELEASE = "release"
    DEPART = "depart"
    ARRIVE = "arrive"
    RESOLVE = "resolve"
    STAND_DOWN = "stand_down"
    CANCEL = "cancel"
    LAPSE = "lapse"
    RENEW = "renew"


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states an action leads where."""

    sources: frozenset[AlarmState]
    target: AlarmState


_TAKEN = frozenset({AlarmState.ACKNOWLEDGED, AlarmState.EN_ROUTE, AlarmState.ON_SCENE})

TRANSITIONS: dict[Action, Transition] = {
    Action.ACKNOWLEDGE: Transition(frozenset({AlarmState.RAISED}), AlarmState.ACKNOWLEDGED),
    Action.TAKE_OVER: Transition(frozenset({AlarmState.ACKNOWLEDGED, AlarmState.EN_ROUTE}), AlarmState.ACKNOWLEDGED),
    Action.RELEASE: Transition(frozenset({AlarmState.ACKNOWLEDGED, AlarmState.EN_ROUTE}), AlarmState.RAISED),
    Action.DEPART: Transition(frozenset({AlarmState.ACKNOWLEDGED}), AlarmState.EN_ROUTE),
    Action.ARRIVE: Transition(frozenset({AlarmState.ACKNOWLEDGED, AlarmState.EN_ROUTE}), AlarmState.ON_SCENE),
    Action.RESOLVE: Transition(_TAKEN, AlarmState.RESOLVED),
    Action.STAND_DOWN: Transition(OPEN_STATES, AlarmState.RESOLVED),
    Action.CANCEL: Transition(frozenset({AlarmState.RAISED}), AlarmState.CANCELLED),
    Action.LAPSE: Transition(_TAKEN, AlarmState.RAISED),
    Action.RENEW: Transition(_TAKEN, AlarmState.RAISED),
}
"""The only table of states. Whoever departs, arrives or resolves without having taken the alarm takes it first."""


def after(state: AlarmState, action: Action) -> AlarmState | None:
    """Return the state ``action`` leads to from ``state``, or ``None`` if it is not allowed there."""
    transition = TRANSITIONS[action]
    return transition.target if state in transition.sources else None


PROGRESS_WITHIN: dict[AlarmState, timedelta] = {
    AlarmState.ACKNOWLEDGED: timedelta(minutes=10),
    AlarmState.EN_ROUTE: timedelta(minutes=45),
    AlarmState.ON_SCENE: timedelta(hours=2),
}
"""How long each state may last before the people are called again: nobody is forgotten because somebody said yes."""

DEFAULT_COUNTDOWN = timedelta(seconds=10)
LONGEST_COUNTDOWN = timedelta(seconds=30)
OLDEST_OCCURRENCE = timedelta(hours=24)
REPEATED_WITHIN = timedelta(minutes=10)
"""How long after an alarm's end its signal can come again as a mere repetition; later it is a call for help."""
SAME_PRESS = timedelta(seconds=15)
"""By so much at most the time of one press differs from try to try: the device measures its clock anew."""
ARRIVES_LATE = timedelta(minutes=5)
"""From then on it is said when a call for help was pressed: it may be over by now, or much worse."""
BREAK_GLASS_FROM = Severity.HIGH
BREAK_GLASS_LASTS = timedelta(hours=24)
WORTH_SAYING_LATE = timedelta(seconds=5)


def believable(occurred_at: datetime, now: datetime) -> bool:
    """Say whether a client's own time can be taken: not in the future, at most a day back."""
    return now - OLDEST_OCCURRENCE <= occurred_at <= now


def is_repetition(pressed_at: datetime, known_at: datetime, closed_at: datetime | None, now: datetime) -> bool:
    """Say whether a signal with a key that was seen before is that signal once more.

    It is while its alarm is open, or ended a moment ago; and however long ago that was if it was pressed when the one
    that is known was: a device whose answer was lost tells of it days later. Else it is an app that has only one key.
    """
    return closed_at is None or now - closed_at <= REPEATED_WITHIN or abs(pressed_at - known_at) <= SAME_PRESS


def pressed_before(kind: str, occurred_at: datetime, now: datetime) -> datetime | None:
    """Return when an SOS was pressed that arrives late; ``None`` for one of now, and for what nobody pressed."""
    return occurred_at if kind == AlarmKind.SOS and now - occurred_at >= ARRIVES_LATE else None


def pressed_last(before: datetime | None, joining: datetime | None) -> datetime | None:
    """Return when the latest of an alarm's calls was pressed; ``None`` as soon as one of them was of now."""
    return max(before, joining) if before and joining else None


def lateness(due_at: datetime, now: datetime) -> int | None:
    """Return by how many seconds a step came late, or ``None`` if it came about in time."""
    late = now - due_at
    return int(late.total_seconds()) if late >= WORTH_SAYING_LATE else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What of an open alarm decides how a signal joins it."""

    severity: Severity
    is_told: bool  # somebody was called in this run of the ladder, or has taken it
    step: int
    round: int
    next_step_at: datetime
    countdown_until: datetime | None


@dataclass(frozen=True, slots=True)
class Joined:
    """An open alarm after a signal joined it; ``renewed`` says that everybody is called again."""

    severity: Severity
    step: int
    round: int
    next_step_at: datetime
    countdown_until: datetime | None
    renewed: bool
    worse: bool


def join(standing: Standing, kind: str, severity: Severity, countdown: timedelta | None, now: datetime) -> Joined:
    """Return what an open alarm becomes when a signal joins it; no deadline ever moves later.

    A signal worse than the alarm, or one more SOS, calls everybody again who was called before, and the ladder goes on
    at once with whoever comes next: it never goes back to where it began. While nobody has been told there is nothing
    to call again; then the signal can only make the first call come sooner.
    """
    worse = severity > standing.severity
    renewed = standing.is_told and (worse or kind == AlarmKind.SOS)
    if renewed:
        wanted = now
    elif standing.is_told:
        wanted = standing.next_step_at
    else:
        wanted = now + (countdown or timedelta())
    next_step_at = min(standing.next_step_at, wanted)
    return Joined(
        severity=max(severity, standing.severity),
        step=standing.step,
        round=standing.round + 1 if renewed else standing.round,
        next_step_at=next_step_at,
        countdown_until=standing.countdown_until and min(standing.countdown_until, next_step_at),
        renewed=renewed,
        worse=worse,
    )


@dataclass(frozen=True, slots=True)
class Reason:
    """What of a signal decides whether a word from the person takes it back."""

    kind: str
    origin_id: uuid.UUID | None
    occurred_at: datetime
    is_hint: bool = False


HINTS_NEEDED: Final = 2
"""So many different things that by themselves would call nobody call somebody together."""


def call_together(kinds: Iterable[str]) -> bool:
    """Say whether hints of these kinds call somebody: the same thing twice is still only one thing."""
    return len(set(kinds)) >= HINTS_NEEDED


@dataclass(frozen=True, slots=True)
class Word:
    """A word that all is well: which kinds of signals it can take back, what it answers, and when it was given.

    ``also_answers`` is what has been answered already: with this word nothing of it is left open.
    """

    kinds: frozenset[str]
    answers: uuid.UUID
    given_at: datetime
    also_answers: frozenset[uuid.UUID] = frozenset()


def takes_back(word: Word, reasons: Iterable[Reason]) -> bool:
    """Say whether a word takes back so much of an alarm that what is left would have called nobody.

    It speaks of what it answers and of what was before it, never of a silence that came after: a phone without a
    network may bring the morning's answer hours late.
    """
    left = [reason for reason in reasons if not speaks_of(word, reason)]
    return all(reason.is_hint for reason in left) and not call_together(reason.kind for reason in left)


def speaks_of(word: Word, reason: Reason) -> bool:
    """Say whether a word takes back this reason of an alarm."""
    return reason.kind in word.kinds and (
        reason.origin_id == word.answers or reason.origin_id in word.also_answers or reason.occurred_at <= word.given_at
    )
