"""Help that comes again and again, as one says it: every Tuesday at nine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from babel.dates import format_time

from app.portal.ground.moments import Reader, locale_of, weekday

Json = Mapping[str, Any]
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_AHEAD: Final = 6
"""As many days as one looks ahead; the API says eight weeks of them."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A series: what it says of when, and the next times it comes."""

    series: Json
    rhythm: str
    next: list[Json]

    @property
    def trouble(self) -> str | None:
        """Why something of it is not ordered, as a code."""
        known: str | None = self.series["trouble"]
        return known


def said(series: Json, words: Mapping[str, str], reader: Reader) -> Repeat:
    """Return a series as it is told."""
    ahead = [one for one in series["occurrences"] if one["state"] != "cancelled"]
    return Repeat(series, rhythm(series, words, reader), ahead[:_AHEAD])


def rhythm(series: Json, words: Mapping[str, str], reader: Reader) -> str:
    """Return when a series comes in words; a rule that is said in no few words comes again and again."""
    parts = dict(part.partition("=")[::2] for part in series["rrule"].removeprefix("RRULE:").split(";"))
    begins = format_time(time.fromisoformat(series["begins"]), "short", locale=locale_of(reader.language))
    every = parts.get("INTERVAL", "1")
    key = {"DAILY": "daily", "WEEKLY": "weekly", "MONTHLY": "monthly"}.get(parts.get("FREQ", ""), "other")
    if key == "other" or not set(parts) <= {"FREQ", "INTERVAL", "BYDAY", "WKST"}:
        return words["rhythm_other"].format(time=begins)
    if key != "weekly":
        plain = every == "1" and "BYDAY" not in parts
        return words[f"rhythm_{key}" if plain else "rhythm_other"].format(time=begins)
    first = _WEEKDAYS[date.fromisoformat(series["starts_on"]).weekday()]
    days = [one for one in parts.get("BYDAY", first).split(",") if one in _WEEKDAYS]
    named = words["joined_by"].join(weekday(reader, _WEEKDAYS.index(one)) for one in days)
    sentence = words["rhythm_weekly" if every == "1" else "rhythm_weeks"]
    return sentence.format(days=named, time=begins, count=every)
