"""What a calendar must be like."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol, TypeVar


class Day(Protocol):
    """Anything that stands for a day of the calendar."""

    day: date


AnyDay = TypeVar("AnyDay", bound=Day)


def check_days_differ(days: Sequence[AnyDay]) -> Sequence[AnyDay]:
    """Return ``days``; raises ``ValueError`` if one day is named twice."""
    if len({given.day for given in days}) < len(days):
        raise ValueError("a day is named twice")
    return days
