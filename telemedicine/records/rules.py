"""Pure decisions about health records: when something can have been, and how much of it there can be."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from app.core.instants import FIRST_YEAR, LAST_YEAR
from app.core.lawfulness import years
from app.core.wall_time import zone

Source = Literal["clinic", "resident", "device", "import"]
Kind = Literal["condition", "allergy", "immunization", "observation", "document", "encounter", "care_plan", "coverage"]
When = str | date | datetime
"""A day as FHIR's ``date`` writes it (``1998``, ``1998-05``, ``1998-05-31``), a day, or an instant."""

ENTERED_IN_ERROR: Final = "entered-in-error"
CLINICAL_ONLY: Final = frozenset({"encounter", "care_plan"})
"""Kinds that only a clinic writes: a resident can neither have held a visit nor plan their treatment."""
UNPROVEN: Final = "unconfirmed"
"""The one verification status (FHIR: ConditionVerificationStatus) that what residents say of themselves can have."""

TREATED_WITHIN: Final = years(1)
"""For how long after somebody was last seen a clinic counts as treating them."""
TOLERANCE: Final = timedelta(minutes=5)
"""By how much a clock may be fast."""
MOST_VERSIONS: Final = 100
MOST_OWN: Final = 1000
"""How many records residents (and who speaks for them) can enter of themselves."""

_PARTIAL: Final = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)


def span(text: str) -> tuple[date, date]:
    """Return the first and the last day that a date with or without month and day can mean (FHIR R4, ``date``).

    Raises ``ValueError`` for what is no such date, or lies outside of the centuries we know.
    """
    found = _PARTIAL.fullmatch(text)
    if found is None:
        raise ValueError("a year, a month (1998-05) or a day (1998-05-31)")
    year, month, day = (int(part) if part else None for part in found.groups())
    if year is None or not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"lies outside of {FIRST_YEAR} to {LAST_YEAR}")
    if month is None:
        return date(year, 1, 1), date(year, 12, 31)
    if day is None:
        return date(year, month, 1), date(year, month, monthrange(year, month)[1])
    return date(year, month, day), date(year, month, day)


def days(when: When, time_zone: str) -> tuple[date, date]:
    """Return the first and last day that ``when`` can mean, in a zone."""
    if isinstance(when, str):
        return span(when)
    if isinstance(when, datetime):
        when = when.astimezone(zone(time_zone)).date()
    return when, when


def begin(when: When) -> datetime:
    """Return the first instant of ``when``; of a day, in UTC: it says nothing of a place."""
    if isinstance(when, datetime):
        return when
    day = span(when)[0] if isinstance(when, str) else when
    return datetime.combine(day, time(), tzinfo=UTC)


def fault(when: When, *, born: date | None, now: datetime, time_zone: str) -> tuple[str, str] | None:
    """Return why something that has happened cannot have been then, as a code and a sentence; ``None`` if it can."""
    first, last = days(when, time_zone)
    today = now.astimezone(zone(time_zone)).date()
    if when > now + TOLERANCE if isinstance(when, datetime) else first > today:
        return "in_future", "lies in the future"
    if born is not None and last < born:
        return "before_birth", "lies before the resident was born"
    return None


def precedes(earlier: When, later: When, time_zone: str) -> bool:
    """Say whether ``earlier`` can lie before ``later``, or be the same."""
    if isinstance(earlier, datetime) and isinstance(later, datetime):
        return earlier <= later
    return days(earlier, time_zone)[0] <= days(later, time_zone)[1]
