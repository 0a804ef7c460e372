"""Instants and days as callers may give them: within the centuries in which every zone can tell the time."""

from datetime import UTC, date, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199


def _in_range(value: date) -> date:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"lies outside of {FIRST_YEAR} to {LAST_YEAR}")
    return value


def _to_utc(value: datetime) -> datetime:
    _in_range(value)
    return value.astimezone(UTC)


GivenInstant = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant with its offset; in UTC once it is validated."""

GivenDay = Annotated[date, AfterValidator(_in_range)]
"""A calendar day of any place."""
