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


class CheckInAnswered(Event):
    """A check-in was answered; ``aggregate_id`` is the check-in, as in all facts about it."""

    name: ClassVar[str] = "eldercare.check_in_answered.v1"

    resident_id: uuid.UUID
    plan_id: uuid.UUID
    answer: Literal["ok", "needs_help"]
    how: Literal["self", "saw", "spoke"]
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
