"""How long is waited for a visit, and how bad it is when nobody comes: defaults, bounds, and what applies where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, Protocol

from eldercare.alarms.models import Severity

Scope = Literal["community", "agency", "care_plan"]

BOUNDS: Final[Mapping[str, tuple[timedelta, timedelta]]] = {
    "staffed_before": (timedelta(hours=1), timedelta(hours=72)),
    "late_after": (timedelta(minutes=5), timedelta(minutes=60)),
    "missed_after": (timedelta(minutes=15), timedelta(hours=2)),
    "critical_missed_after": (timedelta(minutes=10), timedelta(minutes=30)),
    "check_out_after": (timedelta(minutes=5), timedelta(minutes=60)),
}
"""What may be agreed at all: below it everybody is called for a red traffic light, above it somebody lies there."""
SEVERITIES: Final[Mapping[str, tuple[Severity, Severity]]] = {
    "late_severity": (Severity.LOW, Severity.HIGH),
    "missed_severity": (Severity.MEDIUM, Severity.HIGH),
    "check_out_severity": (Severity.MEDIUM, Severity.HIGH),
}
DEFAULTS: Final[Mapping[str, Any]] = {
    "staffed_before": timedelta(hours=2),
    "late_after": timedelta(minutes=15),
    "missed_after": timedelta(minutes=60),
    "critical_missed_after": timedelta(minutes=30),
    "check_out_after": timedelta(minutes=15),
    "late_severity": Severity.LOW,
    "missed_severity": Severity.MEDIUM,
    "check_out_severity": Severity.MEDIUM,
}
"""What applies where nobody said anything."""
FIELDS: Final[tuple[str, ...]] = tuple(DEFAULTS)


class Carried(Protocol):
    """What a visit carries of it: a ``Tolerances``, or the row of a visit."""

    @property
    def staffed_before(self) -> timedelta: ...
    @property
    def late_after(self) -> timedelta: ...
    @property
    def missed_after(self) -> timedelta: ...
    @property
    def check_out_after(self) -> timedelta: ...


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What applies to a visit."""

    staffed_before: timedelta
    """So long before its time the agency hears that it has no carers: there is still time to find somebody."""
    late_after: timedelta
    """After that an alarm is raised, and the agency hears that nobody has arrived."""
    missed_after: timedelta
    """After that it counts as missed and an alarm is raised."""
    check_out_after: timedelta
    """So long after the end a carer who has not left is asked; after as long again an alarm is raised."""
    late_severity: Severity
    missed_severity: Severity
    check_out_severity: Severity

    def values(self) -> dict[str, Any]:
        """Return what a visit's row carries, by column."""
        return {
            "staffed_before": self.staffed_before,
            "late_after": self.late_after,
            "missed_after": self.missed_after,
            "check_out_after": self.check_out_after,
            "late_severity": int(self.late_severity),
            "missed_severity": int(self.missed_severity),
            "check_out_severity": int(self.check_out_severity),
        }


def resolve(levels: Sequence[Mapping[str, Any]], *, is_critical: bool) -> Tolerances:
    """Return what applies to a visit; ``levels`` are what its community, agency and plan say.

    The nearest word counts. Where the time matters an alarm is a step worse, and nothing anybody says is more lenient
    than what is the default: ours, and the community's where that is stricter.
    """
    found = _tolerances(_merged(levels), is_critical=is_critical)
    if not is_critical:
        return found
    return _strictest(
        found, _tolerances(DEFAULTS, is_critical=True), _tolerances(_merged(levels[:1]), is_critical=True)
    )


def contradicts(levels: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether by these words a visit would be missed before it is late."""
    said = _merged(levels)
    return bool(said["late_after"] >= said["missed_after"])


def _merged(levels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    said = dict(DEFAULTS)
    for level in levels:
        said.update({name: level[name] for name in FIELDS if level.get(name) is not None})
    return said


def _tolerances(said: Mapping[str, Any], *, is_critical: bool) -> Tolerances:
    missed_after = said["critical_missed_after" if is_critical else "missed_after"]
    return Tolerances(
        staffed_before=said["staffed_before"],
        late_after=min(said["late_after"], missed_after),
        missed_after=missed_after,
        check_out_after=said["check_out_after"],
        late_severity=_severity(said["late_severity"], is_critical=is_critical),
        missed_severity=_severity(said["missed_severity"], is_critical=is_critical),
        check_out_severity=Severity(said["check_out_severity"]),
    )


def _severity(severity: int, *, is_critical: bool) -> Severity:
    return Severity(min(severity + 1, Severity.HIGH)) if is_critical else Severity(severity)


def _strictest(*several: Tolerances) -> Tolerances:
    return Tolerances(
        staffed_before=max(one.staffed_before for one in several),
        late_after=min(one.late_after for one in several),
        missed_after=min(one.missed_after for one in several),
        check_out_after=min(one.check_out_after for one in several),
        late_severity=max(one.late_severity for one in several),
        missed_severity=max(one.missed_severity for one in several),
        check_out_severity=max(one.check_out_severity for one in several),
    )
