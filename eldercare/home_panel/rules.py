"""What a press on the wall of a home is: an SOS as if from the app, with nothing to take it back by."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eldercare.alarms.models import AlarmKind, Severity
from eldercare.alarms.rules import AlarmSignal

ORIGIN: Final = "home_panel"


@dataclass(frozen=True, slots=True)
class Press:
    """That a button was pressed: ``id`` is that press's, so that it counts once however often it is told of."""

    id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    panel_id: uuid.UUID
    pressed_at: datetime


def sos(press: Press) -> AlarmSignal:
    """Return the signal of an SOS. Without a countdown: there is no app in the hand to take it back with."""
    return AlarmSignal(
        kind=AlarmKind.SOS,
        severity=Severity.CRITICAL,
        community_id=press.community_id,
        resident_id=press.resident_id,
        occurred_at=press.pressed_at,
        origin=(ORIGIN, press.panel_id),
        evidence={"how": ORIGIN},
        client_key=press.id,
    )
