"""Units, plausibility, identities, thresholds, and what a line comes down to: decisions without a database."""

import math
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core import clock as clocks
from eldercare.vitals.rules import codes, series
from eldercare.vitals.rules.codes import (
    ALIASES,
    GLUCOSE,
    SIGNS,
    Refused,
    check_time,
    measure_of,
    sign_of,
    taken,
    window_at,
)
from eldercare.vitals.rules.identities import reading_id, reading_number, source_key, tail_of
from eldercare.vitals.rules.thresholds import (
    CALL_AGAIN_AFTER,
    Limits,
    Side,
    calls,
    is_back,
    judge,
    side_of,
    status,
)
from tests.conftest import START


def accepted(code: str, value: float | str, unit: str, measured_at: datetime, now: datetime) -> float:
    measure = measure_of(code, unit)
    check_time(reading_number(measured_at, (1 << 62) - 1), window_at(now))
    return taken(measure, value)


numbers = [sign for sign in SIGNS.values() if not sign.is_coded]


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected"),
    [
        ("8310-5", 98.6, "[degF]", 37.0),
        ("8310-5", 100.4, "[degF]", 38.0),
        ("8310-5", 36.6, "Cel", 36.6),
        ("2339-0", 5.5, "mmol/L", 99.1),
        ("15074-8", 10, "mmol/L", 180.2),
        ("2339-0", 99, "mg/dL", 99.0),
        ("29463-7", 150, "[lb_av]", 68.04),
        ("29463-7", 70_500, "g", 70.5),
        ("8480-6", 16, "kPa", 120.0),
        ("8462-4", 10.7, "kPa", 80.3),
        ("8302-2", 1.7, "m", 170.0),
        ("8302-2", 67, "[in_i]", 170.2),
        ("59408-5", 97, "%", 97.0),
        ("8867-4", 72, "{beats}/min", 72.0),
    ],
)
def test_units_become_the_canonical_one(code: str, value: float, unit: str, expected: float) -> None:
    assert accepted(code, value, unit, START, START) == expected


@given(st.sampled_from(numbers), st.data())
def test_every_plausible_value_is_taken_in_every_unit(sign: codes.VitalSign, data: st.DataObject) -> None:
    value = data.draw(st.floats(sign.low, sign.high))
    assert accepted(sign.code, value, sign.unit, START, START) == pytest.approx(value, abs=10**-sign.decimals)
    for unit, conversion in sign.others.items():
        given_as = (value - conversion.offset) / conversion.factor
        assume(sign.low <= given_as * conversion.factor + conversion.offset <= sign.high)  # the last bit may differ
        assert accepted(sign.code, given_as, unit, START, START) == pytest.approx(value, abs=10**-sign.decimals)


@given(st.sampled_from(numbers), st.floats())
def test_nothing_implausible_is_taken(sign: codes.VitalSign, value: float) -> None:
    assume(not sign.low - 1 <= value <= sign.high + 1)
    with pytest.raises(Refused) as refusal:
        accepted(sign.code, value, sign.unit, START, START)
    assert refusal.value.code == ("implausible" if math.isfinite(value) else "not_a_number")


@pytest.mark.parametrize(
    ("code", "value", "unit", "measured_at", "reason"),
    [
        ("1234-5", 1.0, "/min", START, "unknown_code"),
        ("8867-4", 72.0, "mmol/L", START, "unit_mismatch"),
        ("2339-0", 5.5, "Cel", START, "unit_mismatch"),
        ("8867-4", "72", "/min", START, "not_a_number"),
        ("67775-7", 1.0, "{ACVPU}", START, "not_a_level"),
        ("67775-7", "AC", "{ACVPU}", START, "not_a_level"),
        ("67775-7", "", "{ACVPU}", START, "not_a_level"),
        ("67775-7", "A", "/min", START, "unit_mismatch"),
        ("8867-4", 72.0, "/min", START + timedelta(minutes=2, seconds=1), "in_the_future"),
        ("8867-4", 72.0, "/min", START - timedelta(days=3654), "too_old"),
    ],
)
def test_what_cannot_have_been_measured_says_why(
    code: str, value: float | str, unit: str, measured_at: datetime, reason: str
) -> None:
    with pytest.raises(Refused) as refusal:
        accepted(code, value, unit, measured_at, START)
    assert refusal.value.code == reason


def test_a_clock_that_is_a_little_ahead_is_believed() -> None:
    assert accepted("8867-4", 72, "/min", START + timedelta(minutes=2), START) == 72


def test_levels_of_consciousness_are_kept_in_their_order() -> None:
    sign = sign_of("67775-7")
    kept = [accepted(sign.code, letter, "{ACVPU}", START, START) for letter in "ACVPU"]
    assert kept == [0, 1, 2, 3, 4]
    assert [codes.shown(sign.code, value) for value in kept] == list("ACVPU")


def test_an_alias_stands_for_a_code_that_is_known() -> None:
    assert {sign_of(alias).code for alias in ALIASES} <= set(SIGNS)
    assert sign_of("15074-8").code == GLUCOSE


instants = st.datetimes(
    START.replace(year=1970, tzinfo=None), START.replace(year=2199, tzinfo=None), timezones=st.just(UTC)
)
RESIDENT = uuid.UUID("0194f8a0-0000-7000-8000-000000000001")
ACTOR = uuid.UUID("0194f8a0-0000-7000-8000-000000000002")


@given(instants, instants, st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1))
def test_ids_sort_as_readings_were_measured(first: datetime, second: datetime, tail: int, other: int) -> None:
    one, two = reading_id(first, tail), reading_id(second, other)
    assert (one.version, one.variant) == (7, uuid.RFC_4122)
    assert one == reading_id(first, tail)
    if first != second:
        assert (one < two) == (first < second)
    assert clocks.id_floor(first) <= one


def test_the_same_device_is_the_same_whoever_brings_its_readings() -> None:
    by_device = tail_of(RESIDENT, source_key(ACTOR, "cuff-7"), "8480-6")
    assert by_device == tail_of(RESIDENT, source_key(RESIDENT, "cuff-7"), "8480-6")
    others = {
        tail_of(ACTOR, source_key(ACTOR, "cuff-7"), "8480-6"),
        tail_of(RESIDENT, source_key(ACTOR, "cuff-8"), "8480-6"),
        tail_of(RESIDENT, source_key(ACTOR, "cuff-7"), "8462-4"),
        tail_of(RESIDENT, source_key(ACTOR, None), "8480-6"),
        tail_of(RESIDENT, source_key(ACTOR, "cuff-7"), "8480-6", replaces=ACTOR),
    }
    assert len(others | {by_device}) == 6


limits = st.builds(
    lambda low, width, margin, looked_at, needed: Limits(low, low + width, margin, min(needed, looked_at), looked_at),
    st.integers(40, 80).map(float),
    st.integers(1, 80).map(float),
    st.integers(0, 20).map(float),
    st.integers(1, 10),
    st.integers(1, 10),
)
values = st.lists(st.integers(20, 200).map(float), max_size=12)
sides = st.sampled_from(["inside", "low", "high"])


@given(limits, sides, values)
def test_a_verdict_rests_on_enough_of_the_latest_readings(of: Limits, was: Side, latest: list[float]) -> None:
    found = judge(of, was, latest)
    seen = latest[: of.looked_at]
    if found not in (was, "inside"):
        assert sum(side_of(of, value) == found for value in seen) >= of.needed
        assert side_of(of, seen[0]) == found
    if found == "inside" != was:
        assert sum(is_back(of, value) for value in seen) >= of.needed
        assert is_back(of, seen[0])
    if len(seen) < of.needed:
        assert found == was


@given(limits, sides, values, st.lists(st.integers(20, 200).map(float), max_size=3))
def test_older_readings_than_are_looked_at_change_nothing(
    of: Limits, was: Side, latest: list[float], older: list[float]
) -> None:
    assume(len(latest) >= of.looked_at)
    assert judge(of, was, latest) == judge(of, was, [*latest[: of.looked_at], *older])


@given(limits, st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_value_that_wavers_at_the_limit_calls_once(of: Limits, noise: list[float]) -> None:
    assume(of.high is not None and of.low is not None and 2 < of.hysteresis * 2 < of.high - of.low)
    assert of.high is not None
    side: Side = "inside"
    latest: list[float] = []
    changes = 0
    for wavering in noise:
        # Around the limit by less than the hysteresis: now outside, now just inside.
        latest.insert(0, of.high + 0.5 - wavering * min(of.hysteresis, 1.0))
        before, side = side, judge(of, side, latest)
        changes += side != before
    assert changes <= 1


def test_one_of_three_is_an_outlier_and_two_are_not() -> None:
    of = Limits(None, 120, 10, needed=2, looked_at=3)
    assert judge(of, "inside", [130]) == "inside"
    assert judge(of, "inside", [130, 80, 90]) == "inside"
    assert judge(of, "inside", [130, 80, 131]) == "high"
    assert judge(of, "inside", [80, 130, 131]) == "inside"  # come back by the time we hear of it
    assert judge(of, "high", [115, 115, 115]) == "high"  # inside, but not by the hysteresis
    assert judge(of, "high", [110, 130, 131]) == "high"
    assert judge(of, "high", [110, 109, 131]) == "inside"
    assert judge(of, "high", [115, 100, 100]) == "high"  # the newest is not back
    assert judge(Limits(50, 120), "low", [140]) == "high"


@pytest.mark.parametrize(
    ("was", "now_is", "newest", "ago", "called"),
    [
        ("inside", "high", "high", None, True),
        ("low", "high", "high", timedelta(minutes=1), True),
        ("high", "high", "high", timedelta(minutes=1), False),
        ("high", "high", "high", CALL_AGAIN_AFTER, True),
        ("high", "high", "inside", CALL_AGAIN_AFTER, False),
        ("high", "inside", "inside", None, False),
        ("inside", "inside", "high", None, False),
    ],
)
def test_people_are_called_on_leaving_and_again_while_it_lasts(
    was: Side, now_is: Side, newest: Side, ago: timedelta | None, called: bool
) -> None:
    assert calls(was, now_is, newest, START - ago if ago else None, START) == called


@given(limits, sides, st.none() | st.integers(20, 200).map(float), st.integers(0, 48))
def test_nothing_that_is_missing_or_old_looks_normal(of: Limits, side: Side, value: float | None, hours: int) -> None:
    fresh_for = timedelta(hours=24)
    measured_at = None if value is None else START - timedelta(hours=hours)
    assert status(None, side, value, measured_at, fresh_for, START) == "unknown"
    found = status(of, side, value, measured_at, fresh_for, START)
    if value is None or hours > 24:
        assert found == "unknown"
    else:
        assert (found == "within") == (side == "inside" and side_of(of, value) == "inside")


points = st.lists(
    st.tuples(st.integers(0, 10_000_000).map(float), st.floats(-1e6, 1e6)),
    min_size=1,
    max_size=400,
    unique_by=lambda p: p[0],
).map(sorted)


@given(points, st.integers(3, 120))
def test_a_line_keeps_its_ends_and_is_made_of_its_own_points(line: list[series.Point], wanted: int) -> None:
    kept = series.downsample(line, wanted)
    assert len(kept) == min(wanted, len(line))
    assert (kept[0], kept[-1]) == (line[0], line[-1])
    assert kept == sorted(set(kept))
    assert set(kept) <= set(line)


@pytest.mark.parametrize("place", [1, 137, 500, 998])
def test_a_line_keeps_its_spike(place: int) -> None:
    line = [(float(at), 80.0) for at in range(1000)]
    line[place] = (float(place), 180.0)
    assert line[place] in series.downsample(line, 20)


def test_a_line_keeps_its_waves() -> None:
    line = [(float(at), math.sin(at / 50)) for at in range(1000)]
    kept = series.downsample(line, 60)
    turns = [b for a, b, c in zip(kept, kept[1:], kept[2:], strict=False) if (b[1] - a[1]) * (c[1] - b[1]) < 0]
    assert len(turns) == 6  # 1000 / (50 pi)
    assert all(abs(value) > 0.98 for _, value in turns)


@given(st.floats(-2, 2), st.floats(40, 120), st.sets(st.integers(0, 60), min_size=5, max_size=20))
def test_the_slope_of_a_straight_line_is_its_own(rise: float, start: float, days: set[int]) -> None:
    assume(max(days) - min(days) >= series.MINIMUM_SPAN)
    assert series.slope([(day, start + rise * day) for day in sorted(days)]) == pytest.approx(rise, abs=1e-6)


@given(st.integers(0, 9), st.integers(0, 9), st.floats(-500, 500))
def test_two_wild_days_of_ten_do_not_turn_a_trend(first: int, second: int, wild: float) -> None:
    days = [(float(day), 70 + 0.5 * day) for day in range(10)]
    for place in {first, second}:
        days[place] = (days[place][0], wild)
    assert series.slope(days) == pytest.approx(0.5)


def test_too_few_or_too_close_days_have_no_slope() -> None:
    assert series.slope([]) is None
    assert series.slope([(day, 70.0) for day in (0, 3, 6, 9)]) is None
    assert series.slope([(day, 70.0) for day in range(7)]) is None
    assert series.slope([(day, 70.0) for day in range(8)]) == 0
