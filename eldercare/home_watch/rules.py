"""What calls for help of what a home notices, how bad it is, and what the home itself can take back: decisions."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from eldercare.alarms.models import AlarmKind, Severity
from eldercare.alarms.rules import AlarmSignal, Word

ORIGIN: Final = "home_incident"

KINDS: Final[Mapping[str, AlarmKind]] = {
    "smoke": AlarmKind.SMOKE,
    "gas": AlarmKind.GAS,
    "carbon_monoxide": AlarmKind.CARBON_MONOXIDE,
    "water": AlarmKind.WATER,
    "fall": AlarmKind.FALL,
    "sos": AlarmKind.SOS,
    "bed_exit": AlarmKind.BED_EXIT,
    "door_open_at_night": AlarmKind.DOOR_AT_NIGHT,
    "no_motion": AlarmKind.INACTIVITY,
    "bathroom_stay": AlarmKind.BATHROOM_STAY,
    "stove_unattended": AlarmKind.STOVE,
    "cold": AlarmKind.COLD,
    "heat": AlarmKind.HEAT,
    "sos_button_silent": AlarmKind.DEVICE_SILENT,
}
"""What a home notices in the home's words, and what kind of alarm it is."""

HAZARDS: Final = frozenset({"smoke", "gas", "carbon_monoxide", "water", "fall", "sos"})
"""What reaches somebody whoever lives there, wherever they are said to be, and is never a mere hint."""
SETTLING: Final = frozenset(
    {"no_motion", "bathroom_stay", "bed_exit", "door_open_at_night", "stove_unattended", "sos_button_silent"}
)
"""What the home itself can take back: somebody moves again, is back in bed, the door is closed, the stove is off, the
button is heard. Everything else needs a human to look: smoke that has gone has been somewhere, a sensor under water
reports nothing, and who was cold for hours is not well because the heating is on."""
MUTED_AWAY: Final = frozenset({"no_motion", "bathroom_stay", "bed_exit"})
"""What says nothing of somebody who is not there."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a home noticed; ``id`` is the same however often it is told of, ``incident_id`` that of the incident.

    ``where`` is what is on record of it for those who come: the home, what noticed it, the room; ids, numbers and words
    of ours, nothing anybody wrote.
    """

    id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    incident_id: uuid.UUID
    kind: str
    severity: Severity
    is_hint: bool
    noticed_at: datetime
    where: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """That what a home noticed is over there, as the home says."""

    community_id: uuid.UUID
    resident_id: uuid.UUID
    incident_id: uuid.UUID
    kind: str
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an incident already: as bad as it was told of, and when it was noticed and over."""

    severity: Severity | None
    is_hint: bool
    noticed_at: datetime | None
    settled_at: datetime | None


def is_hint(notice: Notice) -> bool:
    """Say whether it calls nobody by itself: as the home says, but a hazard always calls."""
    return notice.is_hint and notice.kind not in HAZARDS


def is_new(notice: Notice, known: Known | None) -> bool:
    """Say whether a notice says more than is known: it is of later, worse, or no mere hint any more.

    A home tells of an incident again when it began again or got worse, not because it goes on. Whether its end was told
    in between says nothing: that of a fall never is, and any other may be told in the same breath, after it.
    """
    if known is None or known.noticed_at is None or known.severity is None:
        return True
    is_worse = notice.severity > known.severity or (known.is_hint and not is_hint(notice))
    return is_worse or notice.noticed_at > known.noticed_at


def is_over(kind: str, noticed_at: datetime | None, settled_at: datetime | None) -> bool:
    """Say whether the home itself has taken back what it noticed: nothing is to be done about it any more."""
    return kind in SETTLING and settled_at is not None and (noticed_at is None or noticed_at <= settled_at)


def concerns(notice: Notice, *, is_in_care: bool, is_away: bool) -> bool:
    """Say whether somebody is called for it, or it is kept as a hint.

    Hazards call whoever lives there and wherever they are: where nobody is named to be called, the duty desk is. So
    does whatever is high or worse. The rest calls for those in remote care alone: for nobody else has it been agreed.
    What only says that nobody moves says nothing while the resident is away.
    """
    if notice.kind in HAZARDS:
        return True
    if is_away and notice.kind in MUTED_AWAY:
        return False
    return is_in_care or (notice.severity >= Severity.HIGH and not notice.is_hint)


def signal(notice: Notice) -> AlarmSignal:
    """Return what calls for help: an SOS is as one by the app, without a countdown, for nobody can take it back there.

    A kind that has no alarm of its own yet is a concern: it must still be taken.
    """
    kind = KINDS.get(notice.kind, AlarmKind.CONCERN)
    hinted = is_hint(notice)
    return AlarmSignal(
        kind=kind,
        severity=Severity.CRITICAL if kind == AlarmKind.SOS else notice.severity,
        community_id=notice.community_id,
        resident_id=notice.resident_id,
        occurred_at=notice.noticed_at,
        origin=(ORIGIN, notice.incident_id),
        evidence={"incident_id": str(notice.incident_id), "noticed": notice.kind, **notice.where},
        client_key=None if hinted else notice.id,
        is_hint=hinted,
    )


def taken_back(settled: Settled, also: frozenset[uuid.UUID]) -> Word:
    """Return the word that it is over at home: of this incident and those that are over already, and of nothing else.

    That nobody moved may have been said by somebody who stood before them: a sensor says nothing of that.
    """
    kinds = frozenset(str(KINDS.get(kind, AlarmKind.CONCERN)) for kind in SETTLING)
    return Word(kinds, answers=settled.incident_id, given_at=datetime.min.replace(tzinfo=UTC), also_answers=also)
