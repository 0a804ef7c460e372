"""Whom an order suits, how long is waited for an answer, and when it is looked again."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.dispatch.api import Reason
from community.order_dispatch import rules
from community.order_dispatch.rules import Known, Obstacle, Why, Wish

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOBODY = Wish(None, ())
ahead = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=180))


def known(number: int, **values: Any) -> Known:
    given_: dict[str, Any] = {"languages": (), "visits": 0, "work": timedelta(), "way": timedelta()}
    return Known(uuid.UUID(int=number), f"Worker {number}", **given_ | values)


def ranked(*people: Known, wish: Wish = NOBODY) -> list[int]:
    return [one.account_id.int for one in rules.rank(people, wish)]


def test_who_knows_the_home_then_who_speaks_the_language_then_who_is_near() -> None:
    near, speaks, knows = known(1), known(2, languages=("zh-CN",)), known(3, visits=3, way=timedelta(minutes=10))
    assert ranked(near, speaks, knows, wish=Wish(None, ("zh",))) == [3, 2, 1]


def test_the_one_who_was_wished_comes_before_all_but_for_an_obstacle() -> None:
    wished, other = known(1, way=timedelta(hours=1)), known(2, visits=9, languages=("en",))
    assert ranked(wished, other, wish=Wish(wished.account_id, ("en",))) == [1, 2]
    ill = known(1, obstacles=("hours",))
    assert ranked(ill, other, wish=Wish(ill.account_id, ())) == [2, 1]


def test_whoever_has_less_work_goes_if_the_way_is_much_the_same() -> None:
    assert ranked(known(1, work=timedelta(hours=40)), known(2, way=timedelta(minutes=5))) == [2, 1]


@given(st.permutations(range(1, 6)))
def test_the_same_people_have_the_same_order_however_they_come(numbers: list[int]) -> None:
    assert ranked(*(known(number, visits=number % 2) for number in numbers)) == [1, 3, 5, 2, 4]


@given(ahead, st.timedeltas(min_value=timedelta(minutes=2), max_value=timedelta(hours=2)))
def test_nobody_is_waited_for_longer_than_a_quarter_of_what_is_left(left: timedelta, within: timedelta) -> None:
    until = rules.answer_by(NOW, NOW + left, within)
    assert timedelta() < until - NOW <= max(within, rules.LEAST_ANSWER)
    assert until - NOW <= max(left / 4, rules.LEAST_ANSWER)


@given(ahead)
def test_it_is_looked_again_before_it_is_to_be_told_and_before_it_begins(left: timedelta) -> None:
    again = rules.look_again(NOW, NOW + left)
    assert NOW < again <= NOW + left
    assert not NOW < NOW + left - rules.NEAR < again


def test_why_nobody_is_found_is_what_is_nearest_to_going() -> None:
    cases: list[tuple[list[tuple[Obstacle, ...]], Reason, Why]] = [
        ([("skill",), ("sex",), ("area",)], "skill", "sex"),
        ([("hours", "sex"), ("area",)], "hours", "area"),
        ([("busy",)], "busy", "busy"),
    ]
    assert all(rules.why_nobody(found, planned) == why for found, planned, why in cases)


def test_what_is_said_is_there_in_both_languages() -> None:
    (one,) = rules.rank([known(1, visits=2, languages=("en",))], Wish(uuid.UUID(int=1), ("en",)))
    assert len(rules.speaks_for("en", one)) == len(rules.speaks_for("zh-CN", one)) == 5
    assert "2" in rules.speaks_for("zh-CN", one)[1]
