"""One plan after another, over moves and changed times: no dose is lost, none comes twice or too close."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.recurrence import Occurrence
from eldercare.medication import rules
from eldercare.medication.rules import Plan, Schedule

EVERY_DAY = frozenset(range(1, 8))
ZONES = (
    "Europe/Berlin",
    "America/Los_Angeles",
    "Asia/Shanghai",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Asia/Kathmandu",
    "UTC",
)
BERLIN, SHANGHAI = "Europe/Berlin", "Asia/Shanghai"
MORNINGS = ["11 08:30", "12 08:30"]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
zones = st.sampled_from(ZONES)
instants = st.integers(0, 366 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(0, minutes * 60)
)
minutes_of_day = st.integers(0, 24 * 60 - 1)


def wall(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


def at_times(*times: str | time, zone: str = "UTC", starts_on: date = date(2020, 1, 1), **more: object) -> Plan:
    walls = tuple(one if isinstance(one, time) else time.fromisoformat(one) for one in times)
    schedule = {"weekdays": EVERY_DAY, "starts_on": starts_on, "times": walls, **more}
    return Plan(Schedule("times", **schedule), rules.DEFAULT_MEALS, zone)  # type: ignore[arg-type]  # as they come


def every(hours: int, minute: int, zone: str) -> Plan:
    """Return a plan that is evenly spaced over the day."""
    return at_times(*(wall(minute + 60 * hour) for hour in range(0, 24, hours)), zone=zone)


def spacing(*plans: Plan) -> timedelta:
    return min(plan.spacing(datetime(2026, 7, 1, tzinfo=UTC)) or DAY for plan in plans)


def followed(
    before: Plan, after: Plan, now: datetime, early: timedelta = timedelta()
) -> tuple[list[datetime], list[Occurrence]]:
    """Return what stands when ``before`` gives way (what was due, or recorded ``early``), and what is planned then."""
    old = before.doses(now - 20 * DAY, now + 2 * DAY)
    standing = [dose.due_at for dose in old if dose.due_at <= now + early]
    ahead = [dose for dose in old if dose.due_at > now + early]
    return standing, rules.change_over(after, standing, ahead, spacing(before, after), now).doses


def local(doses: Sequence[Occurrence], zone: str) -> list[str]:
    return [f"{dose.due_at.astimezone(ZoneInfo(zone)):%d %H:%M}" for dose in doses]


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(f"2026-06-{text}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@given(instants, zones, st.sampled_from([24, 12, 8, 6]), minutes_of_day, st.integers(0, 4))
def test_the_same_plan_goes_on_as_it_was(now: datetime, zone: str, hours: int, minute: int, early: int) -> None:
    plan = every(hours, minute, zone)
    standing, planned = followed(plan, plan, now, early * HOUR)
    _, horizon = rules.planning_range(None, now)
    assert planned == [dose for dose in plan.doses(now, horizon) if dose.due_at not in standing]


@given(
    instants,
    st.sampled_from([24, 12, 8, 6]),
    st.tuples(minutes_of_day, zones),
    st.tuples(minutes_of_day, zones),
    st.integers(0, 4),
)
def test_doses_never_come_too_close_nor_part_too_far(
    now: datetime, hours: int, old: tuple[int, str], new: tuple[int, str], early: int
) -> None:
    """Whatever the move, whenever, whatever the times become: from a third of the spacing to five thirds of it."""
    before, after = every(hours, *old), every(hours, *new)
    standing, planned = followed(before, after, now, early * HOUR)
    given_at = [*standing, *(dose.due_at for dose in planned)]
    clocks_step = HOUR
    for earlier, later in itertools.pairwise(given_at):
        assert hours * HOUR / 3 - clocks_step <= later - earlier <= hours * HOUR * 5 / 3 + clocks_step
    assert all(dose.due_at >= now for dose in planned)


@given(instants, zones, minutes_of_day, minutes_of_day, st.integers(0, 4))
def test_once_a_day_stays_once_a_day_when_the_time_changes(
    now: datetime, zone: str, minute: int, other: int, early: int
) -> None:
    before, after = at_times(wall(minute), zone=zone), at_times(wall(other), zone=zone)
    standing, planned = followed(before, after, now, early * HOUR)
    if abs(minute - other) >= 15 * 60:
        return  # so far apart that the time of another day may be the same dose
    days = [after.day_of(due) for due in (*standing, *(dose.due_at for dose in planned))]
    today = after.day_of(now)
    assert [days.count(today + timedelta(number)) for number in (0, 1)] == [1, 1]


@given(
    instants,
    zones,
    zones,
    st.lists(minutes_of_day, min_size=1, max_size=5, unique=True),
    st.lists(minutes_of_day, min_size=1, max_size=5, unique=True),
)
def test_whatever_was_still_to_come_comes_or_its_day_had_enough(
    now: datetime, zone: str, other: str, times: list[int], others: list[int]
) -> None:
    """Any times, any zones: a dose that was promised is kept, or another takes its place, or there is none for it."""
    before, after = at_times(*map(wall, times), zone=zone), at_times(*map(wall, others), zone=other)
    standing, planned = followed(before, after, now)
    dues = [dose.due_at for dose in planned]
    assert dues == sorted(set(dues))
    assert not set(dues) & set(standing)
    apart = spacing(before, after)
    limit = apart * 2 / 3
    # Every time of the new plan after now comes, but for those whose dose stands already.
    for slot in after.doses(now, now + DAY):
        assert slot.due_at in dues or any(abs(slot.due_at - stands) < limit for stands in standing)
    # None was passed over that way for more doses than stand.
    _, horizon = rules.planning_range(None, now)
    passed_over = [slot for slot in after.doses(now, horizon) if slot.due_at not in dues]
    assert len(passed_over) <= sum(abs(stands - now) < apart for stands in standing)
    if len(times) == len(others) == 1:
        assert len(dues) >= 1


@pytest.mark.parametrize(
    ("before", "after", "now", "planned"),
    [
        # To the east: today's time is past there; the dose stays where it was.
        (
            at_times("08:30", zone=BERLIN),
            at_times("08:30", zone=SHANGHAI),
            at("10 05:00"),
            ["10 14:30", "11 08:30", "12 08:30"],
        ),
        # To the west: the dose was taken there; the wall says half past eight once more.
        (at_times("08:30", zone=SHANGHAI), at_times("08:30", zone=BERLIN), at("10 02:00"), ["11 08:30"]),
        # Over the line where days begin: a day is passed over, a dose is not.
        (
            at_times("20:00", zone="Pacific/Honolulu"),
            at_times("20:00", zone="Pacific/Auckland"),
            at("10 10:00"),
            ["11 20:00", "12 20:00"],
        ),
        # To an earlier time that is past: tonight as it was, from tomorrow on as it will be.
        (at_times("20:00"), at_times("08:00"), at("10 14:00"), ["10 20:00", "11 08:00", "12 08:00"]),
        (at_times("22:00"), at_times("08:00"), at("10 14:00"), ["10 22:00", "11 08:00", "12 08:00"]),
        # To a later one, when it was taken: not twice today.
        (at_times("08:00"), at_times("20:00"), at("10 14:00"), ["11 20:00"]),
        (at_times("08:00"), at_times("20:00"), at("10 06:00"), ["10 20:00", "11 20:00"]),
        (
            at_times("08:30"),
            at_times("09:00", "21:00"),
            at("10 08:40"),
            ["10 21:00", "11 09:00", "11 21:00"],
        ),
        (
            at_times("20:00"),
            at_times("08:00", "20:00"),
            at("10 14:00"),
            ["10 20:00", "11 08:00", "11 20:00", "12 08:00"],
        ),
        # Fewer times: what the new plan has no place for is dropped.
        (at_times("08:00", "20:00"), at_times("09:00"), at("10 14:00"), ["11 09:00", "12 09:00"]),
        (at_times("08:00", "20:00"), at_times("07:00"), at("10 06:00"), ["10 07:00", "11 07:00"]),
        (at_times("08:00", "20:00"), at_times("15:00"), at("10 10:00"), ["11 15:00"]),
        # Close to each other: each has its own place.
        (at_times("08:00", "08:30"), at_times("08:00", "08:45"), at("10 08:15"), ["10 08:45", "11 08:00", "11 08:45"]),
        # A new plan that begins tomorrow: today is the old one's.
        (
            at_times("08:00", "20:00"),
            at_times("09:00", starts_on=date(2026, 6, 11)),
            at("10 14:00"),
            ["10 20:00", "11 09:00", "12 09:00"],
        ),
        (at_times("20:00"), at_times("08:00", ends_on=date(2026, 6, 9)), at("10 14:00"), []),
    ],
)
def test_examples(before: Plan, after: Plan, now: datetime, planned: list[str]) -> None:
    _, found = followed(before, after, now)
    assert local(found, after.time_zone) == planned


def test_once_a_week_is_not_taken_on_two_days_of_a_week() -> None:
    monday, tuesday, thursday = (at_times("08:00", weekdays=frozenset({day})) for day in (1, 2, 4))
    taken = at("08 08:00")  # a Monday
    found = rules.change_over(tuesday, [taken], [], spacing(monday, tuesday), taken + HOUR)
    assert found.doses == []
    assert found.until > at("09 08:00")
    # On the Wednesday before the Thursday: this week's would be lost.
    ahead = thursday.doses(at("10 09:00"), at("12 00:00"))
    found = rules.change_over(tuesday, [at("04 08:00")], ahead, spacing(thursday, tuesday), at("10 09:00"))
    assert found.doses == ahead


def test_days_that_the_new_plan_leaves_out_are_left_out() -> None:
    daily, some_days = at_times("08:00"), at_times("08:00", weekdays=frozenset({1, 3, 5}))
    _, planned = followed(daily, some_days, at("09 06:00"))  # a Tuesday
    assert local(planned, "UTC") == ["10 08:00"]


def test_what_is_taken_as_needed_from_now_on_is_not_planned() -> None:
    as_needed = Plan(Schedule("as_needed", EVERY_DAY, date(2020, 1, 1)), rules.DEFAULT_MEALS, "UTC")
    _, planned = followed(at_times("08:00"), as_needed, at("09 06:00"))
    assert planned == []
