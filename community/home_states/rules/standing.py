"""What a report makes of how an entity stands: a change to be told, a reading to be kept, or nothing at all.

Time is when we heard of it: devices' clocks are years off, and a hub's memory tells of states and not of happenings.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

import orjson

from community.home_states.rules.calm import is_calm
from community.home_states.rules.changes import StateChange
from community.home_states.rules.missed import was_missed
from community.home_states.rules.traits import NO_GAP, Traits

HEARTBEAT: Final = timedelta(minutes=60)
DORMANT: Final = timedelta(hours=26)  # longer than any day: until then its hours are computed without being asked
SUM_GRACE: Final = timedelta(minutes=5)  # what is under way when an hour ends is in the database by then
TOUCH: Final = timedelta(minutes=1)  # an unchanged state is not written more often
MOST_TEXT: Final = 255
MOST_ATTRIBUTES: Final = 4096  # bytes
LARGEST: Final = 1e15  # no thing in a home measures more; sums and squares of it are numbers still

STATE: Final = "state"
AVAILABILITY: Final = "availability"
ATTRIBUTES: Final = "attributes"
ONLINE: Final = "online"
OFFLINE: Final = "offline"
HAPPENED_AT: Final = "happened_at"


class Report(Protocol):
    """What one message says of one entity, in Home Assistant's words (``app.home_assistant`` reads it)."""

    @property
    def role(self) -> str: ...
    @property
    def value(self) -> str | None: ...
    @property
    def number(self) -> float | None: ...
    @property
    def attributes(self) -> dict[str, Any] | None: ...
    @property
    def is_event(self) -> bool: ...


class Heard(NamedTuple):
    """A report and how it came; what ``is_repeated`` may be how a thing stood before what was heard since."""

    report: Report
    topic: str
    at: datetime
    is_retained: bool
    is_repeated: bool


class Kept(NamedTuple):
    """A reading to be written."""

    id: uuid.UUID
    home_id: uuid.UUID
    resident_id: uuid.UUID
    entity_id: uuid.UUID
    state: str | None
    number: float | None
    at: datetime


@dataclass(slots=True)
class Standing:
    """How an entity stands: its row, and what of it has to be written.

    ``is_touched``: only when it was heard; ``is_enriched``: what seldom changes too (attributes, heard).
    """

    state: str | None
    number: float | None
    attributes: dict[str, Any]
    is_available: bool
    changed_at: datetime
    reported_at: datetime
    is_fresh: bool
    heard: dict[str, bool]
    recorded_at: datetime | None
    recorded_number: float | None
    held_until: datetime | None
    off_at: datetime | None
    expires_at: datetime | None
    look_at: datetime | None
    is_changed: bool = False
    is_enriched: bool = False
    is_touched: bool = False


@dataclass(slots=True)
class Outcome:
    """What a batch comes to beside how things stand: what is told, what is kept, and since when is to be summed up."""

    new_id: Callable[[datetime], uuid.UUID]
    now: datetime
    changes: list[StateChange] = field(default_factory=list)
    readings: list[Kept] = field(default_factory=list)
    sums: dict[uuid.UUID, tuple[uuid.UUID, datetime]] = field(default_factory=dict)


def take(traits: Traits, standing: Standing, heard: Heard, outcome: Outcome) -> None:
    """Take one report into ``standing``; what it changes, and what is kept of it, is added to ``outcome``."""
    role = heard.report.role
    if role == STATE:
        if heard.report.is_event:
            _take_event(traits, standing, heard, outcome)
        else:
            _take_state(traits, standing, heard, outcome)
    elif role == AVAILABILITY:
        _take_availability(traits, standing, heard, outcome)
    elif role == ATTRIBUTES:
        _merge(standing, heard.report.attributes or {})
    else:
        _take_attribute(traits, standing, heard, outcome)


def pass_time(traits: Traits, standing: Standing, now: datetime, outcome: Outcome) -> None:
    """Let happen what is due: a reading that was held back, an off that nobody sends, a word that expires."""
    standing.is_changed = True
    if standing.held_until is not None and standing.held_until <= now:
        _keep_held(traits, standing, now, outcome)
    _let_off(traits, standing, now, outcome)
    if standing.expires_at is not None and standing.expires_at <= now:
        standing.expires_at = None
        if standing.is_available:
            _gone(traits, standing, now, outcome, is_fresh=True)
    standing.look_at = _earliest(standing)


def _let_off(traits: Traits, standing: Standing, now: datetime, outcome: Outcome) -> None:
    """Turn off what goes off by itself; whoever speaks next may do so before a worker has seen to it."""
    if standing.off_at is None or standing.off_at > now:
        return
    at, standing.off_at = standing.off_at, None
    old, standing.state, standing.number, standing.changed_at = standing.state, "off", None, at
    standing.is_fresh = standing.is_changed = True
    outcome.changes.append(StateChange(*traits.names, STATE, old, "off", None, at, True))
    _keep(traits, standing, at, outcome)


def _take_state(traits: Traits, standing: Standing, heard: Heard, outcome: Outcome) -> None:
    report, at = heard.report, heard.at
    _let_off(traits, standing, at, outcome)
    value, number = _clean(report.value, report.number)
    is_same = value == standing.state or (number is not None and number == standing.number)
    is_first = standing.recorded_at is None
    is_telling = traits.is_hazard and not heard.is_retained and bool(value) and not is_calm(value)
    if not is_first and at < standing.changed_at:
        if is_same:
            return
        # A pendant's end says nothing of who pressed it, but without it the next press would be none.
        if not is_telling and not (traits.is_call and not heard.is_retained):
            _keep_late(traits, standing, value, number, at, outcome)
            return
        # Our clock may have been set back. Rather call once too often than not hear of a fire until it has caught up.
        at = standing.changed_at
    elif is_telling and not is_same and not is_first and at < standing.reported_at:
        # Another gateway has stored the end of it already: it was so all the same, and is not any more.
        outcome.changes.append(StateChange(*traits.names, STATE, standing.state, value, number, at, True))
        _keep_late(traits, standing, value, number, at, outcome)
        return
    is_anew = is_telling and is_same and not is_first and traits.may_be_anew(at - standing.reported_at)
    is_back = not standing.is_available and _is_reachable(traits, standing)
    if is_back:
        _back(traits, standing, heard, outcome)
    is_due = traits.is_hazard or is_first or at - standing.reported_at >= _touch(traits)
    standing.is_touched = standing.is_touched or is_due
    _expect_more(traits, standing, value, at)
    if is_anew:
        standing.changed_at, standing.is_fresh, standing.is_changed = at, traits.is_call, True
        outcome.changes.append(StateChange(*traits.names, STATE, None, value, number, at, traits.is_call))
        _record(traits, standing, at, outcome, is_owed=is_back)
    elif is_same and not is_first:
        _beat(traits, standing, at, outcome, is_back=is_back)
    else:
        is_news = traits.is_call or not is_first
        is_fresh = is_news and not heard.is_retained and (traits.is_hazard or not heard.is_repeated)
        old = standing.state
        standing.state, standing.number, standing.changed_at = value, number, at
        standing.is_fresh, standing.is_changed = is_fresh, True
        outcome.changes.append(StateChange(*traits.names, STATE, old, value, number, at, is_fresh))
        _record(traits, standing, at, outcome, is_owed=is_first or is_back)
    if standing.is_touched or standing.is_changed:
        standing.reported_at = at


def _take_event(traits: Traits, standing: Standing, heard: Heard, outcome: Outcome) -> None:
    at = heard.at
    value, number = _clean(heard.report.value, heard.report.number)
    is_first = standing.recorded_at is None
    dated = (heard.report.attributes or {}).get(HAPPENED_AT)
    is_missed = traits.is_call and was_missed(standing.attributes.get(HAPPENED_AT), dated, at)
    is_fresh = not heard.is_retained or is_missed
    if not is_fresh and not is_first and value == standing.state:
        _merge(standing, heard.report.attributes or {})
        return
    old = standing.state
    if is_first or at >= standing.changed_at:
        standing.state, standing.number, standing.changed_at, standing.is_fresh = value, number, at, is_fresh
        standing.reported_at = at
    standing.is_changed = True
    if heard.report.attributes:
        _merge(standing, heard.report.attributes)
    # Whoever presses, presses: there is no earlier state that a first press could be mistaken for.
    outcome.changes.append(StateChange(*traits.names, STATE, old, value, number, at, is_fresh))
    if is_fresh and (is_first or standing.recorded_at is None or at - standing.recorded_at >= traits.gap):
        _keep(traits, standing, at, outcome)
    elif is_first:
        standing.recorded_at = at


def _take_attribute(traits: Traits, standing: Standing, heard: Heard, outcome: Outcome) -> None:
    report = heard.report
    value, number = _clean(report.value, report.number)
    shown: float | str | None = value if number is None else number
    if report.role in standing.attributes and standing.attributes[report.role] == shown:
        return
    old = standing.attributes.get(report.role)
    if not _merge(standing, {report.role: shown}):
        return
    is_fresh = not (heard.is_retained or heard.is_repeated or old is None)
    told = None if old is None else str(old)
    outcome.changes.append(StateChange(*traits.names, report.role, told, value, number, heard.at, is_fresh))


def _merge(standing: Standing, given: dict[str, Any]) -> bool:
    """Add what is ``given`` to the attributes unless that is more than is kept of one entity; say whether it was."""
    attributes = standing.attributes
    if all(name in attributes and attributes[name] == value for name, value in given.items()):
        return False
    merged = attributes | given
    try:
        if len(orjson.dumps(merged)) > MOST_ATTRIBUTES:
            return False
    except orjson.JSONEncodeError:
        return False
    standing.attributes = merged
    standing.is_changed = standing.is_enriched = True
    return True


def _take_availability(traits: Traits, standing: Standing, heard: Heard, outcome: Outcome) -> None:
    is_online = heard.report.value == ONLINE
    if standing.heard.get(heard.topic) != is_online or next(reversed(standing.heard)) != heard.topic:
        standing.heard.pop(heard.topic, None)  # the latest stands last
        standing.heard[heard.topic] = is_online
        standing.is_changed = standing.is_enriched = True
    is_available = _is_reachable(traits, standing)
    if is_available == standing.is_available:
        return
    if not is_available:
        _gone(traits, standing, heard.at, outcome, is_fresh=not (heard.is_retained or heard.is_repeated))
        return
    _back(traits, standing, heard, outcome)
    if standing.recorded_at is not None:
        _keep(traits, standing, heard.at, outcome)


def _is_reachable(traits: Traits, standing: Standing) -> bool:
    return traits.is_available(standing.heard) if standing.heard else True


def _back(traits: Traits, standing: Standing, heard: Heard, outcome: Outcome) -> None:
    standing.is_available, standing.is_changed = True, True
    is_fresh = not (heard.is_retained or heard.is_repeated)
    outcome.changes.append(StateChange(*traits.names, AVAILABILITY, OFFLINE, ONLINE, None, heard.at, is_fresh))


def _gone(traits: Traits, standing: Standing, at: datetime, outcome: Outcome, *, is_fresh: bool) -> None:
    """Nothing is known from here on: the state stays for whoever asks for the last word, the chart has a gap."""
    standing.is_available, standing.is_changed = False, True
    outcome.changes.append(StateChange(*traits.names, AVAILABILITY, ONLINE, OFFLINE, None, at, is_fresh))
    if standing.recorded_at is not None:
        outcome.readings.append(
            Kept(outcome.new_id(at), traits.home_id, traits.resident_id, traits.entity_id, None, None, at)
        )
        standing.recorded_at, standing.recorded_number, standing.held_until = at, None, None


def _record(traits: Traits, standing: Standing, at: datetime, outcome: Outcome, *, is_owed: bool) -> None:
    """Keep a reading of what changed, or hold it back: noise until the heartbeat, haste until the gap is over."""
    last = standing.recorded_at
    if is_owed or last is None or traits.gap == NO_GAP:
        _keep(traits, standing, at, outcome)
        return
    is_noise = (
        traits.noise > 0
        and standing.number is not None
        and standing.recorded_number is not None
        and abs(standing.number - standing.recorded_number) < traits.noise
    )
    if is_noise and at - last < HEARTBEAT:
        standing.held_until = None
    elif at - last >= traits.gap:
        _keep(traits, standing, at, outcome)
    else:
        standing.held_until = last + traits.gap
        _look_by(standing, standing.held_until)


def _beat(traits: Traits, standing: Standing, at: datetime, outcome: Outcome, *, is_back: bool) -> None:
    """Write what did not change, if nothing was written for long or the last change was held back long enough."""
    if standing.held_until is not None and at >= standing.held_until:
        _keep_held(traits, standing, at, outcome)
    elif is_back or standing.recorded_at is None or at - standing.recorded_at >= HEARTBEAT:
        _keep(traits, standing, at, outcome)


def _keep(traits: Traits, standing: Standing, at: datetime, outcome: Outcome) -> None:
    if standing.is_available:
        kept = (traits.home_id, traits.resident_id, traits.entity_id, standing.state, standing.number, at)
        outcome.readings.append(Kept(outcome.new_id(at), *kept))
    if standing.number is not None:
        # Before the first number there is nothing to be summed up: nobody has been asked yet.
        _sum(traits, at, None if standing.recorded_number is None else standing.recorded_at, outcome)
    standing.recorded_at, standing.recorded_number, standing.held_until = at, standing.number, None
    standing.is_changed = True


def _keep_held(traits: Traits, standing: Standing, now: datetime, outcome: Outcome) -> None:
    """Keep what was held back as of when it changed; the next gap begins now."""
    _keep(traits, standing, standing.changed_at, outcome)
    standing.recorded_at = now


def _keep_late(
    traits: Traits, standing: Standing, value: str | None, number: float | None, at: datetime, outcome: Outcome
) -> None:
    """Keep what another gateway heard before what is known already: it is history, and no news."""
    outcome.readings.append(
        Kept(outcome.new_id(at), traits.home_id, traits.resident_id, traits.entity_id, value, number, at)
    )
    if number is not None:
        _sum(traits, at, standing.recorded_at, outcome)


def _sum(traits: Traits, at: datetime, last: datetime | None, outcome: Outcome) -> None:
    """See to it that a number's hour is computed where nobody does: after a silence, or when it is done already."""
    if last is None or at - last > DORMANT or after_hour(at) <= outcome.now:
        hour = hour_of(at)
        known = outcome.sums.get(traits.entity_id)
        outcome.sums[traits.entity_id] = (traits.resident_id, hour if known is None else min(hour, known[1]))


def _expect_more(traits: Traits, standing: Standing, value: str | None, at: datetime) -> None:
    if traits.off_delay is not None:
        standing.off_at = at + traits.off_delay if value == "on" else None
        standing.is_changed = True
        _look_by(standing, standing.off_at)
    if traits.expire_after is not None:
        # Late by what a report may be left unwritten: never gone while it speaks.
        standing.expires_at = at + traits.expire_after + _touch(traits)
        _look_by(standing, standing.expires_at)


def _look_by(standing: Standing, at: datetime | None) -> None:
    if at is not None and (standing.look_at is None or at < standing.look_at):
        standing.look_at, standing.is_changed = at, True


def _earliest(standing: Standing) -> datetime | None:
    deadlines: Iterable[datetime | None] = (standing.held_until, standing.off_at, standing.expires_at)
    return min((deadline for deadline in deadlines if deadline is not None), default=None)


def _touch(traits: Traits) -> timedelta:
    return TOUCH if traits.expire_after is None else min(TOUCH, traits.expire_after / 4)


def _clean(value: str | None, number: float | None) -> tuple[str | None, float | None]:
    if number is not None and not abs(number) <= LARGEST:  # nor what is no number
        number = None
    return (value if value is None else value[:MOST_TEXT]), number


def hour_of(at: datetime) -> datetime:
    """Return the beginning of the hour (UTC) that holds ``at``."""
    return at.replace(minute=0, second=0, microsecond=0)


def after_hour(at: datetime) -> datetime:
    """Return when the hour that holds ``at`` can be computed."""
    return hour_of(at) + timedelta(hours=1) + SUM_GRACE
