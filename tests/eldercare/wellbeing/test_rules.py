"""The rules of well-being: robust, slow to flag and slow to stop, and silent where too little is known."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.identity.api import LANGUAGES
from eldercare.wellbeing.rules.drift import (
    BEFORE,
    BEFORE_NEEDED,
    DAYS_IN_A_ROW,
    FORGOTTEN_AFTER,
    LOOKED_BACK,
    RECENT,
    RECENT_NEEDED,
    SPREADS,
    TO_DEVIATION,
    compare,
    follow,
)
from eldercare.wellbeing.rules.flags import TRANSITIONS, State, next_look
from eldercare.wellbeing.rules.measures import MEASURES, SCALES, Scale
from eldercare.wellbeing.rules.sentences import compared, too_little

LAST = date(2026, 3, 1)
START = datetime(2020, 1, 1, tzinfo=UTC)
LOWER = Scale("of_5", "lower", 1.0)
HIGHER = Scale("min", "higher", 1.0)

scales = st.sampled_from((LOWER, HIGHER))
values = st.integers(min_value=-64, max_value=64).map(float)
courses = st.lists(st.none() | values, min_size=LOOKED_BACK, max_size=LOOKED_BACK)


def days(course: Sequence[float | None]) -> dict[date, float]:
    """Return a course, the latest day last, as days up to ``LAST``."""
    return {LAST - timedelta(days=ago): value for ago, value in enumerate(reversed(course)) if value is not None}


def flat(before: float, recent: float, of_recent: int = RECENT) -> dict[date, float]:
    """Return days that were all alike, and then otherwise for some days."""
    return days([before] * (LOOKED_BACK - of_recent) + [recent] * of_recent)


@given(course=courses, scale=scales, shift=st.integers(-1000, 1000), factor=st.sampled_from((0.25, 0.5, 2.0, 8.0)))
def test_what_is_usual_is_a_persons_own(course: list[float | None], scale: Scale, shift: int, factor: float) -> None:
    moved = [None if value is None else value * factor + shift for value in course]
    scaled = Scale(scale.unit, scale.worse, scale.least * factor)

    assert compare(days(moved), LAST, scaled).standing == compare(days(course), LAST, scale).standing
    assert follow(days(moved), LAST, scaled, is_flagged=True) == follow(days(course), LAST, scale, is_flagged=True)


@given(course=courses, scale=scales, worse=st.lists(st.integers(0, 50), min_size=RECENT, max_size=RECENT))
def test_worse_days_never_take_a_flag_away(course: list[float | None], scale: Scale, worse: list[int]) -> None:
    sign = 1 if scale.worse == "higher" else -1
    made_worse = course[:-RECENT] + [
        None if value is None else value + sign * more for value, more in zip(course[-RECENT:], worse, strict=True)
    ]
    before, after = compare(days(course), LAST, scale), compare(days(made_worse), LAST, scale)
    if before.standing == "drifting":
        assert after.standing == "drifting"
    if before.shift is not None:
        assert after.shift is not None
        assert after.shift >= before.shift


@given(value=values, scale=scales, missing=st.sets(st.integers(0, LOOKED_BACK - 1)))
def test_days_that_are_alike_are_never_flagged(value: float, scale: Scale, missing: set[int]) -> None:
    course = [None if number in missing else value for number in range(LOOKED_BACK)]
    assert compare(days(course), LAST, scale).standing != "drifting"
    assert follow(days(course), LAST, scale, is_flagged=False) == "leave"


@given(course=courses, scale=scales)
def test_too_few_days_are_no_finding_and_never_usual(course: list[float | None], scale: Scale) -> None:
    recent = [value for value in course[-RECENT:] if value is not None]
    before = [value for value in course[-RECENT - BEFORE : -RECENT] if value is not None]
    found = compare(days(course), LAST, scale)
    assert (found.recent_days, found.usual_days) == (len(recent), len(before))
    if len(recent) < RECENT_NEEDED or len(before) < BEFORE_NEEDED:
        assert (found.standing, found.recent, found.usual, found.shift) == ("not_enough_data", None, None, None)
        assert follow(days(course), LAST, scale, is_flagged=False) == "leave"
    else:
        assert found.standing != "not_enough_data"


@given(course=courses, scale=scales)
def test_a_drift_is_as_large_as_it_is_said_to_be(course: list[float | None], scale: Scale) -> None:
    found = compare(days(course), LAST, scale)
    assume(found.shift is not None and found.bound is not None and found.spread is not None)
    assert found.shift is not None
    assert found.bound is not None
    assert found.spread is not None
    before = [value for value in course[-RECENT - BEFORE : -RECENT] if value is not None]
    assert found.spread == median(abs(value - median(before)) for value in before)
    assert found.bound >= max(scale.least, SPREADS * TO_DEVIATION * found.spread)
    assert (found.standing == "drifting") == (found.shift >= found.bound)


@given(course=courses, scale=scales, wild=st.lists(values, min_size=1, max_size=3))
def test_a_few_wild_days_move_nothing(course: list[float | None], scale: Scale, wild: list[float]) -> None:
    calm: list[float | None] = [4.0] * LOOKED_BACK
    calm[-len(wild) :] = wild
    assert compare(days(calm), LAST, scale).standing == "as_usual"


def test_a_tiny_difference_is_none_however_regular_the_days() -> None:
    for measure in MEASURES:
        scale = SCALES[measure]
        sign = 1 if scale.worse == "higher" else -1
        assert compare(flat(4.0, 4.0 + sign * scale.least * 0.99), LAST, scale).standing == "as_usual"
        assert compare(flat(4.0, 4.0 + sign * scale.least), LAST, scale).standing == "drifting"
        assert compare(flat(4.0, 4.0 - sign * scale.least * 9), LAST, scale).standing == "as_usual", "it is better"


def test_one_day_is_not_enough_to_open_or_to_end() -> None:
    # The median turns once the fourth of seven days is other; a flag waits for the day after.
    assert follow(flat(4, 2, 4), LAST, LOWER, is_flagged=False) == "leave"
    assert follow(flat(4, 2, 5), LAST, LOWER, is_flagged=False) == "open"
    back = [4.0] * (LOOKED_BACK - RECENT - 4)
    assert follow(days([*back, *[2.0] * RECENT, *[4.0] * 4]), LAST, LOWER, is_flagged=True) == "leave"
    assert follow(days([*back, *[2.0] * (RECENT - 1), *[4.0] * 5]), LAST, LOWER, is_flagged=True) == "end_as_usual"


def test_a_flag_is_kept_while_it_is_only_a_little_better() -> None:
    scale = Scale("min", "higher", 10.0)
    assert follow(flat(5, 12), LAST, scale, is_flagged=False) == "leave"
    assert follow(flat(5, 12), LAST, scale, is_flagged=True) == "leave"
    assert follow(flat(5, 9), LAST, scale, is_flagged=True) == "end_as_usual"


def test_silence_ends_nothing_until_it_has_lasted() -> None:
    course: list[float | None] = [*[4.0] * (LOOKED_BACK - RECENT), *[2.0] * RECENT]
    for silent in range(1, FORGOTTEN_AFTER + 1):
        course = [*course[1:], None]
        expected = "end_no_data" if silent == FORGOTTEN_AFTER else "leave"
        assert follow(days(course), LAST, LOWER, is_flagged=True) == expected
        assert follow(days(course), LAST, LOWER, is_flagged=False) in ("open", "leave")


@given(st.lists(st.sampled_from((2.0, 4.0)), min_size=120, max_size=120))
def test_a_flag_does_not_flap(course: list[float]) -> None:
    known = {LAST - timedelta(days=ago): value for ago, value in enumerate(reversed(course))}
    is_flagged, turned = False, []
    for number in range(LOOKED_BACK, len(course)):
        day = LAST - timedelta(days=len(course) - 1 - number)
        verdict = follow(known, day, LOWER, is_flagged=is_flagged)
        if verdict != "leave":
            is_flagged = verdict == "open"
            turned.append(number)
    assert all(later - earlier >= DAYS_IN_A_ROW for earlier, later in itertools.pairwise(turned))


class FlagLife(RuleBasedStateMachine):
    """Whatever people do about a flag, it ends only once, and what was dismissed never comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = "open"
        self.past: list[State] = []

    @rule(action=st.sampled_from(sorted(TRANSITIONS)))
    def act(self, action: str) -> None:
        sources, target = TRANSITIONS[action]  # type: ignore[index]  # sampled from its keys
        if self.state in sources:
            self.past.append(self.state)
            self.state = target

    @invariant()
    def it_goes_one_way(self) -> None:
        order: list[State] = ["open", "acknowledged", "dismissed", "ended"]
        assert sorted([*self.past, self.state], key=order.index) == [*self.past, self.state]


TestFlagLife = FlagLife.TestCase


@given(
    after=st.integers(0, 10 * 366 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes)),
    zone=st.sampled_from(("Asia/Shanghai", "America/New_York", "Pacific/Apia", "Europe/Berlin", "UTC")),
)
def test_a_look_is_in_the_next_morning(after: datetime, zone: str) -> None:
    look = next_look(after, zone)
    local = look.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) == (9, 30)
    assert timedelta() < look - after <= timedelta(hours=25)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_is_one_sentence_and_no_diagnosis(language: str) -> None:
    for measure in MEASURES:
        said = compared(language, measure, "drifting", 2.0, 3.5)
        assert "2" in said
        assert "3.5" in said
        assert ("diagnosis" if language == "en" else "诊断") in said
        assert said.count("." if language == "en" else "。") - said.count("3.5") * (language == "en") == 1
        assert compared(language, measure, "as_usual", 2.0, 2.0) != said
    assert all(number in too_little(language, 3, 11) for number in ("3", "11", str(RECENT_NEEDED), str(BEFORE_NEEDED)))
