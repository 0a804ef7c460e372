"""How a home is watched: which rules are on, from when on they speak, when its night is, when nobody is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

HAZARDS: Final = ("smoke", "gas", "carbon_monoxide")
ALWAYS_ON: Final = (*HAZARDS, "fall", "sos")
"""What nobody may switch off: a sensor that is wrong is given another role, or none."""

OPTIONAL: Final = (
    "water",
    "bed_exit",
    "door_open_at_night",
    "no_motion",
    "bathroom_stay",
    "stove_unattended",
    "cold",
    "heat",
    "sos_button_silent",
)
MORNING: Final = time(4)
"""When a day begins, as a home sees it: who is up at three is not up early."""

SEVERE_HEAT: Final = 35.0
SEVERE_COLD: Final = 12.0
"""Degrees Celsius. At 12 °C indoors blood pressure rises, at 16 °C airways suffer: K. J. Collins, Low indoor
temperatures and morbidity in the elderly, Age and Ageing 15 (1986), 212-220. 18 °C is the least a home should have:
WHO Housing and health guidelines (2018), chapter 4."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The rules of one home; minutes and degrees Celsius."""

    off: frozenset[str] = frozenset()
    night_from: time = time(22)
    night_until: time = time(6)
    bed_exit_minutes: int = 20
    door_minutes: int = 10
    bathroom_minutes: int = 45
    stove_minutes: int = 15
    heat_from: float = 30.0
    cold_until: float = 16.0
    sustained_minutes: int = 60
    no_motion_by: time | None = None
    away: tuple[tuple[datetime, datetime], ...] = field(default=())

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Return the settings a row holds; what it does not name is as usual."""
        if not stored:
            return cls()
        given = {name: stored[name] for name in cls.__slots__ if stored.get(name) is not None}
        for name in ("night_from", "night_until", "no_motion_by"):
            if name in given:
                given[name] = time.fromisoformat(given[name])
        given["off"] = frozenset(given.get("off", ()))
        given["away"] = tuple(_period(one) for one in given.get("away", ()))
        return cls(**given)

    def watches(self, kind: str) -> bool:
        """Say whether the rule is on."""
        return kind in ALWAYS_ON or kind not in self.off

    def is_away(self, at: datetime) -> bool:
        """Say whether nobody was to be at home at an instant."""
        return any(since <= at < until for since, until in self.away)

    def is_away_between(self, since: datetime, until: datetime) -> bool:
        """Say whether nobody was to be at home for a part of a time."""
        return any(first < until and since < last for first, last in self.away)

    def is_night(self, at: datetime, zone: ZoneInfo) -> bool:
        """Say whether it is night in the home, by the clock on its wall."""
        wall = at.astimezone(zone).time()
        if self.night_from <= self.night_until:
            return self.night_from <= wall < self.night_until
        return wall >= self.night_from or wall < self.night_until

    def night_at_or_after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the first instant of night from ``at`` on: itself, if it is night then."""
        if self.is_night(at, zone):
            return at
        local = at.astimezone(zone)
        begins = datetime.combine(local.date(), self.night_from, zone)
        return (begins if begins > local else _wall(begins, timedelta(days=1))).astimezone(at.tzinfo)


def _period(one: Sequence[str]) -> tuple[datetime, datetime]:
    since, until = one
    return datetime.fromisoformat(since), datetime.fromisoformat(until)


def _wall(local: datetime, later: timedelta) -> datetime:
    return local + later  # by the clock on the wall: days of 23 and 25 hours are a day


def morning_before(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the day of an instant began in the home, in UTC's or whichever zone ``at`` is in."""
    local = at.astimezone(zone)
    begun = datetime.combine(local.date(), MORNING, zone)
    if begun.timestamp() > at.timestamp():
        begun = _wall(begun, timedelta(days=-1))
    return begun.astimezone(at.tzinfo)
