"""How bad it is what was found at a home, and what a word from the resident takes back of it."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eldercare.alarms.models import AlarmKind, Severity
from eldercare.alarms.rules import AlarmSignal, Word

ORIGIN: Final = "home_order"
SEVERITY: Final = {
    # Somebody stands before them and says so.
    AlarmKind.FOUND_UNWELL: Severity.HIGH,
    # They may be out; it is as a check-in that was not answered.
    AlarmKind.NO_ANSWER_AT_DOOR: Severity.MEDIUM,
}
NO_ANSWER: Final = frozenset({str(AlarmKind.NO_ANSWER_AT_DOOR)})


@dataclass(frozen=True, slots=True)
class Finding:
    """What somebody who came by an order found; ``id`` is the same however often it is told of."""

    id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    order_id: uuid.UUID
    reported_by: uuid.UUID | None
    found_at: datetime


def key(finding: Finding, kind: AlarmKind) -> uuid.UUID:
    """Return what the signal of a finding is known by, so that it is stored once."""
    return uuid.uuid5(finding.id, kind)


def signal(finding: Finding, kind: AlarmKind) -> AlarmSignal:
    """Return what calls for help: who reported it and which order, nothing of how to get in."""
    return AlarmSignal(
        kind=kind,
        severity=SEVERITY[kind],
        community_id=finding.community_id,
        resident_id=finding.resident_id,
        occurred_at=finding.found_at,
        origin=(ORIGIN, finding.order_id),
        evidence={
            "order_id": str(finding.order_id),
            **({"reported_by": str(finding.reported_by)} if finding.reported_by else {}),
        },
        client_key=key(finding, kind),
    )


def heard(answers: uuid.UUID, given_at: datetime) -> Word:
    """Return a word that the resident is well, or let somebody in: it speaks of every closed door before it."""
    return Word(NO_ANSWER, answers=answers, given_at=given_at)
