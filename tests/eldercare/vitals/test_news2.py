"""NEWS2 as the Royal College of Physicians' chart of 2017 has it: every band, both scales, and only of a whole set."""

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.vitals.rules import news2
from eldercare.vitals.rules.codes import (
    ACVPU,
    CONSCIOUSNESS,
    HEART_RATE,
    OXYGEN_FLOW,
    RESPIRATION,
    SPO2,
    SYSTOLIC,
    TEMPERATURE,
)
from eldercare.vitals.rules.news2 import AGE_LIMIT, PARAMETERS, SET_SPAN, Measured, Scale, faults, score
from tests.conftest import START

WELL: Final = {
    RESPIRATION: 16.0,
    SPO2: 97.0,
    OXYGEN_FLOW: 0.0,
    SYSTOLIC: 120.0,
    HEART_RATE: 70.0,
    CONSCIOUSNESS: 0.0,
    TEMPERATURE: 37.0,
}

# The chart, read cell by cell: from, to (in its own precision), points.
Cells = tuple[tuple[float, float, int], ...]
CHART: Final[dict[str, Cells]] = {
    RESPIRATION: ((2, 8, 3), (9, 11, 1), (12, 20, 0), (21, 24, 2), (25, 80, 3)),
    SYSTOLIC: ((40, 90, 3), (91, 100, 2), (101, 110, 1), (111, 219, 0), (220, 300, 3)),
    HEART_RATE: ((15, 40, 3), (41, 50, 1), (51, 90, 0), (91, 110, 1), (111, 130, 2), (131, 300, 3)),
    TEMPERATURE: ((25.0, 35.0, 3), (35.1, 36.0, 1), (36.1, 38.0, 0), (38.1, 39.0, 1), (39.1, 45.0, 2)),
}
SPO2_1: Final[Cells] = ((40, 91, 3), (92, 93, 2), (94, 95, 1), (96, 100, 0))
SPO2_2_AIR: Final[Cells] = ((40, 83, 3), (84, 85, 2), (86, 87, 1), (88, 92, 0), (93, 100, 0))
SPO2_2_OXYGEN: Final[Cells] = (
    (40, 83, 3),
    (84, 85, 2),
    (86, 87, 1),
    (88, 92, 0),
    (93, 94, 1),
    (95, 96, 2),
    (97, 100, 3),
)


def in_cells(cells: Cells, step: float) -> st.SearchStrategy[tuple[float, int]]:
    """Return any value of any cell, in steps of the chart's precision, with its points."""

    def within(cell: tuple[float, float, int]) -> st.SearchStrategy[tuple[float, int]]:
        first, last, points = cell
        steps = round((last - first) / step)
        return st.integers(0, steps).map(lambda number: (round(first + number * step, 1), points))

    return st.sampled_from(cells).flatmap(within)


@pytest.mark.parametrize("code", CHART)
def test_every_edge_of_every_cell_scores_what_the_chart_says(code: str) -> None:
    for first, last, points in CHART[code]:
        assert score(WELL | {code: first}, 1).points[code] == points, first
        assert score(WELL | {code: last}, 1).points[code] == points, last


@given(
    st.sampled_from(sorted(CHART)).flatmap(
        lambda code: st.tuples(st.just(code), in_cells(CHART[code], 0.1 if code == TEMPERATURE else 1))
    )
)
def test_any_value_scores_what_its_cell_says(drawn: tuple[str, tuple[float, int]]) -> None:
    code, (value, points) = drawn
    found = score(WELL | {code: value}, 1)
    assert found.points[code] == points
    assert found.total == points


@pytest.mark.parametrize(
    ("scale", "flow", "cells"),
    [(1, 0.0, SPO2_1), (1, 2.0, SPO2_1), (2, 0.0, SPO2_2_AIR), (2, 2.0, SPO2_2_OXYGEN)],
)
def test_saturation_scores_by_scale_and_by_air_or_oxygen(scale: Scale, flow: float, cells: Cells) -> None:
    for first, last, points in cells:
        for value in range(int(first), int(last) + 1):
            assert score(WELL | {SPO2: value, OXYGEN_FLOW: flow}, scale).points[SPO2] == points, value


@given(st.floats(0.1, 60))
def test_any_oxygen_is_two_points(flow: float) -> None:
    assert score(WELL | {OXYGEN_FLOW: flow}, 1).points[OXYGEN_FLOW] == 2


@pytest.mark.parametrize("letter", ACVPU)
def test_whoever_is_not_alert_has_three_points(letter: str) -> None:
    found = score(WELL | {CONSCIOUSNESS: ACVPU.index(letter)}, 1)
    assert found.points[CONSCIOUSNESS] == (0 if letter == "A" else 3)


@pytest.mark.parametrize(
    ("code", "value", "points"),
    [
        (TEMPERATURE, 35.04, 3),
        (TEMPERATURE, 35.05, 1),
        (TEMPERATURE, 38.04, 0),
        (TEMPERATURE, 38.05, 1),
        (TEMPERATURE, 36.04, 1),
        (TEMPERATURE, 36.05, 0),
        (TEMPERATURE, 39.04, 1),
        (TEMPERATURE, 39.05, 2),
        (SPO2, 91.4, 3),
        (SPO2, 91.5, 2),
        (SPO2, 95.5, 0),
        (HEART_RATE, 90.4, 0),
        (HEART_RATE, 90.5, 1),
        (SYSTOLIC, 219.5, 3),
        (RESPIRATION, 8.5, 1),
    ],
)
def test_values_between_cells_are_rounded_to_the_charts_precision(code: str, value: float, points: int) -> None:
    assert score(WELL | {code: value}, 1).points[code] == points


@pytest.mark.parametrize(
    ("changed", "total", "risk", "response"),
    [
        ({}, 0, "low", "routine_monitoring"),
        ({TEMPERATURE: 38.1}, 1, "low", "routine_monitoring"),
        ({RESPIRATION: 21.0}, 2, "low", "routine_monitoring"),
        ({RESPIRATION: 21.0, TEMPERATURE: 36.0}, 3, "low", "routine_monitoring"),  # three, but of no single one
        ({RESPIRATION: 21.0, HEART_RATE: 111.0}, 4, "low", "routine_monitoring"),
        ({CONSCIOUSNESS: 1.0}, 3, "low_medium", "urgent_ward_review"),
        ({CONSCIOUSNESS: 1.0, TEMPERATURE: 38.1}, 4, "low_medium", "urgent_ward_review"),
        ({CONSCIOUSNESS: 1.0, RESPIRATION: 21.0}, 5, "medium", "urgent_assessment"),
        ({RESPIRATION: 21.0, HEART_RATE: 111.0, TEMPERATURE: 38.5}, 5, "medium", "urgent_assessment"),
        ({RESPIRATION: 25.0, HEART_RATE: 131.0}, 6, "medium", "urgent_assessment"),
        ({RESPIRATION: 25.0, HEART_RATE: 131.0, TEMPERATURE: 36.0}, 7, "high", "emergency_assessment"),
    ],
)
def test_what_the_sum_and_a_single_three_call_for(
    changed: dict[str, float], total: int, risk: str, response: str
) -> None:
    found = score(WELL | changed, 1)
    assert (found.total, found.risk, found.response) == (total, risk, response)


@given(st.sampled_from(sorted(CHART)), st.floats(0, 1), st.floats(0, 1))
def test_between_two_printed_values_the_points_are_those_of_one_of_them(code: str, where: float, part: float) -> None:
    """Whatever a device or a conversion brings: no value is in no band, and none in a band further off."""
    step = 0.1 if code == TEMPERATURE else 1.0
    first, last = CHART[code][0][0], CHART[code][-1][1]
    below = round(first + round((last - step - first) / step * where) * step, 1)
    points = [score(WELL | {code: value}, 1).points[code] for value in (below, below + step * part, below + step)]
    assert points[1] == (points[0] if part < 0.49 else points[2] if part > 0.51 else points[1])
    assert points[1] in (points[0], points[2])


any_set = st.fixed_dictionaries(
    {
        RESPIRATION: st.floats(2, 80),
        SPO2: st.floats(40, 100),
        OXYGEN_FLOW: st.floats(0, 60),
        SYSTOLIC: st.floats(40, 300),
        HEART_RATE: st.floats(15, 300),
        CONSCIOUSNESS: st.integers(0, 4).map(float),
        TEMPERATURE: st.floats(25, 45),
    }
)


@given(any_set, st.sampled_from([1, 2]))
def test_whatever_can_be_stored_has_a_score_in_range(values: dict[str, float], scale: Scale) -> None:
    found = score(values, scale)
    assert found.total == sum(found.points.values())
    assert 0 <= found.total <= 20
    assert set(found.points) == set(PARAMETERS)
    assert all(0 <= points <= 3 for points in found.points.values())
    assert (found.risk == "high") == (found.total >= 7)


def whole(**ages: timedelta) -> dict[str, Measured]:
    return {code: Measured(value, START - ages.get(code, timedelta())) for code, value in WELL.items()}


def test_a_set_is_complete_recent_and_of_one_time() -> None:
    assert faults(whole(), START) == {}
    without = {code: one for code, one in whole().items() if code != TEMPERATURE}
    assert faults(without, START) == {TEMPERATURE: "missing"}
    assert faults({}, START) == dict.fromkeys(PARAMETERS, "missing")
    assert faults(whole(), START + AGE_LIMIT) == {}
    assert set(faults(whole(), START + AGE_LIMIT + timedelta(seconds=1)).values()) == {"stale"}
    assert faults(whole(**{SPO2: SET_SPAN}), START) == {}
    assert faults(whole(**{SPO2: SET_SPAN + timedelta(seconds=1)}), START) == {SPO2: "apart"}


@given(st.sets(st.sampled_from(PARAMETERS), min_size=1))
def test_no_part_of_a_set_has_a_score(absent: set[str]) -> None:
    present = {code: one for code, one in whole().items() if code not in absent}
    assert set(faults(present, START)) == absent
    with pytest.raises(KeyError):
        news2.score({code: one.value for code, one in present.items()}, 1)
