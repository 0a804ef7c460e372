"""What a change in a home means for who lives there."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from community.home_care.rules.acts import Act, Moved, Near, Raise, Settle, Severity, Unwatch, Watch
from community.home_care.rules.settings import SEVERE_COLD, SEVERE_HEAT, Settings
from community.home_states.rules.calm import CALM, is_calm, is_unsure, plain

ROLES: Final = frozenset(
    (
        "smoke",
        "gas",
        "carbon_monoxide",
        "water",
        "fall",
        "bed",
        "sos_button",
        "motion",
        "presence",
        "door",
        "window",
        "stove",
        "temperature",
    )
)
"""What care rules look at; changes of everything else are passed over."""

SEVERITIES: Final[dict[str, Severity]] = {
    "smoke": "critical",
    "gas": "critical",
    "carbon_monoxide": "critical",
    "water": "high",
    "fall": "high",
    "sos": "critical",
}
_NOT_KNOWN: Final = frozenset(("", "unavailable", "unknown", "online", "offline"))
_NOT_PRESSED: Final = CALM | _NOT_KNOWN | {"release"}
_STANDS: Final = CALM | {"enabled", "disabled"}
_ALARMING: Final = re.compile(r"\b(alarm(ing)?|detected|triggered|leak(ing|age)?|wet|fire|smoke|true)\b")
_BESIDES: Final = re.compile(
    r"(standing|sitting|walking|upright|moving|(un)?occupied|vacant|present|absent|(not )?worn|ready|armed|charging|"
    r"(low )?battery( low)?|test\w*)"
)
"""What something that notices falls says of other things: no fall, and nobody gets up by it."""
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_ON_THEIR_FEET: Final = re.compile(r"^(no|not) (fall\w*|detected)\b|\b(not |un)detected\b|\b(cleared|normal|ended)$")
_INDOORS: Final = frozenset(("bedroom", "bathroom", "kitchen", "living_room", "hall", "entrance"))
PLAUSIBLE: Final = (-10.0, 60.0)  # °C: beyond, it is a freezer, an oven or a broken sensor, and no room
HYSTERESIS: Final = 1.0  # °C
FALL_MINUTES: Final = 5
SOS_MINUTES: Final = 10  # a press has no end of its own: so long, another counts as of the same need
STOVE_UNSEEN_MINUTES: Final = 60  # where nothing tells whether somebody is near, a stove may be on for a whole meal
LEAST_USUAL_STAYS: Final = 3


class Change(Protocol):
    """A change of an entity's state, as ``home_states`` tells it."""

    @property
    def entity_id(self) -> uuid.UUID: ...
    @property
    def role(self) -> str | None: ...
    @property
    def room_id(self) -> uuid.UUID | None: ...
    @property
    def old(self) -> str | None: ...
    @property
    def new(self) -> str | None: ...
    @property
    def number(self) -> float | None: ...
    @property
    def at(self) -> datetime: ...
    @property
    def is_fresh(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a change is seen against: the home's rules and rooms, and what is usual there."""

    zone: ZoneInfo
    lives_alone: bool = False
    settings: Settings = field(default_factory=Settings)
    rooms: Mapping[uuid.UUID, str] = field(default_factory=dict)  # their kinds
    seen_rooms: frozenset[uuid.UUID] = frozenset()  # where something notices that somebody is there
    units: Mapping[uuid.UUID, str | None] = field(default_factory=dict)
    usual_stay: float | None = None  # minutes in the bathroom
    unattended: Mapping[uuid.UUID, uuid.UUID | None] = field(default_factory=dict)  # stoves, and where they are

    def kind_of(self, room_id: uuid.UUID | None) -> str | None:
        """Return the kind of a room, if it is known."""
        return self.rooms.get(room_id) if room_id else None


def bathroom_limit(home: Surroundings) -> timedelta:
    """Return how long a stay in the bathroom is no reason to look: what is set, or thrice what is usual if longer."""
    usual = 3 * (home.usual_stay or 0)
    return timedelta(minutes=max(home.settings.bathroom_minutes, min(usual, 180)))


def stove_limit(home: Surroundings, room_id: uuid.UUID | None) -> timedelta:
    """Return how long a stove may be on with nobody near."""
    is_seen = room_id in home.seen_rooms
    return timedelta(minutes=home.settings.stove_minutes if is_seen else STOVE_UNSEEN_MINUTES)


def notice(change: Change, home: Surroundings) -> Iterator[Act]:
    """Return what follows from a change."""
    rule = _RULES.get(change.role or "")
    if rule is not None:
        yield from rule(change, home)
    yield from _movement(change, home)


def _hazard(change: Change, home: Surroundings) -> Iterator[Act]:
    """Smoke, gas, carbon monoxide, water: at once.

    Also when it is found on after a silence: it may have begun meanwhile, and nobody has heard of it.
    """
    kind = change.role or ""
    if not home.settings.watches(kind):
        return
    if _is_alarming(change.new) and (change.is_fresh or not _is_alarming(change.old)):
        explanation = {} if change.is_fresh else {"found_on": True}
        yield Raise(kind, SEVERITIES[kind], change.at, change.entity_id, explanation=explanation)
    elif is_calm(change.new):  # else the next danger would be taken for the same
        yield Settle(kind, change.entity_id)


def _is_alarming(state: str | None) -> bool:
    """Say whether a detector's word is its alarm: "on", or what one says that has more words than on and off."""
    said = plain(state)
    return said == "on" or (_ALARMING.search(said) is not None and not is_calm(state) and not is_unsure(state))


def _fall(change: Change, home: Surroundings) -> Iterator[Act]:
    """A fall counts at once, and for more if nothing moves after it; found on it may have been while nobody heard.

    Not everything that notices one says on and off: a radar or a pendant has words of its own. A number is a setting.
    """
    said = plain(change.new)
    stands = said in _STANDS or _ON_THEIR_FEET.search(said) is not None
    says_nothing = said in _NOT_KNOWN or _BESIDES.fullmatch(said) is not None
    # When it was last says nothing of how long ago, unless it is new.
    says_nothing = says_nothing or (not change.is_fresh and _DATE.match(said) is not None)
    has_fallen = change.number is None and not stands and not says_nothing
    if has_fallen and (change.is_fresh or change.old != change.new):
        explanation = {} if change.is_fresh else {"found_on": True}
        yield Raise("fall", SEVERITIES["fall"], change.at, change.entity_id, explanation=explanation)
        if home.seen_rooms:
            check_at = change.at + timedelta(minutes=FALL_MINUTES)
            yield Watch("motionless_fall", change.at, check_at, change.entity_id, change.room_id)
    elif stands:
        yield Settle("fall", change.entity_id)


def _sos(change: Change, _: Surroundings) -> Iterator[Act]:
    """A press has no end: after a while another one is another call.

    A button that was off and is found on was pressed while nobody heard; of any other word that is remembered nobody
    knows how old it is.
    """
    is_found_on = change.old == "off" and change.new == "on"
    if (change.is_fresh or is_found_on) and (change.new or "").lower() not in _NOT_PRESSED:
        yield Raise("sos", SEVERITIES["sos"], change.at, change.entity_id)
        yield Watch("sos", change.at, change.at + timedelta(minutes=SOS_MINUTES), change.entity_id)


def _bed(change: Change, home: Surroundings) -> Iterator[Act]:
    """Out of bed at night, and not back after a while."""
    if change.new == "on":
        yield Unwatch("bed_exit", change.entity_id)
        yield Settle("bed_exit", change.entity_id)
    elif change.new == "off" and change.is_fresh and _is_night_at_home(change, home):
        check_at = change.at + timedelta(minutes=home.settings.bed_exit_minutes)
        yield Watch("bed_exit", change.at, check_at, change.entity_id, change.room_id)


def _is_night_at_home(change: Change, home: Surroundings) -> bool:
    settings = home.settings
    is_night = settings.is_night(change.at, home.zone)
    return settings.watches("bed_exit") and is_night and not settings.is_away(change.at)


def _door(change: Change, home: Surroundings) -> Iterator[Act]:
    """A door that stands open at night; one opened in the evening counts from when the night begins."""
    if change.new == "off":
        yield Unwatch("door_open_at_night", change.entity_id)
        yield Settle("door_open_at_night", change.entity_id)
    elif change.new == "on" and change.is_fresh and _leads_outside(change, home):
        night = home.settings.night_at_or_after(change.at, home.zone)
        check_at = night + timedelta(minutes=home.settings.door_minutes)
        yield Watch("door_open_at_night", change.at, check_at, change.entity_id, change.room_id)


def _leads_outside(change: Change, home: Surroundings) -> bool:
    return home.settings.watches("door_open_at_night") and home.kind_of(change.room_id) in (None, "entrance", "hall")


def _stove(change: Change, home: Surroundings) -> Iterator[Act]:
    """A stove that is on, and nobody near it."""
    if change.new == "off":
        yield Unwatch("stove_unattended", change.entity_id)
        yield Settle("stove_unattended", change.entity_id)
    elif change.new == "on" and change.is_fresh and home.settings.watches("stove_unattended"):
        check_at = change.at + stove_limit(home, change.room_id)
        yield Watch("stove_unattended", change.at, check_at, change.entity_id, change.room_id)


def celsius(number: float, unit: str | None) -> float | None:
    """Return a temperature in degrees Celsius; ``None`` for what can be no room's."""
    degrees = (number - 32) / 1.8 if unit and unit.strip().upper().endswith("F") else number
    return degrees if PLAUSIBLE[0] <= degrees <= PLAUSIBLE[1] else None


def thresholds(settings: Settings) -> dict[str, tuple[str, float, int]]:
    """Return by what is watched: the kind of incident, the degrees Celsius, and whether above (1) or below (-1)."""
    return {
        "heat": ("heat", settings.heat_from, 1),
        "severe_heat": ("heat", max(SEVERE_HEAT, settings.heat_from), 1),
        "cold": ("cold", settings.cold_until, -1),
        "severe_cold": ("cold", min(SEVERE_COLD, settings.cold_until), -1),
    }


def _temperature(change: Change, home: Surroundings) -> Iterator[Act]:
    """Heat and cold in a room somebody lives in, if it lasts."""
    if change.number is None or home.kind_of(change.room_id) not in _INDOORS or not change.is_fresh:
        return
    degrees = celsius(change.number, home.units.get(change.entity_id))
    if degrees is None:
        return
    for watched, (kind, limit, sign) in thresholds(home.settings).items():
        beyond = (degrees - limit) * sign
        if beyond >= 0 and home.settings.watches(kind):
            check_at = change.at + timedelta(minutes=home.settings.sustained_minutes)
            yield Watch(watched, change.at, check_at, change.entity_id, change.room_id)
        elif beyond < -HYSTERESIS:
            yield Unwatch(watched, change.entity_id)
            if watched == kind:
                yield Settle(kind, change.entity_id)


def _means_movement(change: Change) -> bool:
    match change.role:
        case "motion" | "presence" | "stove":
            return change.new == "on"
        case "door" | "window":
            return change.new in ("on", "off") and change.old in ("on", "off")
        case "bed":
            return change.new in ("on", "off") and change.old in ("on", "off")
        case _:
            return False


def _movement(change: Change, home: Surroundings) -> Iterator[Act]:
    if not change.is_fresh:
        return
    is_bathroom = home.kind_of(change.room_id) == "bathroom"
    if change.role in ("motion", "presence") and change.new == "off" and change.room_id:
        yield from _near(change.room_id, change.at, home)  # until now
        if change.role == "presence" and is_bathroom:
            yield from _left_bathroom()
    if not _means_movement(change):
        return
    role = change.role or ""
    is_day = not home.settings.is_night(change.at, home.zone) and not home.settings.is_away(change.at)
    yield Moved(role, change.at, is_everyday=home.lives_alone and is_day)
    yield Settle("no_motion")
    if change.room_id:
        yield from _near(change.room_id, change.at, home)
    if role in ("motion", "presence") and is_bathroom:
        # Where others live, too, nobody can say whose stay it is; and what sees one room alone sees nobody leave it.
        if home.lives_alone and home.settings.watches("bathroom_stay") and len(home.seen_rooms) > 1:
            yield Watch("bathroom_stay", change.at, change.at + bathroom_limit(home), None, change.room_id)
    elif not is_bathroom:
        yield from _left_bathroom()


def _near(room_id: uuid.UUID, at: datetime, home: Surroundings) -> Iterator[Act]:
    check_at = at + stove_limit(home, room_id)
    yield Near(room_id, check_at)
    for stove, where in home.unattended.items():
        if where == room_id:
            yield Settle("stove_unattended", stove)
            yield Watch("stove_unattended", at, check_at, stove, room_id)


def _left_bathroom() -> Iterator[Act]:
    yield Unwatch("bathroom_stay")
    yield Settle("bathroom_stay")


_RULES: Final[Mapping[str, Callable[[Change, Surroundings], Iterator[Act]]]] = {
    "smoke": _hazard,
    "gas": _hazard,
    "carbon_monoxide": _hazard,
    "water": _hazard,
    "fall": _fall,
    "sos_button": _sos,
    "bed": _bed,
    "door": _door,
    "stove": _stove,
    "temperature": _temperature,
}
