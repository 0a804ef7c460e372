"""What callers say and are told of how long is waited for visits."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from eldercare.alarms.models import Severity, SeverityName
from eldercare.tolerances.rules import BOUNDS, FIELDS, SEVERITIES, Tolerances

_LABELS = {severity.label: severity for severity in Severity}


def _bounded(name: str, description: str) -> Any:
    least, most = BOUNDS[name]
    return Field(default=None, ge=least, le=most, description=description)


def _severe(name: str) -> Any:
    least, most = SEVERITIES[name]
    labels = [severity.label for severity in Severity if least <= severity <= most]
    return Field(default=None, pattern=f"^({'|'.join(labels)})$", description=f"one of {', '.join(labels)}")


class VisitTolerancesWrite(BaseModel):
    """How long is waited for visits, and how bad it is when nobody comes. What is left out is as it is further up.

    Where the time matters nothing applies that is more lenient than the default, whatever is said here.
    """

    model_config = ConfigDict(extra="forbid")

    staffed_before: timedelta | None = _bounded("staffed_before", "before the start: the agency hears who is missing")
    late_after: timedelta | None = _bounded("late_after", "after the start: nobody has arrived")
    missed_after: timedelta | None = _bounded("missed_after", "after the start: it counts as missed")
    critical_missed_after: timedelta | None = _bounded("critical_missed_after", "the same where the time matters")
    check_out_after: timedelta | None = _bounded("check_out_after", "after the end: who has not left is asked")
    late_severity: SeverityName | None = _severe("late_severity")
    missed_severity: SeverityName | None = _severe("missed_severity")
    check_out_severity: SeverityName | None = _severe("check_out_severity")

    def values(self) -> dict[str, Any]:
        """Return what is said as it is kept, by column."""
        said = self.model_dump()
        return {name: int(_LABELS[said[name]]) if said[name] and name in SEVERITIES else said[name] for name in FIELDS}


class VisitTolerancesVersion(VisitTolerancesWrite):
    """What somebody said once, and until when that applied (empty: it does)."""

    revision: int
    changed_by: uuid.UUID
    changed_at: datetime
    superseded_at: datetime | None


class AppliedTolerances(BaseModel):
    """What applies to a visit."""

    staffed_before: timedelta
    late_after: timedelta
    missed_after: timedelta
    check_out_after: timedelta
    late_severity: SeverityName
    missed_severity: SeverityName
    check_out_severity: SeverityName

    @classmethod
    def of(cls, found: Tolerances) -> Self:
        """Return what applies as it is shown."""
        labels = {name: Severity(getattr(found, name)).label for name in SEVERITIES}
        return cls(**{**found.values(), **labels})


class VisitTolerancesPublic(BaseModel):
    """What was said here, and what applies by it to visits from now on."""

    said: Annotated[VisitTolerancesWrite, Field(description="here; the rest is as it is further up")]
    revision: int = Field(description="0: nothing was ever said here")
    changed_by: uuid.UUID | None
    changed_at: datetime | None
    applies: AppliedTolerances
    applies_where_time_matters: AppliedTolerances
