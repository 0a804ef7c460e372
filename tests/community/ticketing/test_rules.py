"""What tickets cost and what is given back, as rules."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.ticketing.rules import PriceRule, Terms, price_of

STARTS = datetime(2026, 3, 10, 1, tzinfo=UTC)
TERMS = Terms(refunds=((48, 100), (24, 80), (2, 30)))
SATURDAY = date(2026, 3, 7)


@pytest.mark.parametrize(
    ("notice", "percent"),
    [
        (timedelta(hours=72), 100),
        (timedelta(hours=48), 100),
        (timedelta(hours=48, microseconds=-1), 80),
        (timedelta(hours=2), 30),
        (timedelta(hours=1), 0),
        (timedelta(), 0),
        (timedelta(hours=-1), 0),
    ],
)
def test_the_longest_notice_that_was_kept_says_what_is_given_back(notice: timedelta, percent: int) -> None:
    assert TERMS.refund_percent(STARTS, STARTS - notice) == percent


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=9)), st.timedeltas(min_value=timedelta()))
def test_whoever_cancels_earlier_never_gets_less(notice: timedelta, more: timedelta) -> None:
    terms = Terms(refunds=((48, 100), (24, 80), (0, 10)))
    earlier = STARTS - notice - min(more, timedelta(days=9))
    assert terms.refund_percent(STARTS, earlier) >= terms.refund_percent(STARTS, STARTS - notice)


def test_until_when_a_ticket_may_be_exchanged() -> None:
    assert Terms().lets_change(STARTS, STARTS - timedelta(hours=1))
    assert not Terms().lets_change(STARTS, STARTS - timedelta(minutes=59))
    assert not Terms(may_change=False).lets_change(STARTS, STARTS - timedelta(days=9))


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        (PriceRule("all", 1), True),
        (PriceRule("weekend", 1, frozenset({6, 7})), True),
        (PriceRule("monday", 1, frozenset({1})), False),
        (PriceRule("winter", 1, ends_on=date(2026, 3, 6)), False),
        (PriceRule("spring", 1, starts_on=SATURDAY, ends_on=SATURDAY), True),
        (PriceRule("morning", 1, ends=time(10)), False),
        (PriceRule("late", 1, begins=time(10)), True),
        (PriceRule("festival", 1, holidays="only"), False),
    ],
)
def test_a_rule_says_of_which_day_season_and_hour_it_is(rule: PriceRule, holds: bool) -> None:
    assert rule.holds(SATURDAY, time(10), {}) is holds


def test_a_saturday_that_makes_up_for_a_festival_is_a_workday() -> None:
    workdays = PriceRule("workdays", 1, frozenset({1, 2, 3, 4, 5}), holidays="skip")
    assert workdays.holds(SATURDAY, time(10), {SATURDAY: True})
    assert not workdays.holds(SATURDAY, time(10), {})
    assert not PriceRule("all", 1, holidays="skip").holds(SATURDAY, time(10), {SATURDAY: False})


def test_the_first_rule_that_holds_sets_the_price() -> None:
    rules = [PriceRule("monday", 1, frozenset({1})), PriceRule("a", 2), PriceRule("b", 3)]
    assert price_of(9, rules, SATURDAY, time(10), {}) == (2, "a")
    assert price_of(9, rules[:1], SATURDAY, time(10), {}) == (9, None)
