"""Prices are the sum of their lines, and each line is what the tariff says, whatever is wanted."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dispatch.api import Place
from community.housekeeping.rules import Area, Line, NotSoldSoError, Option, Tariff, Wish, day_kind, hundredths, price

HOME = Place(31.23, 121.47)
NEAR = Area("near", HOME, 5_000, 0)
FAR = Area("far", HOME, 30_000, 2_000)
WINDOWS = Option("windows", 3_000, timedelta(minutes=30), most=10)
CLEANING = Tariff(
    unit="hour",
    amount=6_000,
    shortest=timedelta(hours=2),
    longest=timedelta(hours=6),
    step=timedelta(minutes=30),
    minimum=0,
    weekend=20,
    holiday=100,
    areas=(NEAR, FAR),
    options=(WINDOWS,),
)
PLAIN = Wish(None, {}, "workday", HOME)


def test_work_by_the_hour_is_paid_by_what_it_takes() -> None:
    found = price(CLEANING, replace(PLAIN, duration=timedelta(hours=2, minutes=30)))

    assert found.lines == (Line("work", 15_000),)
    assert found.duration == timedelta(hours=2, minutes=30)


def test_without_a_duration_it_is_the_shortest() -> None:
    assert price(CLEANING, PLAIN).total == 12_000


def test_a_visit_has_one_price_and_one_duration() -> None:
    haircut = replace(CLEANING, unit="visit", shortest=timedelta(minutes=40), longest=timedelta(minutes=40))

    assert price(haircut, PLAIN).total == 6_000
    assert price(haircut, replace(PLAIN, duration=timedelta(minutes=40))).total == 6_000
    with pytest.raises(NotSoldSoError, match="duration"):
        price(haircut, replace(PLAIN, duration=timedelta(hours=1)))


def test_options_cost_each_and_take_longer() -> None:
    found = price(CLEANING, replace(PLAIN, options={"windows": 4}))

    assert found.lines[1] == Line("option", 12_000, "windows", 4)
    assert found.duration == timedelta(hours=4)


@pytest.mark.parametrize(
    ("day", "line"),
    [("weekend", Line("weekend", 3_000)), ("holiday", Line("holiday", 15_000)), ("workday", None)],
)
def test_surcharges_are_of_the_work_and_its_options(day: str, line: Line | None) -> None:
    found = price(CLEANING, replace(PLAIN, day=day, options={"windows": 1}))  # type: ignore[arg-type]

    assert found.lines[2:] == ((line,) if line else ())


def test_the_minimum_is_before_the_way() -> None:
    farther = Place(31.40, 121.47)
    found = price(replace(CLEANING, minimum=20_000), replace(PLAIN, place=farther))

    assert found.lines == (Line("work", 12_000), Line("minimum", 8_000), Line("area", 2_000, "far"))
    assert found.total == 22_000


def test_of_two_areas_the_cheaper_counts() -> None:
    assert price(CLEANING, PLAIN).total == 12_000
    assert price(replace(CLEANING, areas=(FAR, NEAR)), PLAIN).total == 12_000


@pytest.mark.parametrize(
    ("wish", "odds", "code"),
    [
        (replace(PLAIN, place=Place(39.9, 116.4)), "area", None),
        (replace(PLAIN, duration=timedelta(hours=1)), "duration", None),
        (replace(PLAIN, duration=timedelta(hours=7)), "duration", None),
        (replace(PLAIN, duration=timedelta(hours=2, minutes=15)), "duration", None),
        (replace(PLAIN, options={"oven": 1}), "option", "oven"),
        (replace(PLAIN, options={"windows": 11}), "quantity", "windows"),
    ],
)
def test_what_is_not_offered_has_no_price(wish: Wish, odds: str, code: str | None) -> None:
    with pytest.raises(NotSoldSoError) as refusal:
        price(CLEANING, wish)

    assert (refusal.value.odds, refusal.value.code) == (odds, code)


def test_a_make_up_workday_on_a_weekend_is_a_workday() -> None:
    saturday, monday = date(2026, 3, 7), date(2026, 3, 9)

    assert day_kind(saturday, {}) == "weekend"
    assert day_kind(saturday, {saturday: True}) == "workday"
    assert day_kind(monday, {monday: False}) == "holiday"
    assert day_kind(monday, {}) == "workday"


@given(st.integers(0, 10**8), st.integers(0, 300))
def test_hundredths_are_rounded_half_up(amount: int, share: int) -> None:
    assert abs(hundredths(amount, share) * 100 - amount * share) <= 50
    assert hundredths(amount, share) >= amount * share / 100 - 0.5


@given(
    st.builds(
        replace,
        st.just(CLEANING),
        amount=st.integers(0, 10**6),
        minimum=st.integers(0, 10**6),
        weekend=st.integers(0, 300),
        holiday=st.integers(0, 300),
    ),
    st.integers(0, 8),
    st.integers(0, 10),
    st.sampled_from(["workday", "weekend", "holiday"]),
)
def test_no_wish_costs_less_than_a_smaller_one(tariff: Tariff, steps: int, windows: int, day: str) -> None:
    def of(steps: int, windows: int) -> int:
        options = {"windows": windows} if windows else {}
        wish = Wish(tariff.shortest + steps * tariff.step, options, day, HOME)  # type: ignore[arg-type]
        found = price(tariff, wish)
        assert found.total == sum(line.amount for line in found.lines) >= tariff.minimum
        assert all(line.amount >= 0 for line in found.lines)
        return found.total

    assert of(steps, windows) >= of(max(0, steps - 1), windows)
    assert of(steps, windows) >= of(steps, max(0, windows - 1))
