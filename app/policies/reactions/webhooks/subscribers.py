"""The domains' facts as outward events: names organizations can rely on, and ids."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import ChargeCredited, ChargeOpened, ChargePaid, ChargeReopened, DisputeClosed, DisputeOpened
from app.core.events import Subscriber
from community.api import ORDER_REFERENCE
from community.events import (
    OrderAssigned,
    OrderCancelled,
    OrderClosed,
    OrderFinished,
    OrderNoAccess,
    OrderPlaced,
    OrderSetOut,
    OrderStarted,
    OrderUnassigned,
)
from eldercare.events import (
    AlarmAcknowledged,
    AlarmRaised,
    AlarmResolved,
    CheckInMissed,
    DoseMissed,
    DoseRecordWithdrawn,
    DoseSkipped,
    DoseTaken,
    VisitAssigned,
    VisitCancelled,
    VisitCarerRemoved,
    VisitCompleted,
    VisitMissed,
    VisitMoved,
    VisitResumed,
    VisitStarted,
    VisitSuspended,
)
from notifications.api import Happening, WebhookEvent, publish
from telemedicine.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentReproposed,
    AppointmentRequested,
    AppointmentRequestEnded,
    AppointmentStatusChanged,
    AppointmentUnanswered,
    BillStateChanged,
    ConsultationClosed,
    ConsultationNoteSigned,
    ConsultationStarted,
    HealthRecordMarkedWrong,
    HealthRecordWritten,
    QuestionStateChanged,
    ReferralOverdue,
    ReferralStateChanged,
    WaitlistOffered,
)

ClinicsFact = (
    AppointmentBooked
    | AppointmentCancelled
    | AppointmentExpired
    | AppointmentMoved
    | AppointmentReproposed
    | AppointmentRequested
    | AppointmentRequestEnded
    | AppointmentStatusChanged
    | AppointmentUnanswered
    | BillStateChanged
    | WaitlistOffered
    | ConsultationStarted
    | ConsultationClosed
    | ConsultationNoteSigned
)
"""Facts that only the clinic they happened at is told of: what somebody sees a doctor for is no agency's business."""
ProvidersFact = (
    OrderPlaced
    | OrderAssigned
    | OrderUnassigned
    | OrderSetOut
    | OrderStarted
    | OrderFinished
    | OrderClosed
    | OrderNoAccess
    | OrderCancelled
)
"""Facts of orders: only the provider they are placed with is told."""
MoneyFact = ChargeOpened | ChargeCredited | ChargePaid | ChargeReopened | DisputeOpened | DisputeClosed
"""Facts of money, of which those for orders are told to the provider; a clinic hears of its bills instead."""
BetweenClinics = QuestionStateChanged | ReferralOverdue | ReferralStateChanged
"""Facts of two clinics: nobody else is told."""
Fact = (
    AlarmRaised
    | AlarmAcknowledged
    | AlarmResolved
    | CheckInMissed
    | DoseMissed
    | DoseRecordWithdrawn
    | DoseSkipped
    | DoseTaken
    | HealthRecordMarkedWrong
    | HealthRecordWritten
    | VisitAssigned
    | VisitCancelled
    | VisitCarerRemoved
    | VisitCompleted
    | VisitMissed
    | VisitMoved
    | VisitResumed
    | VisitStarted
    | VisitSuspended
    | ClinicsFact
    | BetweenClinics
    | MoneyFact
    | ProvidersFact
)
_SCOPES: Final = {
    "alarm": "alarms:read",
    "appointment": "appointments:manage",
    "bill": "bills:read",
    "charge": "home_services:read",
    "check_in": "check_ins:read",
    "consultation": "consultations:read",
    "dispute": "home_services:read",
    "dose": "medication:read",
    "health_record": "records:read",
    "order": "home_services:read",
    "question": "records:read",
    "referral": "records:read",
    "visit": "visits:read",
}


def _about(thing: str, what: str, description: str) -> WebhookEvent:
    return WebhookEvent(
        name=f"{thing}.{what}", scope=_SCOPES[thing], object_ids=(f"{thing}_id",), description=description
    )


OUTWARD: Final[Mapping[type[Fact], WebhookEvent]] = {
    AlarmRaised: _about("alarm", "raised", "Somebody may need somebody; the alarm itself says whether it is a test."),
    AlarmAcknowledged: _about("alarm", "acknowledged", "A person took the alarm."),
    AlarmResolved: _about("alarm", "resolved", "The alarm ended."),
    CheckInMissed: _about("check_in", "missed", "A resident was asked and did not answer."),
    DoseTaken: _about("dose", "taken", "A dose was recorded as taken."),
    DoseSkipped: _about("dose", "skipped", "A planned dose was not taken, for a reason that was given."),
    DoseMissed: _about("dose", "missed", "Nobody recorded a planned dose in its time."),
    DoseRecordWithdrawn: _about("dose", "record_withdrawn", "What was recorded of a dose was a mistake."),
    VisitAssigned: _about("visit", "assigned", "A carer makes a visit."),
    VisitCarerRemoved: _about("visit", "carer_removed", "A carer does not make a visit any more."),
    VisitMoved: _about("visit", "moved", "A visit has another time."),
    VisitSuspended: _about("visit", "suspended", "A visit is off while the resident is away."),
    VisitResumed: _about("visit", "resumed", "The resident is back: a visit that was off is planned again."),
    VisitCancelled: _about("visit", "cancelled", "A visit does not take place."),
    VisitStarted: _about("visit", "started", "The first carer is with the resident."),
    VisitCompleted: _about("visit", "completed", "A visit was made and is over."),
    HealthRecordWritten: _about("health_record", "written", "Something was entered in a health record, or corrected."),
    HealthRecordMarkedWrong: _about("health_record", "withdrawn", "A health record was entered in error."),
    VisitMissed: _about("visit", "missed", "Nobody came in time."),
    AppointmentBooked: _about("appointment", "booked", "A time at the clinic is somebody's."),
    AppointmentRequested: _about("appointment", "requested", "A clinic that keeps its own diary is asked for a time."),
    AppointmentUnanswered: _about("appointment", "unanswered", "The clinic has not answered, and somebody was called."),
    AppointmentReproposed: _about("appointment", "reproposed", "The clinic proposes another time than was asked for."),
    AppointmentRequestEnded: _about("appointment", "request_ended", "What the clinic was asked for is not booked."),
    AppointmentMoved: _about("appointment", "moved", "An appointment has another time, or is with somebody else."),
    AppointmentCancelled: _about("appointment", "cancelled", "An appointment does not take place."),
    AppointmentStatusChanged: _about("appointment", "status_changed", "Somebody came, was seen, or did not come."),
    WaitlistOffered: _about("appointment", "offered", "What came free is kept for whoever has waited longest."),
    AppointmentExpired: _about("appointment", "expired", "What was held or offered was not confirmed in time."),
    BillStateChanged: _about("bill", "state_changed", "A bill was issued, claimed, decided, settled or taken back."),
    ConsultationStarted: _about("consultation", "started", "Clinician and resident are together in a video visit."),
    ConsultationClosed: _about("consultation", "closed", "A video visit is over, or does not take place."),
    ConsultationNoteSigned: _about("consultation", "note_signed", "The note about a video visit stands."),
    ReferralStateChanged: _about("referral", "state_changed", "A referral was requested, answered, booked, concluded."),
    ReferralOverdue: _about("referral", "overdue", "Something about a referral has not happened in time."),
    OrderPlaced: _about("order", "placed", "Help at home is ordered and its money is there, or is paid at the door."),
    OrderAssigned: _about("order", "assigned", "Somebody goes to an order."),
    OrderUnassigned: _about("order", "unassigned", "Whoever was to go to an order does not."),
    OrderSetOut: _about("order", "set_out", "Whoever comes is on the way."),
    OrderStarted: _about("order", "started", "Whoever came is let in, and begins."),
    OrderFinished: _about("order", "finished", "The work of an order is done."),
    OrderClosed: _about("order", "closed", "An order is done and paid."),
    OrderNoAccess: _about("order", "no_access", "Nobody answered the door."),
    OrderCancelled: _about("order", "cancelled", "An order does not take place."),
    ChargeOpened: _about("charge", "opened", "Something is owed for an order."),
    ChargeCredited: _about("charge", "credited", "A part of what was owed for an order was waived."),
    ChargePaid: _about("charge", "paid", "All that was owed for an order has been paid."),
    ChargeReopened: _about("charge", "reopened", "A payment for an order was given back: something is owed again."),
    DisputeOpened: _about("dispute", "opened", "A card payment for an order is disputed at the bank."),
    DisputeClosed: _about("dispute", "closed", "A dispute about a card payment for an order was decided."),
    QuestionStateChanged: _about("question", "state_changed", "A question between clinics was asked or answered."),
}
"""Facts → what organizations hear of them; the one id beside the resident's is the aggregate's."""


def _told(fact: Fact) -> Sequence[uuid.UUID | None]:
    """Return which organizations alone are told; ``None``: all that may know."""
    if isinstance(fact, QuestionStateChanged):
        return (fact.from_organization_id,)  # who is asked does not hear about whom
    if isinstance(fact, BetweenClinics):
        return (fact.organization_id, fact.from_organization_id)
    if isinstance(fact, ClinicsFact | MoneyFact | ProvidersFact):
        return (fact.organization_id,)
    return (None,)


def _is_told(fact: Fact) -> bool:
    return not isinstance(fact, MoneyFact) or fact.reference_kind == ORDER_REFERENCE


def _resident(fact: Fact) -> uuid.UUID:
    if isinstance(fact, ChargeOpened | ChargeCredited | ChargePaid | ChargeReopened):
        return fact.payer_id
    return fact.resident_id


async def _tell_organizations(session: AsyncSession, facts: Sequence[Fact]) -> None:
    by_event: defaultdict[type[Fact], list[Happening]] = defaultdict(list)
    for fact in filter(_is_told, facts):
        (name,) = OUTWARD[type(fact)].object_ids
        for only in _told(fact):
            by_event[type(fact)].append(
                Happening(
                    fact.id, fact.community_id, _resident(fact), fact.occurred_at, {name: fact.aggregate_id}, only
                )
            )
    for kind, happenings in by_event.items():
        await publish(session, OUTWARD[kind], happenings)


SUBSCRIBERS: tuple[Subscriber, ...] = (Subscriber("policies.tell_organizations", tuple(OUTWARD), _tell_organizations),)
