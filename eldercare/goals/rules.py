"""What may become of a goal, and what its target can be: decisions without I/O."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from eldercare.vitals.rules.codes import SIGNS
from eldercare.wellbeing.rules.measures import MEASURES, SCALES

Lifecycle = Literal[
    "proposed", "planned", "accepted", "active", "on-hold", "completed", "cancelled", "entered-in-error", "rejected"
]
"""https://hl7.org/fhir/R4/valueset-goal-status.html"""
Achievement = Literal[
    "in-progress",
    "improving",
    "worsening",
    "no-change",
    "achieved",
    "sustaining",
    "not-achieved",
    "no-progress",
    "not-attainable",
]
"""https://hl7.org/fhir/R4/valueset-goal-achievement.html"""
Priority = Literal["high-priority", "medium-priority", "low-priority"]
"""https://hl7.org/fhir/R4/valueset-goal-priority.html"""

LIFECYCLES: Final[tuple[Lifecycle, ...]] = get_args(Lifecycle)
ACHIEVEMENTS: Final[tuple[Achievement, ...]] = get_args(Achievement)
OPEN: Final[tuple[Lifecycle, ...]] = ("proposed", "planned", "accepted", "active", "on-hold")
MOST: Final = 20
"""Open goals of one plan."""

TRANSITIONS: Final[Mapping[Lifecycle, frozenset[Lifecycle]]] = {
    "proposed": frozenset({"planned", "accepted", "active", "rejected", "cancelled", "entered-in-error"}),
    "planned": frozenset({"accepted", "active", "on-hold", "rejected", "cancelled", "entered-in-error"}),
    "accepted": frozenset({"planned", "active", "on-hold", "cancelled", "entered-in-error"}),
    "active": frozenset({"on-hold", "completed", "cancelled", "entered-in-error"}),
    "on-hold": frozenset({"active", "completed", "cancelled", "entered-in-error"}),
    # What was achieved, or given up, may be taken up again.
    "completed": frozenset({"active", "entered-in-error"}),
    "cancelled": frozenset({"active", "entered-in-error"}),
    "rejected": frozenset({"proposed", "entered-in-error"}),
    "entered-in-error": frozenset(),
}
"""What may become of a goal (after the states of FHIR R4 Goal): what was entered in error is none."""

JUDGED_WHILE: Final[tuple[Lifecycle, ...]] = ("active", "on-hold", "completed")
"""How far somebody got is said of what is, or was, worked at."""

_WELLBEING_RANGE: Final[Mapping[str, tuple[float, float]]] = {"of_5": (1, 5), "min": (0, 24 * 60), "%": (0, 100)}


def unit_of(measure: str) -> str:
    """Return the unit in which a measure's target is given: UCUM for a vital sign (LOINC); raises ``KeyError``."""
    return SCALES[measure].unit if measure in MEASURES else SIGNS[measure].unit


def bounds_of(measure: str) -> tuple[float, float]:
    """Return what a target of the measure must lie between; raises ``KeyError`` for what is not measured in numbers."""
    if measure in MEASURES:
        return _WELLBEING_RANGE[SCALES[measure].unit]
    sign = SIGNS[measure]
    if sign.is_coded:
        raise KeyError(measure)
    return sign.low, sign.high
