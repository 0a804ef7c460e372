"""How bad it is that somebody is missing on a trip, and what takes that back."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eldercare.alarms.models import AlarmKind, Severity
from eldercare.alarms.rules import AlarmSignal, Word

ORIGIN: Final = "trip_participant"
_MISSING: Final = frozenset({str(AlarmKind.MISSING_ON_TRIP)})


@dataclass(frozen=True, slots=True)
class Missing:
    """Somebody who is not with the others; ``id`` is the same however often it is told of.

    ``was_aboard``: they had been counted on this trip before.
    """

    id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    participation_id: uuid.UUID
    trip_id: uuid.UUID
    was_aboard: bool
    missed_at: datetime


def signal(missing: Missing) -> AlarmSignal:
    """Return what calls for help.

    Who was aboard is somewhere out there, alone. Who never came may have stayed at home: it is as a check-in that was
    not answered.
    """
    return AlarmSignal(
        kind=AlarmKind.MISSING_ON_TRIP,
        severity=Severity.HIGH if missing.was_aboard else Severity.MEDIUM,
        community_id=missing.community_id,
        resident_id=missing.resident_id,
        occurred_at=missing.missed_at,
        origin=(ORIGIN, missing.participation_id),
        evidence={
            "trip_id": str(missing.trip_id),
            "participation_id": str(missing.participation_id),
            "was_aboard": missing.was_aboard,
        },
        client_key=missing.id,
    )


def found(participation_id: uuid.UUID, found_at: datetime) -> Word:
    """Return the word that it is known where somebody is: it speaks of their being missed on this trip."""
    return Word(_MISSING, answers=participation_id, given_at=found_at)
