"""The facts eldercare emits: past tense, ids and enumerations only, versioned."""

import uuid
from typing import ClassVar, Literal

from app.core.events import Event

AlarmSeverity = Literal["low", "medium", "high", "critical"]


class AlarmRaised(Event):
    """Somebody may need somebody; ``aggregate_id`` is the alarm, as in all facts about it."""

    name: ClassVar[str] = "eldercare.alarm_raised.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID
    kind: str
    severity: AlarmSeverity
    is_test: bool


class AlarmJoined(Event):
    """A further signal joined an open alarm; ``renewed`` says that everybody is being called again."""

    name: ClassVar[str] = "eldercare.alarm_joined.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID
    kind: str
    severity: AlarmSeverity
    renewed: bool


class AlarmAcknowledged(Event):
    """A person took the alarm."""

    name: ClassVar[str] = "eldercare.alarm_acknowledged.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID
    account_id: uuid.UUID


class AlarmProgressed(Event):
    """Somebody is on the way to the resident, or with them."""

    name: ClassVar[str] = "eldercare.alarm_progressed.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID
    account_id: uuid.UUID
    state: Literal["en_route", "on_scene"]


class AlarmLapsed(Event):
    """Who took the alarm did not go on with it: people are called again."""

    name: ClassVar[str] = "eldercare.alarm_lapsed.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID


class AlarmUnanswered(Event):
    """There was nobody to tell, not even at the duty desk; it is tried again."""

    name: ClassVar[str] = "eldercare.alarm_unanswered.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID


class AlarmResolved(Event):
    """The alarm ended; ``outcome`` says how."""

    name: ClassVar[str] = "eldercare.alarm_resolved.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID
    outcome: str


class AlarmCancelled(Event):
    """The resident took the alarm back while its countdown ran."""

    name: ClassVar[str] = "eldercare.alarm_cancelled.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID


class CircleMemberInvited(Event):
    """A resident asks somebody into their care circle; ``aggregate_id`` is the circle member."""

    name: ClassVar[str] = "eldercare.circle_member_invited.v1"

    resident_id: uuid.UUID
    account_id: uuid.UUID


class CircleMemberAnswered(Event):
    """Who was asked into a care circle said yes or no; ``aggregate_id`` is the circle member."""

    name: ClassVar[str] = "eldercare.circle_member_answered.v1"

    resident_id: uuid.UUID
    account_id: uuid.UUID
    accepted: bool


class CircleMemberLeft(Event):
    """Somebody is no longer in a resident's care circle; ``aggregate_id`` is the circle member."""

    name: ClassVar[str] = "eldercare.circle_member_left.v1"

    resident_id: uuid.UUID
    account_id: uuid.UUID


class CircleMemberChanged(Event):
    """What is known about a member of a circle changed, such as their hours; ``aggregate_id`` is the circle member."""

    name: ClassVar[str] = "eldercare.circle_member_changed.v1"

    resident_id: uuid.UUID
    account_id: uuid.UUID


class CheckInAnswered(Event):
    """A check-in was answered; ``aggregate_id`` is the check-in, as in all facts about it."""

    name: ClassVar[str] = "eldercare.check_in_answered.v1"

    resident_id: uuid.UUID
    plan_id: uuid.UUID
    answer: Literal["ok", "needs_help"]
    how: Literal["self", "saw", "spoke", "home"]
    late: bool


class CheckInMissed(Event):
    """A resident was asked and did not answer."""

    name: ClassVar[str] = "eldercare.check_in_missed.v1"

    resident_id: uuid.UUID
    plan_id: uuid.UUID


class SafeZoneLeft(Event):
    """A resident left a zone they were to stay inside, or entered one to keep out of; ``aggregate_id`` is the zone."""

    name: ClassVar[str] = "eldercare.safe_zone_left.v1"

    resident_id: uuid.UUID
    alarm_id: uuid.UUID


class SafeZoneReturned(Event):
    """A resident is back where the zone wants them; ``aggregate_id`` is the zone."""

    name: ClassVar[str] = "eldercare.safe_zone_returned.v1"

    resident_id: uuid.UUID


class CheckInUnasked(Event):
    """A resident could not be asked: no channel worked."""

    name: ClassVar[str] = "eldercare.check_in_unasked.v1"

    resident_id: uuid.UUID
    plan_id: uuid.UUID


class AbsenceStated(Event):
    """A resident is away or in hospital, or will be; ``aggregate_id`` is the absence, as in all facts about it."""

    name: ClassVar[str] = "eldercare.absence_stated.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID


class AbsenceEnded(Event):
    """A resident is back before the time, or does not leave after all."""

    name: ClassVar[str] = "eldercare.absence_ended.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID


class CarerAbsenceChanged(Event):
    """That a carer cannot come was written down, or taken back; ``aggregate_id`` is the absence."""

    name: ClassVar[str] = "eldercare.carer_absence_changed.v1"

    organization_id: uuid.UUID
    account_id: uuid.UUID


class DoseTaken(Event):
    """A dose was recorded as taken; ``aggregate_id`` is the dose, as in all facts about it."""

    name: ClassVar[str] = "eldercare.dose_taken.v1"

    resident_id: uuid.UUID
    regimen_id: uuid.UUID
    kind: Literal["planned", "as_needed", "extra"]
    how: Literal["self", "gave", "saw", "told"]
    late: bool


class DoseSkipped(Event):
    """A planned dose was not taken, for a reason that was given."""

    name: ClassVar[str] = "eldercare.dose_skipped.v1"

    resident_id: uuid.UUID
    regimen_id: uuid.UUID
    reason: Literal["refused", "unwell", "not_available", "on_advice", "other"]


class DoseRecordWithdrawn(Event):
    """What was recorded of a dose was a mistake: it is what it was before; one that was not planned never was."""

    name: ClassVar[str] = "eldercare.dose_record_withdrawn.v1"

    resident_id: uuid.UUID
    regimen_id: uuid.UUID


class DoseMissed(Event):
    """Nobody recorded a planned dose in its time: whether it was taken is not known."""

    name: ClassVar[str] = "eldercare.dose_missed.v1"

    resident_id: uuid.UUID
    regimen_id: uuid.UUID
    is_critical: bool


class VisitAssigned(Event):
    """A carer makes a visit; ``aggregate_id`` is the visit, as in all facts about it."""

    name: ClassVar[str] = "eldercare.visit_assigned.v1"

    resident_id: uuid.UUID
    account_id: uuid.UUID


class VisitCarerRemoved(Event):
    """A carer does not make a visit any more; ``was_there`` says that it had begun."""

    name: ClassVar[str] = "eldercare.visit_carer_removed.v1"

    resident_id: uuid.UUID
    account_id: uuid.UUID
    was_there: bool


class VisitStarted(Event):
    """The first carer is with the resident."""

    name: ClassVar[str] = "eldercare.visit_started.v1"

    resident_id: uuid.UUID
    account_id: uuid.UUID
    how: Literal["tag", "qr", "gps", "manual"]


class VisitOverran(Event):
    """A visit that should have ended by now goes on: whatever its carers are to do next may begin late."""

    name: ClassVar[str] = "eldercare.visit_overran.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID


class VisitCompleted(Event):
    """A visit was made and is over."""

    name: ClassVar[str] = "eldercare.visit_completed.v1"

    resident_id: uuid.UUID


class VisitMissed(Event):
    """Nobody came in time."""

    name: ClassVar[str] = "eldercare.visit_missed.v1"

    resident_id: uuid.UUID


class VisitMoved(Event):
    """A visit has another time."""

    name: ClassVar[str] = "eldercare.visit_moved.v1"

    resident_id: uuid.UUID


class VisitSuspended(Event):
    """A visit is off while the resident is away."""

    name: ClassVar[str] = "eldercare.visit_suspended.v1"

    resident_id: uuid.UUID


class VisitResumed(Event):
    """The resident is back in time for a visit that was off: it is planned again, and needs its carers anew."""

    name: ClassVar[str] = "eldercare.visit_resumed.v1"

    resident_id: uuid.UUID


class VisitCancelled(Event):
    """A visit does not take place."""

    name: ClassVar[str] = "eldercare.visit_cancelled.v1"

    resident_id: uuid.UUID
    reason: Literal["resident", "agency", "plan_changed", "plan_ended", "closed"]
