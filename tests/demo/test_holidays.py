"""The demo community's calendar."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from app.demo import holidays


def test_the_holidays_of_a_year_are_those_the_law_names() -> None:
    moving = {name: day for day, name in holidays.of_year(2026)}
    assert moving["Birthday of Martin Luther King, Jr."] == date(2026, 1, 19)
    assert moving["Memorial Day"] == date(2026, 5, 25)
    assert moving["Labor Day"] == date(2026, 9, 7)
    assert moving["Thanksgiving Day"] == date(2026, 11, 26)


@given(st.integers(2000, 2200))
def test_each_holiday_is_another_day_of_its_year(year: int) -> None:
    days = [day for day, _ in holidays.of_year(year)]
    assert len(set(days)) == len(days) == 11
    assert {day.year for day in days} == {year}
