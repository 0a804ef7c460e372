"""When the sun rises and sets at a place, and how high it stands; on days near the poles it does neither."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from astral import Observer
from astral.sun import elevation, sunrise, sunset

from app.core.wall_time import zone

_DAYS_AHEAD: Final = 200  # longer than any night or day at a pole


@dataclass(frozen=True, slots=True)
class Place:
    """By which clocks a home lives, and where on earth it is in degrees (WGS 84), if that is known."""

    time_zone: str
    latitude: float | None = None
    longitude: float | None = None

    @property
    def is_on_map(self) -> bool:
        """Say whether it is known where the sun stands here."""
        return self.latitude is not None and self.longitude is not None


@lru_cache(maxsize=16_384)
def _event(kind: Literal["sunrise", "sunset"], day: date, latitude: float, longitude: float) -> datetime | None:
    observer = Observer(latitude, longitude)
    try:
        found = (sunrise if kind == "sunrise" else sunset)(observer, day, tzinfo=UTC)
    except ValueError:  # astral's word for a sun that stays above or below the horizon
        return None
    # To the second: a deadline is a column, and what is stored must be what was reckoned.
    return found.replace(microsecond=0)


def next_event(kind: Literal["sunrise", "sunset"], place: Place, after: datetime, offset: timedelta) -> datetime | None:
    """Return the next instant (UTC) later than ``after`` that lies ``offset`` from a rise or set of the sun."""
    if place.latitude is None or place.longitude is None:
        return None
    # astral says of a day in UTC; the sun of a local day may belong to the day before or after it.
    first = (after - offset).date() - timedelta(days=1)
    for days in range(_DAYS_AHEAD):
        at = _event(kind, first + timedelta(days=days), place.latitude, place.longitude)
        if at is not None and at + offset > after:
            return at + offset
    return None


def height(place: Place, at: datetime) -> float | None:
    """Return the sun's elevation in degrees at an instant, or ``None`` where the place is not known."""
    if place.latitude is None or place.longitude is None:
        return None
    return round(elevation(Observer(place.latitude, place.longitude), at.astimezone(UTC), with_refraction=False), 3)


def local(place: Place, at: datetime) -> datetime:
    """Return an instant as the home's clocks show it."""
    return at.astimezone(zone(place.time_zone))
