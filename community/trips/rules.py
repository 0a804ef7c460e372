"""What may become of somebody's going along on a trip, when somebody looks after them, and what calling off costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from community.housekeeping.rules import hundredths

TripState = Literal["draft", "open", "called_off", "over"]
State = Literal["held", "waiting", "offered", "going", "missing", "left", "expired", "cancelled", "called_off"]
Transition = Literal["confirm", "expire", "offer", "accept", "cancel", "call_off", "miss", "find", "leave", "rejoin"]
Who = Literal["resident", "leader", "organizer", "operator", "hearthline"]
"""``resident``: they themselves, or whoever may sign them up. ``hearthline``: nobody, but the clock or a fact."""
Side = Literal["resident", "leader", "organizer", "operator"]
Place = Literal["seat", "wheelchair"]
Companion = Literal["none", "own", "volunteer", "worker"]
Method = Literal["free", "card", "provider"]
"""``provider``: to the organizer itself, in cash or by transfer."""
Mark = Literal["present", "missing", "left"]
"""``left``: it is known where they are, and they do not travel on."""
Outcome = Literal["applied", "superseded", "not_travelling"]
RollState = Literal["ahead", "begun", "done"]
CancelReason = Literal["changed_mind", "unwell", "other_plans", "not_suitable", "other", "resident_left"]
CallOffReason = Literal["weather", "too_few", "no_bus", "no_leader", "other"]


@dataclass(frozen=True, slots=True)
class Way:
    """A change of state: from where, to where, and who may make it."""

    sources: frozenset[State]
    target: State
    who: frozenset[Who]


def _way(sources: Iterable[State], target: State, *who: Who) -> Way:
    return Way(frozenset(sources), target, frozenset(who))


_COUNTING: Final[tuple[Who, ...]] = ("leader", "organizer", "operator")
WAYS: Final[Mapping[Transition, Way]] = {
    # The money is there, or is none.
    "confirm": _way(["held"], "going", "hearthline"),
    "expire": _way(["held", "waiting", "offered"], "expired", "hearthline"),
    "offer": _way(["waiting"], "offered", "hearthline"),
    "accept": _way(["offered"], "held", "resident"),
    "cancel": _way(
        ["held", "waiting", "offered", "going"], "cancelled", "resident", "organizer", "operator", "hearthline"
    ),
    "call_off": _way(["held", "waiting", "offered", "going"], "called_off", "hearthline"),
    # Nobody counted them in time, or somebody says that they are not there.
    "miss": _way(["going", "left"], "missing", *_COUNTING, "hearthline"),
    "find": _way(["missing"], "going", *_COUNTING),
    # It is known where they are, and they do not travel on: at home, with their daughter, with a doctor.
    "leave": _way(["going", "missing"], "left", *_COUNTING),
    "rejoin": _way(["left"], "going", *_COUNTING),
}
"""Every change of state there is; nothing else sets one."""

TAKING: Final[tuple[State, ...]] = ("held", "offered", "going", "missing", "left")
"""A place of the bus is taken for them."""
THEIRS: Final[tuple[State, ...]] = ("held", "going", "missing", "left")
"""Nobody has more than one such at a time."""
AHEAD: Final[tuple[State, ...]] = ("held", "waiting", "offered", "going")
"""Of these it can still be called off."""
TRAVELLING: Final[tuple[State, ...]] = ("going", "missing", "left")
OFF: Final[frozenset[State]] = frozenset({"expired", "cancelled", "called_off"})
MARKED: Final[Mapping[tuple[Mark, State], Transition]] = {
    ("present", "missing"): "find",
    ("present", "left"): "rejoin",
    ("missing", "going"): "miss",
    ("missing", "left"): "miss",
    ("left", "going"): "leave",
    ("left", "missing"): "leave",
}
"""What a mark makes of how somebody stands; any other changes nothing of it."""
GIVEN_REASONS: Final[Mapping[Who, frozenset[CancelReason]]] = {
    "resident": frozenset({"changed_mind", "unwell", "other_plans", "other"}),
    "organizer": frozenset({"not_suitable", "other"}),
    "operator": frozenset({"not_suitable", "other"}),
    "hearthline": frozenset({"resident_left"}),
}

SEAT_POOL: Final = "trip_seats"
WHEELCHAIR_POOL: Final = "trip_wheelchairs"
ORIGIN: Final = "trip_participant"
REFERENCE: Final = "trip"
"""What billing knows somebody's going along by, with its id."""
LINE: Final[Mapping[str, str]] = {"en": "Trip", "zh-CN": "集体出游"}

HOLD: Final = timedelta(minutes=20)
"""How long a place waits for its money: long enough for a bank's own question."""
OFFER: Final = timedelta(hours=12)
"""How long a place that came free waits for whoever is next in the line."""
LAST_OFFER: Final = timedelta(hours=1)
"""So shortly before the bus leaves nobody is offered a place any more."""
KEEPING: Final = timedelta(hours=1)
"""A place is kept so much longer than it is promised: what was said in time counts, however late it is heard."""
COUNTED: Final = timedelta(minutes=10)
"""How long after the bus should have left everybody is counted."""
FINISHING: Final = timedelta(minutes=5)
"""How long a leader who begins to count late has for the rest."""
REMINDING: Final = (timedelta(minutes=10), timedelta(minutes=10), timedelta(minutes=20), timedelta(hours=1))
"""From one word to the next about a roll-call nobody does; the operator hears from the second on."""
LOOKING: Final = (timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))
"""From one word to the next about somebody who is missing."""
ROLL_OPENS: Final = timedelta(hours=1)
"""So long before the bus leaves the first stop one can begin to count there."""
CONTACTS_BEFORE: Final = timedelta(hours=2)
CONTACTS_AFTER: Final = timedelta(hours=4)
"""From when until when its leaders are shown whom to call."""
CLOSING: Final = timedelta(hours=1)
"""How long after its end, and then from one look to the next, it is seen to that all are back."""
CLOCKS_DIFFER: Final = timedelta(seconds=30)
"""By less than that a leader's clock is taken as it is."""
DUE_AFTER: Final = timedelta(days=14)


def may(transition: Transition, state: State, who: Who) -> bool:
    """Say whether somebody's going along that stands so may be changed so by someone."""
    way = WAYS[transition]
    return state in way.sources and who in way.who


def free_until(starts_at: datetime, notice: timedelta) -> datetime:
    """Return until when it is called off freely."""
    return starts_at - notice


def fee(total: int, terms: tuple[datetime, int], now: datetime, state: State, who: Who) -> int:
    """Return what is owed for calling off now, in minor units.

    ``terms`` are until when it is free and the hundredths of the total it costs later. Only the resident's side owes
    anything, and only for a place that is theirs.
    """
    free, percent = terms
    return hundredths(total, percent) if who == "resident" and state == "going" and now > free else 0


def hold_ends(now: datetime, starts_at: datetime) -> datetime:
    """Return until when a place waits for its money: never beyond the departure."""
    return min(now + HOLD, starts_at)


def offer_ends(now: datetime, starts_at: datetime) -> datetime | None:
    """Return until when a place is kept for whoever is next; ``None`` where it is too late to offer it."""
    ends = min(now + OFFER, starts_at - LAST_OFFER)
    return ends if ends > now else None


def next_look(starts_at: datetime, ends_at: datetime, now: datetime) -> datetime:
    """Return when a trip is looked at: once nobody is offered a place any more, and then to see that all are back."""
    line_ends = starts_at - LAST_OFFER
    return line_ends if now < line_ends else max(ends_at, now) + CLOSING


def next_word(steps: Sequence[timedelta], step: int, now: datetime) -> datetime:
    """Return when somebody hears again of what they have heard ``step`` times."""
    return now + steps[min(step, len(steps)) - 1]


def roll_opens(starts_at: datetime, before: tuple[str, datetime] | None) -> datetime:
    """Return from when everybody can be counted at a stop.

    ``before`` is how counting stands at the stop before it, and when the bus is to leave there. Before it does, or
    everybody was counted there, nobody is at this one: a list of it, opened by mistake, would stand for all before it.
    """
    return before[1] if before is not None and before[0] != "done" else starts_at - ROLL_OPENS


def by_our_clock(marked_at: datetime, sent_at: datetime, now: datetime) -> datetime:
    """Return when something was marked by our clock: a list brings its own, which says when it was sent.

    Nothing was marked in the future.
    """
    ahead = sent_at - now
    corrected = marked_at - ahead if abs(ahead) >= CLOCKS_DIFFER else marked_at
    return min(corrected, now)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What is known of somebody on the way."""

    state: State
    seen_at: datetime | None
    missing_since: datetime | None
    missing_position: int | None


def outcome(mark: Mark, position: int, marked_at: datetime, known: Whereabouts) -> Outcome:
    """Say what becomes of a mark made at a stop.

    The later word counts, whichever is heard first. Who was missed because nobody had counted them at a stop is found
    by a list that has them there or farther on, whenever it was written: it was only late.
    """
    if known.state not in TRAVELLING:
        return "not_travelling"
    words = [known.seen_at]
    if known.missing_position is not None:
        if mark == "present" and position >= known.missing_position:
            return "applied"
        words.append(known.missing_since)
    return "superseded" if any(word is not None and marked_at < word for word in words) else "applied"
