"""NEWS2: the early warning score of the Royal College of Physicians (London, 2017), unmodified, as chart 1 has it.

RCP, *National Early Warning Score (NEWS) 2. Standardising the assessment of acute-illness severity in the NHS*, 2017:
chart 1 (the scoring system), chart 2 (thresholds and triggers). Not for people under 16 or in pregnancy. A score is an
aid to a clinician's assessment and never takes its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

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

AGE_LIMIT: Final = timedelta(hours=12)
"""How old a set may be: the longest interval chart 4 leaves between two observations (aggregate score 0)."""
SET_SPAN: Final = timedelta(hours=1)
"""How far apart the readings of one set may lie: a score of different hours is nobody's state."""

Scale = Literal[1, 2]
Risk = Literal["low", "low_medium", "medium", "high"]
Response = Literal["routine_monitoring", "urgent_ward_review", "urgent_assessment", "emergency_assessment"]
Fault = Literal["missing", "stale", "apart"]

PARAMETERS: Final = (RESPIRATION, SPO2, OXYGEN_FLOW, SYSTOLIC, HEART_RATE, CONSCIOUSNESS, TEMPERATURE)
"""What a complete set consists of."""

_Bands = Sequence[tuple[float, int]]
_ABOVE: Final = float("inf")
_RESPIRATION: Final[_Bands] = ((8, 3), (11, 1), (20, 0), (24, 2), (_ABOVE, 3))
_SPO2_1: Final[_Bands] = ((91, 3), (93, 2), (95, 1), (_ABOVE, 0))
_SPO2_2_AIR: Final[_Bands] = ((83, 3), (85, 2), (87, 1), (_ABOVE, 0))
_SPO2_2_OXYGEN: Final[_Bands] = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (_ABOVE, 3))
_SYSTOLIC: Final[_Bands] = ((90, 3), (100, 2), (110, 1), (219, 0), (_ABOVE, 3))
_PULSE: Final[_Bands] = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_ABOVE, 3))
_TEMPERATURE: Final[_Bands] = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (_ABOVE, 2))
_ON_OXYGEN: Final = 2
_NOT_ALERT: Final = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """A reading of a set, in its canonical unit."""

    value: float
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Score:
    """The points of each parameter (by LOINC code), their sum, and what chart 2 makes of them."""

    points: Mapping[str, int]
    total: int
    risk: Risk
    response: Response


def faults(found: Mapping[str, Measured], now: datetime) -> dict[str, Fault]:
    """Return what keeps readings from being a complete, recent set, by code; empty if nothing does."""
    wrong: dict[str, Fault] = {code: "missing" for code in PARAMETERS if code not in found}
    newest = max((measured.measured_at for measured in found.values()), default=now)
    for code in PARAMETERS:
        if code in found and now - found[code].measured_at > AGE_LIMIT:
            wrong[code] = "stale"
        elif code in found and newest - found[code].measured_at > SET_SPAN:
            wrong[code] = "apart"
    return wrong


def score(values: Mapping[str, float], scale: Scale) -> Score:
    """Return the score of a complete set of values in canonical units; ``scale`` is that of SpO2.

    Values are rounded to the chart's precision first (temperature to 0.1 Cel, all others to whole numbers, halves up).
    Raises ``KeyError`` for an incomplete set.
    """
    on_oxygen = values[OXYGEN_FLOW] > 0
    saturation = (_SPO2_2_OXYGEN if on_oxygen else _SPO2_2_AIR) if scale == 2 else _SPO2_1
    points = {
        RESPIRATION: _points(_RESPIRATION, values[RESPIRATION]),
        SPO2: _points(saturation, values[SPO2]),
        OXYGEN_FLOW: _ON_OXYGEN if on_oxygen else 0,
        SYSTOLIC: _points(_SYSTOLIC, values[SYSTOLIC]),
        HEART_RATE: _points(_PULSE, values[HEART_RATE]),
        CONSCIOUSNESS: 0 if ACVPU[int(values[CONSCIOUSNESS])] == "A" else _NOT_ALERT,
        TEMPERATURE: _points(_TEMPERATURE, values[TEMPERATURE], "0.1"),
    }
    total = sum(points.values())
    return Score(points, total, *_trigger(total, max(points.values())))


def _trigger(total: int, worst: int) -> tuple[Risk, Response]:
    """Return what chart 2 says: of the sum, and of a 3 in any single parameter."""
    if total >= 7:
        return "high", "emergency_assessment"
    if total >= 5:
        return "medium", "urgent_assessment"
    if worst == 3:
        return "low_medium", "urgent_ward_review"
    return "low", "routine_monitoring"


def _points(bands: _Bands, value: float, precision: str = "1") -> int:
    read = float(Decimal(str(value)).quantize(Decimal(precision), ROUND_HALF_UP))
    return next(points for highest, points in bands if read <= highest)
