"""Openings are as their rules say in every zone and however they are asked for; words are found by their parts."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.recurrence import Recurrence
from app.core.wall_time import resolve
from community.attractions.rules import (
    Hours,
    Rule,
    clipped,
    counts_from,
    grams,
    indexed,
    next_opening,
    openings,
    tokens,
)

BERLIN = "Europe/Berlin"
ZONES = ("Asia/Shanghai", BERLIN, "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC")
EVER = date(2020, 1, 1)
FROM = datetime(2026, 3, 20, tzinfo=UTC)
DAY = timedelta(days=1)


def rule(weekdays: frozenset[int], starts: int, ends: int, **more: object) -> Rule:
    """Return hours of weekdays, in minutes."""
    hour, minute = divmod(starts, 60)
    return Rule(Recurrence((time(hour, minute),), weekdays, EVER, **more), ends)  # type: ignore[arg-type]


@st.composite
def schedules(draw: st.DrawFn) -> Hours:
    """Draw rules, days with other hours and closings around the days on which clocks change."""
    begin = st.integers(0, 1439)
    weekdays = st.frozensets(st.integers(1, 7), min_size=1)
    rules = []
    for _ in range(draw(st.integers(0, 3))):
        starts = draw(begin)
        rules.append(rule(draw(weekdays), starts, starts + draw(st.integers(1, min(1440, 1800 - starts)))))
    days = draw(st.lists(st.integers(0, 20), unique=True, max_size=4))
    other = {
        date(2026, 3, 20) + offset * DAY: draw(st.sampled_from([[], [(600, 700)], [(0, 1440)]])) for offset in days
    }
    closed = []
    for _ in range(draw(st.integers(0, 2))):
        since = FROM + timedelta(minutes=draw(st.integers(0, 20_000)))
        closed.append((since, since + timedelta(minutes=draw(st.integers(0, 3_000)))))
    return Hours(draw(st.sampled_from(ZONES)), rules, other, closed)


@given(hours=schedules(), cuts=st.lists(st.integers(0, 14 * 1440), min_size=2, max_size=2, unique=True))
def test_however_it_is_cut_it_is_the_same_time(hours: Hours, cuts: list[int]) -> None:
    first, second = sorted(FROM + timedelta(minutes=cut) for cut in cuts)
    whole = (FROM, FROM + 14 * DAY)

    found = clipped(openings(hours, {}, whole), whole)
    parts = [
        one
        for part in ((FROM, first), (first, second), (second, FROM + 14 * DAY))
        for one in clipped(openings(hours, {}, part), part)
    ]

    assert sum((until - since for since, until in found), timedelta()) == sum(
        (until - since for since, until in parts), timedelta()
    )
    assert all(earlier[1] < later[0] for earlier, later in pairwise(found))
    assert all(until > since for since, until in found)


@given(hours=schedules(), minute=st.integers(0, 14 * 1440))
def test_it_is_open_at_a_minute_exactly_if_some_hours_have_it(hours: Hours, minute: int) -> None:
    at = FROM + timedelta(minutes=minute)
    there = False
    for offset in range(-4, 18):
        day = date(2026, 3, 20) + offset * DAY
        kept = (hours.other_days or {}).get(day)
        if kept is None:
            kept = [
                (one.recurrence.times[0].hour * 60 + one.recurrence.times[0].minute, one.ends)
                for one in hours.rules
                if day.isoweekday() in one.recurrence.weekdays
            ]
        for starts, ends in kept:
            since, until = (
                resolve(day + minutes // 1440 * DAY, time(minutes % 1440 // 60, minutes % 60), hours.time_zone)
                for minutes in (starts, ends)
            )
            there = there or since <= at < until
    there = there and not any(since <= at < until for since, until in hours.closed)

    assert bool(openings(hours, {}, (at, at + timedelta(microseconds=1)))) == there


@given(hours=schedules(), minute=st.integers(0, 14 * 1440))
def test_the_next_opening_is_the_first_of_all(hours: Hours, minute: int) -> None:
    now = FROM + timedelta(minutes=minute)
    ahead = openings(hours, {}, (now, now + 30 * DAY))

    assert next_opening(hours, {}, now) == (ahead[0] if ahead else None)


def test_a_night_of_spring_is_shorter() -> None:
    night = Hours(BERLIN, [rule(frozenset({6}), 20 * 60, 28 * 60)])

    (found,) = openings(night, {}, (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC)))

    assert found == (datetime(2026, 3, 28, 19, tzinfo=UTC), datetime(2026, 3, 29, 2, tzinfo=UTC))


def test_a_make_up_workday_is_a_workday() -> None:
    workdays = Hours("Asia/Shanghai", [rule(frozenset({1, 2, 3, 4, 5}), 540, 1020, holidays="skip")])
    saturday = (datetime(2026, 3, 20, 16, tzinfo=UTC), datetime(2026, 3, 21, 16, tzinfo=UTC))

    assert openings(workdays, {}, saturday) == []
    assert len(openings(workdays, {date(2026, 3, 21): True}, saturday)) == 1


@pytest.mark.parametrize(
    ("opens_at", "since"), [(None, FROM + timedelta(hours=12)), (FROM + DAY, FROM + timedelta(hours=12))]
)
def test_who_leaves_last_is_of_the_day_that_is_over(opens_at: datetime | None, since: datetime) -> None:
    assert counts_from(FROM, opens_at) == since


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Café del Mar, Straße 5", ["cafe", "del", "mar", "strasse", "5"]),
        ("５Ａ景区（东园）", ["5a", "景区", "东园"]),
        ("snake_case & 100%", ["snake", "case", "100"]),
        ("!?", []),
    ],
)
def test_words_have_no_accents_cases_and_widths(text: str, words: list[str]) -> None:
    assert tokens(text) == words


@given(text=st.text(max_size=60), other=st.text(max_size=20))
def test_every_part_of_a_word_has_its_letters_in_the_index(text: str, other: str) -> None:
    _, whole, letters = indexed({"en": other}, [{"zh-CN": text}], [])

    assert all(set(grams([word[1:3]])) <= set(letters) for word in tokens(text))
    assert all(word in whole for word in tokens(text))
