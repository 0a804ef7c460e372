"""An RRULE as callers may give it: one that is understood, and that names a day anybody will live to see."""

from datetime import date, timedelta
from typing import Final

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from app.core.day_rules import day_rule

WITHIN: Final = timedelta(days=4 * 366)
"""From one 29 February to the next but for the turn of a century."""


def check_rule(rrule: str | None, starts_on: date, ends_on: date | None = None) -> None:
    """Raise what a model's validator lets through as an error of its field ``rrule``, if a rule is none."""
    if rrule is None:
        return
    last = min(ends_on or date.max, starts_on + WITHIN)
    try:
        if next(day_rule(rrule, starts_on).days(starts_on, last), None) is not None:
            return
        found = ValueError("the rrule names no day within four years")
    except ValueError as error:
        found = error
    wrong = InitErrorDetails(type="value_error", loc=("rrule",), input=rrule, ctx={"error": found})
    raise ValidationError.from_exception_data("rrule", [wrong])
