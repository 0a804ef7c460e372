"""What texts can do with values: instants in the reader's zone, dates, numbers and plurals in the reader's language."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_decimal
from jinja2 import pass_context
from jinja2.runtime import Context

from notifications.templates.categories import name_of

LOCALE = "_locale"
TIME_ZONE = "_time_zone"


@cache
def locale_of(language: str) -> Locale:
    """Return Babel's locale of one of our languages."""
    return Locale.parse(language, sep="-")


def _locale(context: Context) -> Locale:
    return cast(Locale, context[LOCALE])


def _zone(context: Context) -> ZoneInfo:
    return cast(ZoneInfo, context[TIME_ZONE])


@pass_context
def time_of_day(context: Context, instant: datetime) -> str:
    """Return the wall time of an instant where the reader is: ``8:00 AM``."""
    return format_time(instant, "short", tzinfo=_zone(context), locale=_locale(context))


@pass_context
def day(context: Context, value: datetime | date) -> str:
    """Return a day, of an instant the day it is where the reader is: ``Mon, Mar 2``."""
    local = value.astimezone(_zone(context)).date() if isinstance(value, datetime) else value
    return format_skeleton("MMMEd", local, locale=_locale(context))


@pass_context
def moment(context: Context, instant: datetime) -> str:
    """Return day and wall time of an instant where the reader is."""
    return format_datetime(instant, "medium", tzinfo=_zone(context), locale=_locale(context))


@pass_context
def number(context: Context, value: int) -> str:
    """Return a number as it is written in the reader's language."""
    return format_decimal(value, locale=_locale(context))


@pass_context
def plural(context: Context, count: int, **forms: str) -> str:
    """Return the form that goes with ``count`` in the reader's language: ``n | plural(one="day", other="days")``."""
    return forms.get(_locale(context).plural_form(count), forms["other"])


@pass_context
def by_category(context: Context, contents: str) -> str:
    """Return in words how many of which categories, ``care_circle=2 access=1``: ``Care circle × 2 and …``."""
    locale = _locale(context)
    language = f"{locale.language}-{locale.territory}" if locale.territory else locale.language
    counts = (part.partition("=") for part in contents.split())
    named = [f"{name_of(key, language)} × {format_decimal(int(count), locale=locale)}" for key, _, count in counts]
    return format_list(named, locale=locale)


FILTERS: Mapping[str, Callable[..., str]] = {
    "time": time_of_day,
    "date": day,
    "moment": moment,
    "number": number,
    "plural": plural,
    "by_category": by_category,
}
