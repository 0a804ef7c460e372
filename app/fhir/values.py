"""The values of search parameters, read: codes, times with their precision, references, and texts."""

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final

from app.fhir.elements import FIRST_YEAR, LAST_YEAR, base_url
from app.fhir.problems import bad_parameter
from app.fhir.registry import Parameter, Range, Token

_SEPARATED: Final = re.compile(r"(?<!\\),")
_ESCAPED: Final = re.compile(r"\\([\\,|$])")
_DATE: Final = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>\.\d{1,9})?)?(?P<offset>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_REFERENCE: Final = re.compile(r"(?:(?P<type>[A-Z][A-Za-z]{1,63})/)?(?P<id>[A-Za-z0-9.-]{1,64})")
_LONGEST: Final = 50
"""So many values one parameter can name."""


def listed(parameter: str, text: str) -> list[str]:
    """Return the values that are separated by commas; raises ``BadSearch`` for none, or too many."""
    values = [value for value in _SEPARATED.split(text) if value]
    if not values:
        raise bad_parameter(parameter, "a value is missing", "required")
    if len(values) > _LONGEST:
        raise bad_parameter(parameter, f"at most {_LONGEST} values", "not-supported")
    return values


def plain(text: str) -> str:
    """Return a value without the escapes of what separates values."""
    return _ESCAPED.sub(r"\1", text)


def tokens(parameter: str, text: str) -> frozenset[Token]:
    """Return the codes that are wanted: ``code``, ``system|code``, ``|code`` or ``system|``."""
    return frozenset(_token(value) for value in listed(parameter, text))


def _token(text: str) -> Token:
    system, separator, code = text.rpartition("|")
    return Token(plain(system) if separator else None, plain(code) or None)


def references(parameter: Parameter, text: str, kind: str | None) -> frozenset[tuple[str, str]]:
    """Return what is referred to, each as its kind and id; a bare id is of every kind the parameter can be to.

    What lies on another server is nothing of ours. Raises ``BadSearch``.
    """
    found: set[tuple[str, str]] = set()
    for value in listed(parameter.name, text):
        local = value.removeprefix(f"{base_url()}/")
        if local == value and "://" in value:
            continue
        matched = _REFERENCE.fullmatch(local)
        if matched is None:
            raise bad_parameter(parameter.name, "expected Type/id, or an id")
        kinds = [matched["type"] or kind] if matched["type"] or kind else parameter.targets
        if not set(kinds) <= set(parameter.targets):
            raise bad_parameter(parameter.name, f"a reference to {' or '.join(parameter.targets)}")
        found |= {(str(one), matched["id"]) for one in kinds}
    return frozenset(found)


def pattern(text: str, *, anywhere: bool) -> str:
    """Return the LIKE pattern of names that begin with a text, or have it ``anywhere``."""
    lowered = plain(text).lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{lowered}%" if anywhere else f"{lowered}%"


def needs_zone(text: str) -> bool:
    """Say whether a time is one of some wall."""
    matched = _DATE.fullmatch(text.replace(" ", "+"))
    return matched is not None and matched["offset"] is None


def date_range(parameter: str, text: str, zone: tzinfo) -> Range:
    """Return the time a value stands for with its precision and prefix; without an offset it is on ``zone``'s wall.

    Prefixes: eq (the default), ge, gt, sa, le, lt, eb. Raises ``BadSearch``.
    """
    # A plus sign that was sent as it is arrives as a space.
    matched = _DATE.fullmatch(text.replace(" ", "+"))
    if matched is None:
        raise bad_parameter(parameter, "expected a date or instant, such as ge2026-03-02")
    try:
        since, before = _span(matched, zone)
    except (ValueError, OverflowError):
        raise bad_parameter(parameter, "there is no such date") from None
    match matched["prefix"]:
        case None | "eq":
            return Range(since, before)
        case "ge":
            return Range(since, None)
        case "gt" | "sa":
            return Range(before, None)
        case "le":
            return Range(None, before)
        case "lt" | "eb":
            return Range(None, since)
    raise bad_parameter(parameter, "of prefixes, eq, ge, gt, sa, le, lt and eb are known", "not-supported")


def _span(matched: re.Match[str], zone: tzinfo) -> tuple[datetime, datetime]:
    numbers = {
        name: int(matched[name]) for name in ("year", "month", "day", "hour", "minute", "second") if matched[name]
    }
    if not FIRST_YEAR <= numbers["year"] <= LAST_YEAR:
        raise ValueError("not of our time")
    if matched["offset"]:
        zone = datetime.fromisoformat(f"2000-01-01T00:00{matched['offset']}").tzinfo or zone
    fraction = round(float(matched["fraction"] or 0) * 1_000_000)
    start = datetime(**{"month": 1, "day": 1, **numbers}, tzinfo=zone) + timedelta(microseconds=fraction)
    if "month" not in numbers:
        return start, start.replace(year=start.year + 1)
    if "day" not in numbers:
        return start, (start + timedelta(days=31)).replace(day=1)
    if "hour" not in numbers:
        return start, start + timedelta(days=1)
    if "second" not in numbers:
        return start, start + timedelta(minutes=1)
    if not matched["fraction"]:
        return start, start + timedelta(seconds=1)
    return start, start + timedelta(microseconds=1)


def meet(parameter: str, one: Range, other: Range) -> Range:
    """Return the time that is in both; raises ``BadSearch`` where there is none."""
    since = max(filter(None, (one.since, other.since)), default=None)
    before = min(filter(None, (one.before, other.before)), default=None)
    if since and before and since >= before:
        raise bad_parameter(parameter, "these times exclude each other")
    return Range(since, before)
