"""A regimen's days and times in FHIR's words (R4, Timing): http://hl7.org/fhir/R4/datatypes.html#timing."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any, Final

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RULE_DAYS: Final = {day[:2].upper(): day for day in _DAYS}
_PERIODS: Final = {"DAILY": "d", "WEEKLY": "wk"}
"""RFC 5545, 3.3.10, and http://unitsofmeasure.org as Timing.repeat.periodUnit has them."""
_MEALS: Final = {"breakfast": "M", "lunch": "D", "dinner": "V"}
"""The last letter of the codes of http://hl7.org/fhir/event-timing: CM, ACM and PCM around breakfast, and so on."""


def timing(version: Mapping[str, Any]) -> dict[str, Any]:
    """Return when something is taken; a rule over days that FHIR has no words for stands there as it is.

    Hours without it would say that it is taken every day.
    """
    days = _days(version)
    return {"code": {"text": version["rrule"]}} if days is None else {"repeat": _repeat(version, days)}


def _days(version: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return on which days, ``None`` where only the rule says so; without anything it is each day."""
    rule = version["rrule"]
    if rule is None:
        days = [_DAYS[day - 1] for day in version["weekdays"]]
        return {"dayOfWeek": days if len(days) < len(_DAYS) else []}
    parts = dict(part.partition("=")[::2] for part in rule.upper().split(";"))
    unit, per_day = _PERIODS.get(parts.pop("FREQ", "")), len(version["times"]) or len(version["meals"])
    period, by_day = int(parts.pop("INTERVAL", "1")), parts.pop("BYDAY", None)
    if parts or unit is None or (by_day and (unit != "wk" or not set(by_day.split(",")) <= set(_RULE_DAYS))):
        return None
    if unit == "d":
        return {"frequency": per_day, "period": period, "periodUnit": unit}
    named = [_RULE_DAYS[day] for day in by_day.split(",")] if by_day else [_DAYS[version["starts_on"].weekday()]]
    return {"frequency": per_day * len(named), "period": period, "periodUnit": unit, "dayOfWeek": named}


def _repeat(version: Mapping[str, Any], repeat: dict[str, Any]) -> dict[str, Any]:
    if version["timing"] == "times":
        return repeat | {"timeOfDay": [_time(wall) for wall in version["times"]]}
    if version["timing"] == "meals":
        minutes = round(version["meal_offset"] / timedelta(minutes=1))
        around = "C" if minutes == 0 else "AC" if minutes < 0 else "PC"
        return repeat | {
            "when": [f"{around}{_MEALS[meal]}" for meal in version["meals"]],
            "offset": abs(minutes) or None,  # tim-9: only beside what is before or after a meal
        }
    return repeat


def _time(wall: time) -> str:
    return f"{wall:%H:%M:%S}"
