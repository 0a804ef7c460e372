"""The demo community's calendar: the federal holidays of the United States (5 U.S.C. § 6103)."""

from collections.abc import Iterator
from datetime import date, timedelta

from app.core import clock
from app.demo.client import Phones
from app.demo.community import Village


def of_year(year: int) -> Iterator[tuple[date, str]]:
    """Return the holidays of a year with their names; one that falls on a weekend is not moved."""
    yield date(year, 1, 1), "New Year's Day"
    yield _nth(year, 1, 0, 3), "Birthday of Martin Luther King, Jr."
    yield _nth(year, 2, 0, 3), "Washington's Birthday"
    yield _nth(year, 6, 0, 1) - timedelta(days=7), "Memorial Day"
    yield date(year, 6, 19), "Juneteenth National Independence Day"
    yield date(year, 7, 4), "Independence Day"
    yield _nth(year, 9, 0, 1), "Labor Day"
    yield _nth(year, 10, 0, 2), "Columbus Day"
    yield date(year, 11, 11), "Veterans Day"
    yield _nth(year, 11, 3, 4), "Thanksgiving Day"
    yield date(year, 12, 25), "Christmas Day"


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


async def arrange_holidays(phones: Phones, village: Village) -> None:
    """Set the calendars of this year and the next, unless they are."""
    this_year = clock.now().year
    for year in (this_year, this_year + 1):
        path = f"/v1/holidays?from={year}-01-01&to={year}-12-31"
        if not (await phones.ask(village.operator, "GET", path))["items"]:
            days = [{"day": day.isoformat(), "name": name} for day, name in of_year(year)]
            await phones.ask(village.operator, "PUT", f"/v1/holidays/{year}", {"days": days})
