"""Times, days, numbers and money as a reader writes them: Babel's words, the reader's zone, our clock."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any, Final, Protocol

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta, get_day_names
from babel.numbers import format_currency, format_decimal, get_currency_precision
from jinja2 import pass_context
from jinja2.runtime import Context
from pydantic import TypeAdapter

from app.core import clock
from app.core.instants import LAST_YEAR
from app.portal.ground.wording import relation

Moment = datetime | str
_NEAR: Final = timedelta(days=6)
_FIRST_YEAR: Final = 2000
_LENGTH: Final = TypeAdapter(timedelta)


class Reader(Protocol):
    """For whom something is written."""

    @property
    def language(self) -> str:
        """One of ``LANGUAGES``."""
        ...

    @property
    def time_zone(self) -> tzinfo:
        """Whose clock is meant."""
        ...


@cache
def locale_of(language: str) -> Locale:
    """Return Babel's locale of one of our languages."""
    return Locale.parse(language, sep="-")


def instant(value: Moment) -> datetime:
    """Return an instant, given as one or as the API writes it."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def day_named(text: str) -> date | None:
    """Return the day that an address names; ``None`` for what is none, or is long before or after all of us."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST_YEAR <= found.year <= LAST_YEAR else None


def clock_time(reader: Reader, value: Moment) -> str:
    """Return the time of day: ``9:05 PM``, ``21:05``."""
    return format_time(instant(value), "short", tzinfo=reader.time_zone, locale=locale_of(reader.language))


def wall_time(reader: Reader, value: str) -> str:
    """Return a time of a wall clock, as the API writes it, as the reader writes times."""
    return format_time(time.fromisoformat(value), "short", locale=locale_of(reader.language))


def exact_time(reader: Reader, value: Moment) -> str:
    """Return the time of day with its seconds: ``9:05:10 PM``, ``21:05:10``."""
    return format_time(instant(value), "medium", tzinfo=reader.time_zone, locale=locale_of(reader.language))


def day(reader: Reader, value: date | Moment) -> str:
    """Return a day: ``Mon, Nov 28``, with its year if that is another. A date is a day anywhere; an instant, ours."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == 10 else instant(value)
    if isinstance(value, datetime):
        value = value.astimezone(reader.time_zone).date()
    today = clock.now().astimezone(reader.time_zone).date()
    skeleton = "MMMEd" if value.year == today.year else "yMMMEd"
    return format_skeleton(skeleton, value, locale=locale_of(reader.language))


def long_day(reader: Reader, value: date | str) -> str:
    """Return a day in full: ``Saturday, November 28, 2026``."""
    value = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(value, "full", locale=locale_of(reader.language))


def weekday(reader: Reader, number: int) -> str:
    """Return the name of a weekday; 0 is Monday."""
    return str(get_day_names("wide", "stand-alone", locale_of(reader.language))[number])


def moment(reader: Reader, value: Moment) -> str:
    """Return a day and a time of day; today the time alone."""
    at = instant(value).astimezone(reader.time_zone)
    if at.date() == clock.now().astimezone(reader.time_zone).date():
        return clock_time(reader, at)
    return f"{day(reader, at)}, {clock_time(reader, at)}"


def full_moment(reader: Reader, value: Moment) -> str:
    """Return an instant in full with its zone, for whoever rests on it."""
    return format_datetime(instant(value), "long", tzinfo=reader.time_zone, locale=locale_of(reader.language))


def ago(reader: Reader, value: Moment) -> str:
    """Return how long since, or until: ``4 minutes ago``, ``in 2 hours``; further away, the moment."""
    difference = instant(value) - clock.now()
    if abs(difference) > _NEAR:
        return moment(reader, value)
    return format_timedelta(difference, add_direction=True, threshold=1.2, locale=locale_of(reader.language))


def seconds_since(_: Reader, value: Moment) -> str:
    """Return how many seconds ago it was; of what is to come, less than none."""
    return str(round((clock.now() - instant(value)).total_seconds()))


def duration(reader: Reader, seconds: float | timedelta) -> str:
    """Return a length of time: ``4 minutes``."""
    length = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
    return format_timedelta(length, threshold=1.2, locale=locale_of(reader.language))


def length(text: str) -> timedelta:
    """Return a length of time as the API writes it (ISO 8601); raises ``ValueError`` for what is none."""
    return _LENGTH.validate_python(text)


def money(language: str, amount: int, currency: str) -> str:
    """Return an amount of minor units: ``CN¥120.00``."""
    value = Decimal(amount).scaleb(-get_currency_precision(currency))
    return format_currency(value, currency, locale=locale_of(language))


def number(reader: Reader, value: float) -> str:
    """Return a number."""
    return format_decimal(value, locale=locale_of(reader.language))


def tongue(reader: Reader, code: str) -> str:
    """Return what a language (BCP 47) is called; one that nobody has a name for is its code."""
    try:
        # People speak a language, not the country that a device says beside it.
        return Locale.parse(code, sep="-").get_language_name(locale_of(reader.language)) or code
    except (ValueError, UnknownLocaleError):
        return code


def _filter(write: Callable[[Any, Any], str]) -> Callable[[Context, Any], str]:
    @pass_context
    def written(context: Context, value: Any) -> str:
        return "" if value is None else write(context["visit"], value)

    return written


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "clock": _filter(clock_time),
    "wall": _filter(wall_time),
    "day": _filter(day),
    "long_day": _filter(long_day),
    "moment": _filter(moment),
    "full_moment": _filter(full_moment),
    "ago": _filter(ago),
    "seconds_since": _filter(seconds_since),
    "duration": _filter(duration),
    "number": _filter(number),
    "tongue": _filter(tongue),
    "relation": _filter(lambda reader, written: relation(reader.language, written)),
}
"""Filters of templates; each knows the reader by the template's ``visit``. Nothing (``None``) is written as nothing."""
