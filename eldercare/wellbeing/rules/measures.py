"""What of a person's days is looked at, in which unit, and how much of a difference is one at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Measure = Literal["mood", "sleep", "activity", "adherence"]
Unit = Literal["of_5", "min", "%"]

MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)


@dataclass(frozen=True, slots=True)
class Scale:
    """How a measure is counted. A difference smaller than ``least`` is none, however regular somebody's days are."""

    unit: Unit
    worse: Literal["lower", "higher"]
    least: float


SCALES: Final[Mapping[Measure, Scale]] = {
    # One whole step of the five somebody chooses from.
    "mood": Scale("of_5", "lower", 1.0),
    "sleep": Scale("of_5", "lower", 1.0),
    # How long it takes somebody to answer their check-ins: a quarter of an hour is the reminder they usually get.
    "activity": Scale("min", "higher", 15.0),
    # Of the planned doses of a day, those recorded as taken: one of four, or one of one every fourth day.
    "adherence": Scale("%", "lower", 25.0),
}
