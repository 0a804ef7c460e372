"""What may become of an appointment, what it costs, and when somebody is reminded: pure decisions."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.wall_time import resolve, zone
from telemedicine.appointments import rules
from telemedicine.appointments.rules import Wish

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_every_status_of_the_standard_is_in_the_table_and_no_other() -> None:
    statuses = set(get_args(rules.Status))
    assert set(rules.TRANSITIONS) == statuses
    assert set().union(*rules.TRANSITIONS.values()) <= statuses


def test_what_was_entered_in_error_stays_so_and_everything_else_can_turn_out_to_be() -> None:
    assert not rules.TRANSITIONS["entered-in-error"]
    assert all(rules.may_become(one, "entered-in-error") for one in rules.TRANSITIONS if one != "entered-in-error")


def test_nobody_who_was_seen_or_called_off_is_booked_again() -> None:
    reached, waiting = set(), ["cancelled", "fulfilled"]
    while waiting:
        one = waiting.pop()
        reached.add(one)
        waiting += [other for other in rules.TRANSITIONS[one] if other not in reached]
    assert not reached & {"booked", "arrived", "checked-in", "pending"}


@pytest.mark.parametrize(
    ("by", "before", "owed"),
    [("patient", DAY, 0), ("patient", DAY - timedelta(seconds=1), 2000), ("clinic", timedelta(), 0)],
)
def test_calling_off_costs_whoever_does_it_too_late(by: rules.By, before: timedelta, owed: int) -> None:
    assert rules.fee_for(by, NOON, NOON - before, DAY, 2000) == owed


def test_reminders_come_one_after_the_other_and_only_a_call_is_joined() -> None:
    after, steps = NOON - timedelta(days=30), []
    while found := rules.next_reminder(NOON, "video", after):
        after, step = found
        assert rules.due_step(NOON, "video", after) == step
        steps.append(step)
    assert steps == ["week", "day", "hour", "now"]
    assert rules.next_reminder(NOON, "in_person", NOON - timedelta(hours=1)) is None
    assert rules.due_step(NOON, "video", NOON) is None


@given(first=st.dates(date(2026, 1, 1), date(2027, 12, 31)), weeks=st.integers(1, 8))
def test_a_series_is_at_the_same_time_of_the_wall(first: date, weeks: int) -> None:
    berlin = zone("Europe/Berlin")
    start = resolve(first, time(9), "Europe/Berlin")
    dates = [one.astimezone(berlin) for one in rules.series(start, "Europe/Berlin", weeks, 6)]
    assert {one.time() for one in dates} == {time(9)}
    assert {later.date() - sooner.date() for sooner, later in pairwise(dates)} == {timedelta(weeks=weeks)}


def test_a_series_over_the_night_that_lacks_an_hour_moves_by_it() -> None:
    start = resolve(date(2026, 3, 22), time(2, 30), "Europe/Berlin")
    dates = [one.astimezone(zone("Europe/Berlin")) for one in rules.series(start, "Europe/Berlin", 1, 3)]
    assert [one.time() for one in dates] == [time(2, 30), time(3, 30), time(2, 30)]


@pytest.mark.parametrize(
    ("now", "asked"),
    [("12:00", "12:00"), ("08:00", "08:00"), ("20:29", "20:29"), ("20:30", "32:00"), ("03:00", "08:00")],
)
def test_nobody_is_asked_while_they_sleep(now: str, asked: str) -> None:
    def instant(text: str) -> datetime:
        return datetime(2026, 3, 2, 16, tzinfo=UTC) + timedelta(hours=int(text[:2]), minutes=int(text[3:]))

    assert rules.ask_at(instant(now), "Asia/Shanghai") == instant(asked)


def test_a_wish_is_about_days_and_times_of_the_wall() -> None:
    wish = Wish(date(2026, 3, 3), date(2026, 3, 10), [2], time(9), time(11))
    on = resolve
    assert wish.allows(on(date(2026, 3, 3), time(9), "Asia/Shanghai"), "Asia/Shanghai")
    assert wish.allows(on(date(2026, 3, 10), time(11), "Asia/Shanghai"), "Asia/Shanghai")
    assert not wish.allows(on(date(2026, 3, 4), time(9), "Asia/Shanghai"), "Asia/Shanghai")
    assert not wish.allows(on(date(2026, 3, 17), time(9), "Asia/Shanghai"), "Asia/Shanghai")
    assert not wish.allows(on(date(2026, 3, 3), time(11, 1), "Asia/Shanghai"), "Asia/Shanghai")
    assert Wish(None, None, [], None, None).allows(NOON, "UTC")


@given(sizes=st.lists(st.integers(1, 5), max_size=3), seed=st.integers(0, 2**128 - 1))
def test_every_room_is_tried_whoever_begins_where(sizes: list[int], seed: int) -> None:
    free = {str(place): [uuid.UUID(int=n) for n in range(size)] for place, size in enumerate(sizes)}
    tried = list(rules.choices(free, seed))
    assert tried
    for kind, found in free.items():
        assert {choice[kind] for choice in tried} == set(range(len(found)))
