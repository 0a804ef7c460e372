"""Hours over changing clocks, n of m fixes, and how long somebody may be silent."""

import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from eldercare.safe_zones.repository import Zone
from eldercare.safe_zones.rules.crossings import AGAIN_AFTER, Standing, Verdict, calls, is_breach, judge
from eldercare.safe_zones.rules.geometry import Circle, Point
from eldercare.safe_zones.rules.hours import ALWAYS, Window, next_start, stretch_at, stretches
from eldercare.safe_zones.rules.identities import position_id
from eldercare.safe_zones.rules.silence import Watched, is_usable, look, refusal
from eldercare.safe_zones.rules.words import plain_words
from eldercare.safe_zones.service.judging import Fix, Watch, tells

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
EVERY_DAY = frozenset(range(1, 8))
ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")

wall_times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
windows = st.builds(Window, st.frozensets(st.integers(1, 7), min_size=1), wall_times, wall_times)
instants = st.floats(0, 730).map(lambda days: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=days))
zones = st.sampled_from(ZONES)


def is_in(window: Window, wall: datetime) -> bool:
    """Say by the clock on the wall alone whether a window holds: an own reading of what hours mean."""
    today, before = wall.isoweekday(), (wall - timedelta(days=1)).isoweekday()
    at = wall.time()
    if window.start < window.end:
        return today in window.weekdays and window.start <= at < window.end
    return (today in window.weekdays and at >= window.start) or (before in window.weekdays and at < window.end)


def changes_near(at: datetime, time_zone: str) -> bool:
    zone = ZoneInfo(time_zone)
    around = (at + timedelta(days=days) for days in (-3, -2, -1, 0, 1, 2))
    return len({moment.astimezone(zone).utcoffset() for moment in around}) > 1


@given(st.lists(windows, min_size=1, max_size=4), zones, instants)
def test_hours_are_those_on_the_wall(given_windows: list[Window], time_zone: str, at: datetime) -> None:
    stretch = stretch_at(given_windows, time_zone, at)
    if stretch is not None:
        assert stretch.start <= at < stretch.end
    if not changes_near(at, time_zone):
        wall = at.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)
        assert (stretch is not None) == any(is_in(window, wall) for window in given_windows)


@given(st.lists(windows, min_size=1, max_size=4), zones, instants)
def test_stretches_are_in_order_and_apart(given_windows: list[Window], time_zone: str, at: datetime) -> None:
    found = stretches(given_windows, time_zone, at, at + timedelta(days=20))
    assert all(stretch.start < stretch.end for stretch in found)
    assert all(one.end < other.start for one, other in pairwise(found))


@given(windows, zones, instants)
def test_the_next_start_is_the_first_moment_in_force_after_a_pause(
    window: Window, time_zone: str, at: datetime
) -> None:
    start = next_start([window], time_zone, at)
    if start is None:  # hours without an end have begun
        assert stretch_at([window], time_zone, at) is not None
        return
    assert start > at
    assert stretch_at([window], time_zone, start) is not None
    if stretch_at([window], time_zone, at) is None:
        halfway = at + (start - at) / 2
        assert stretch_at([window], time_zone, halfway) is None


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (datetime(2026, 3, 27, 23, tzinfo=UTC), 8),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), 7),  # the night in which an hour is left out
        (datetime(2026, 10, 24, 23, tzinfo=UTC), 9),  # the night that has an hour twice
    ],
)
def test_a_night_is_as_long_as_the_clocks_make_it(day: datetime, hours: int) -> None:
    night = stretch_at([Window(EVERY_DAY, time(22), time(6))], "Europe/Berlin", day)
    assert night is not None
    assert night.end - night.start == timedelta(hours=hours)


def test_a_zone_without_hours_or_with_all_of_them_never_ends() -> None:
    assert stretch_at([], "UTC", NOW) == ALWAYS
    whole = stretch_at([Window(EVERY_DAY, time(0), time(0))], "UTC", NOW)
    assert whole is not None
    assert whole.end - NOW > timedelta(days=7)


def verdict(minute: float, *, is_out: bool) -> Verdict:
    at = NOW + timedelta(minutes=minute)
    return Verdict(position_id(uuid.UUID(int=1), uuid.UUID(int=2), None, at), at, is_out)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 10), st.data())
def test_a_side_changes_only_by_enough_of_the_latest_with_the_newest_among_them(
    outs: list[bool], looked_at: int, data: st.DataObject
) -> None:
    needed = data.draw(st.integers(1, looked_at))
    standing, alerts = Standing(), 0
    for place, is_out in enumerate(outs):
        before, standing = standing, judge(standing, verdict(place, is_out=is_out), needed, looked_at)
        latest = outs[: place + 1][-looked_at:]
        if standing.side != before.side:
            assert standing.side == ("left" if is_out else "kept")
            assert latest.count(is_out) >= needed
            assert standing.since == standing.recent[-1].at
        assert len(standing.recent) <= looked_at
        alerts += calls(before, Standing(standing.side, standing.since, standing.recent, NOW))
    assert alerts <= sum(outs)
    assert alerts >= (1 if standing.side == "left" else 0)


def test_a_fix_of_hours_ago_says_nothing_about_the_newest() -> None:
    standing = judge(Standing(), verdict(0, is_out=True), 2, 3)
    assert judge(standing, verdict(121, is_out=True), 2, 3).side == "unknown"
    assert judge(standing, verdict(119, is_out=True), 2, 3).side == "left"


def test_people_are_called_again_only_hours_later() -> None:
    away = Standing("left", NOW, [verdict(0, is_out=True)], NOW)
    minutes = AGAIN_AFTER / timedelta(minutes=1)
    assert not calls(away, judge(away, verdict(minutes - 1, is_out=True), 1, 1))
    assert calls(away, judge(away, verdict(minutes, is_out=True), 1, 1))


def test_what_is_unclear_is_neither() -> None:
    assert is_breach("stay_inside", "unclear") is None
    assert is_breach("keep_out", "unclear") is None
    assert [is_breach("stay_inside", "outside"), is_breach("keep_out", "outside")] == [True, False]
    assert [is_breach("stay_inside", "inside"), is_breach("keep_out", "inside")] == [False, True]


def watched(minutes: float = 30, **values: object) -> Watched:
    defaults = {"windows": (), "time_zone": "UTC", "since": NOW, "silence_after": timedelta(minutes=minutes)}
    return Watched(**(defaults | values))  # type: ignore[arg-type]  # the defaults' types are Watched's


@given(st.floats(0, 120), st.floats(0, 120), st.integers(5, 60))
def test_silence_is_what_is_longer_than_a_zone_allows(last: float, since: float, allowed: int) -> None:
    now = NOW + timedelta(hours=2)
    last_usable, watched_since = NOW + timedelta(minutes=last), NOW + timedelta(minutes=since)
    found = look(now, [watched(allowed)], last_usable, watched_since)
    deadline = max(last_usable, watched_since) + timedelta(minutes=allowed)
    assert found.is_active
    assert found.is_silent == (deadline <= now)
    assert found.next_at == (None if found.is_silent else deadline)


@given(st.lists(windows, max_size=3), zones, instants, st.floats(-3000, 3000), st.floats(-3000, 0))
def test_a_look_never_asks_to_be_repeated_at_once_and_never_forgets_a_zone(
    given_windows: list[Window], time_zone: str, now: datetime, last: float, since: float
) -> None:
    zone = watched(30, windows=given_windows, time_zone=time_zone, since=now + timedelta(minutes=since))
    found = look(now, [zone], now + timedelta(minutes=min(last, 0)), now + timedelta(minutes=since))
    assert found.next_at is None or found.next_at > now
    # Nothing ahead only where people were told and no hours end, which a fix alone can change.
    assert found.next_at is not None or (found.is_silent and not given_windows)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=5))
def test_outages_give_back_each_minute_once(gaps: list[tuple[int, int]]) -> None:
    outages = [(NOW + timedelta(minutes=a), NOW + timedelta(minutes=a + b)) for a, b in gaps]
    without = look(NOW, [watched()], NOW, NOW).next_at
    found = look(NOW, [watched()], NOW, NOW, outages).next_at
    assert without is not None
    assert found is not None
    lost = {minute for a, b in gaps for minute in range(a, a + b)}
    up = 0
    for minute in range(1_000):
        if up == 30:
            assert found == NOW + timedelta(minutes=minute)
            break
        up += minute not in lost


def test_a_zone_in_a_pause_is_looked_at_when_the_pause_is_over() -> None:
    until = NOW + timedelta(hours=1)
    found = look(NOW, [watched(paused_until=until)], None, NOW)
    assert (found.is_active, found.is_silent, found.next_at) == (False, False, until)
    later = look(until, [watched(paused_until=until)], None, NOW)
    assert later.next_at == until + timedelta(minutes=30)


def test_times_that_cannot_be_true_are_refused() -> None:
    assert refusal(NOW + timedelta(minutes=2), NOW) is None
    assert refusal(NOW - timedelta(hours=24), NOW) is None
    ahead = refusal(NOW + timedelta(minutes=2, seconds=1), NOW)
    behind = refusal(NOW - timedelta(hours=24, seconds=1), NOW)
    assert ahead is not None
    assert behind is not None
    assert (ahead[0], behind[0]) == ("in_the_future", "too_old")


def test_a_vague_fix_is_of_use_only_where_it_tells_something() -> None:
    assert is_usable(500, is_telling=False)
    assert not is_usable(501, is_telling=False)
    assert is_usable(5_000, is_telling=True)


@given(instants, instants, st.none() | st.text(min_size=1, max_size=64))
def test_ids_sort_as_fixes_were_observed_and_belong_to_the_device(
    one: datetime, other: datetime, device: str | None
) -> None:
    resident, actor = uuid.UUID(int=1), uuid.UUID(int=2)
    first, second = (position_id(resident, actor, device, at) for at in (one, other))
    assert first == position_id(resident, actor, device, one)
    assert (first.version, first.variant) == (7, uuid.RFC_4122)
    if abs(one - other) > timedelta(milliseconds=1):
        assert (first < second) == (one < other)
    assert first != position_id(resident, uuid.UUID(int=3), None, one)
    if device is not None:
        assert first == position_id(resident, uuid.UUID(int=3), device, one)


def test_words_say_when_on_which_days() -> None:
    hours = [Window(frozenset({2, 1}), time(22), time(6))]
    shape = Circle(Point(0, 0), 50)
    english = plain_words("en", "keep_out", "the pond", shape, hours, set_by="Li")
    assert english.startswith("When you go to “the pond”, 50 m around, people who help you are called.")
    assert "It holds on Monday, Tuesday from 22:00 to 06:00." in english
    chinese = plain_words("zh-CN", "keep_out", "池塘", shape, [], set_by="Li")
    assert "当您进入“池塘”（周围 50 米）时" in chinese
    assert "全天" in chinese


def _calls(work: Callable[[], object]) -> int:
    """Return how many functions of Python's are called by some work: the same on every machine."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_vague_fixes_cost_little_more_than_their_number() -> None:
    half_hours = [Window(EVERY_DAY, time(hour), time(hour, 30)) for hour in range(20)]
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    zone = Zone(
        id=clock.new_id(),
        version_id=clock.new_id(),
        resident_id=clock.new_id(),
        kind="stay_inside",
        shape=Circle(Point(31, 121), 300),
        windows=half_hours,
        time_zone="Europe/Berlin",
        since=now - timedelta(days=3),
        paused_at=None,
        paused_until=None,
        needed=2,
        looked_at=3,
        silence_after=timedelta(minutes=30),
        severity=3,
    )

    def judged(number: int) -> int:
        fixes = [
            Fix(clock.new_id(), now - timedelta(minutes=number - minute), Point(31, 121), 800)
            for minute in range(number)
        ]
        watch = Watch.over(fixes, [zone], [])
        return sum(tells(watch, fix, now) for fix in fixes)

    few, many = _calls(lambda: judged(10)), _calls(lambda: judged(210))
    assert many - few < 200 * 50  # when the zone is in force is worked out once, which takes thousands of calls
