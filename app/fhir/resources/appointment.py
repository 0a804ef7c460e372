"""Appointment: read and searched, booked by creating one, called off, moved or concluded by updating it."""

import uuid
from datetime import datetime
from typing import Any, Final, get_args

from app.core.paging import MAX_LIMIT, PageRequest
from app.core.problems import NotFound
from app.fhir.elements import VISIT_TYPE, Json, coding, concept, instant, meta, reference, resource, uuid_of
from app.fhir.intake import instant_sent
from app.fhir.keys import (
    ProposalKey,
    ScheduleKey,
    SlotKey,
    proposal_id,
    read_proposal,
    service_digest,
    slot_id,
)
from app.fhir.problems import bad_parameter, not_processable
from app.fhir.registry import ID, LAST_UPDATED, Asked, Changes, Found, Parameter, Query, Resource
from app.fhir.resources.appointment_intake import actor_of, reason_of, referral_of, wanted_slot
from app.fhir.resources.organization import ids_of
from app.fhir.resources.schedule import key_of
from telemedicine import api
from telemedicine.api import AppointmentEntry, AppointmentQuery, SlotPublic
from telemedicine.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentExpired,
    AppointmentHeld,
    AppointmentMoved,
    AppointmentStatusChanged,
    WaitlistOffered,
)

STATUS: Final = "http://hl7.org/fhir/appointmentstatus"
_REASON: Final = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_CALLED_OFF: Final = {"patient": ("pat", "Patient"), "clinic": ("prov", "Provider")}
AWAITS: Final = "urn:hearthline:appointment-awaits"
KEPT_UNTIL: Final = "urn:hearthline:appointment-kept-until"
"""What a pending or proposed appointment says of itself: whose yes is missing, and until when it is kept."""
_ALL: Final = PageRequest(MAX_LIMIT, None)
# What a client may send of an appointment; of it only what says who, what, when and whether is taken.
_TAKEN: Final = frozenset(
    {"resourceType", "id", "meta", "implicitRules", "language", "text", "status", "cancelationReason", "serviceType"}
    | {"specialty", "start", "end", "minutesDuration", "slot", "created", "participant", "basedOn", "extension"}
)


def shown(of: AppointmentEntry) -> Json:
    """Return an appointment."""
    reason = _CALLED_OFF.get(of.cancelled_by or "") if of.status == "cancelled" else None
    return resource(
        "Appointment",
        of.id,
        meta=meta(of.version, of.updated_at),
        basedOn=[reference("ServiceRequest", of.based_on_id)] if of.based_on_id else None,
        extension=_awaiting(of),
        status=of.status,
        cancelationReason={"coding": [coding(_REASON, *reason)]} if reason else None,
        serviceType=[concept(VISIT_TYPE, of.visit_type_id, of.visit_type)],
        start=instant(of.starts_at),
        end=instant(of.ends_at),
        minutesDuration=_minutes(of.starts_at, of.ends_at),
        slot=[
            reference("Slot", slot_id(SlotKey(ScheduleKey(of.practitioner_id, of.visit_type_id), of.starts_at))),
        ],
        created=instant(of.created_at),
        participant=[
            _participant(reference("Patient", of.resident_id), _stands(of, "patient")),
            _participant(reference("Practitioner", of.practitioner_id, of.practitioner), _stands(of, "clinic")),
            _participant(reference("HealthcareService", of.visit_type_id, of.visit_type.get("en")), "accepted"),
            *([_participant(reference("Location", of.location_id), "accepted")] if of.location_id else []),
        ],
    )


def _awaiting(of: AppointmentEntry) -> list[Json]:
    """Return what sets a hold of a few minutes (the patient's to confirm) apart from a request the clinic answers."""
    if of.awaits is None or of.hold_until is None:
        return []
    return [{"url": AWAITS, "valueCode": of.awaits}, {"url": KEPT_UNTIL, "valueInstant": instant(of.hold_until)}]


def _stands(of: AppointmentEntry, side: str) -> str:
    if of.awaits is not None:
        return "needs-action" if side == of.awaits else "accepted"
    return "declined" if of.status == "cancelled" and of.cancelled_by == side else "accepted"


def _participant(actor: Json, status: str) -> Json:
    return {"actor": actor, "required": "required", "status": status}


def _minutes(starts_at: datetime, ends_at: datetime) -> int:
    return max(1, round((ends_at - starts_at).total_seconds() / 60))


def proposed(of: SlotPublic, patient_id: uuid.UUID) -> Json:
    """Return the appointment a free slot would be for a patient; nothing is held by it."""
    key = key_of(of)
    place = of.location
    return resource(
        "Appointment",
        proposal_id(key, patient_id),
        status="proposed",
        serviceType=[concept(VISIT_TYPE, of.visit_type.id, of.visit_type.name)],
        start=instant(of.starts_at),
        end=instant(of.ends_at),
        minutesDuration=_minutes(of.starts_at, of.ends_at),
        slot=[reference("Slot", slot_id(key))],
        participant=[
            _participant(reference("Patient", patient_id), "needs-action"),
            _participant(reference("Practitioner", of.practitioner.id, of.practitioner.name), "accepted"),
            _participant(reference("HealthcareService", of.visit_type.id, of.visit_type.name.get("en")), "accepted"),
            *([_participant(reference("Location", place.id, place.name.get("en")), "accepted")] if place else []),
        ],
    )


async def slot_of(asked: Asked, key: ProposalKey) -> SlotKey:
    """Return the slot a proposed appointment is in, for whoever may book for its patient; raises ``NotFound``."""
    await api.check_bookable(asked.connection, asked.actor, key.patient_id)
    wanted = api.slot_query(asked.actor, practitioner_id=key.practitioner_id)
    page = await api.schedules(asked.connection, wanted, _ALL)
    for entry in page.items:
        if service_digest(entry.visit_type.id) == key.service:
            return SlotKey(ScheduleKey(entry.id, entry.visit_type.id), key.starts_at)
    raise NotFound


async def read(asked: Asked, key: str) -> Json:
    """Return an appointment, or a proposed one as long as its time is free; raises ``NotFound``."""
    proposal = read_proposal(key)
    if proposal is not None:
        known = await slot_of(asked, proposal)
        of, is_free = await api.slot(
            asked.connection, api.slot_query(asked.actor, pairs=[known.schedule]), known.starts_at
        )
        if not is_free:
            raise NotFound
        return proposed(of, proposal.patient_id)
    return shown(await api.appointment(asked.connection, asked.actor, _id(key)))


def _id(key: str) -> uuid.UUID:
    found = uuid_of(key)
    if found is None:
        raise NotFound
    return found


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of appointments: of one patient; without one, or of several, of the clinics one works for."""
    patients = ids_of(_both(query.keys("patient", "Patient"), query.keys("actor", "Patient")))
    if patients == []:
        return Found([])
    resident_id = patients[0] if patients is not None and len(patients) == 1 else None
    if patients and resident_id is None and not api.works_for_clinics(asked.actor):
        raise bad_parameter("patient", "one at a time", "not-supported")
    practitioners = _both(query.keys("practitioner", "Practitioner"), query.keys("actor", "Practitioner"))
    services = _both(query.codes("service-type", VISIT_TYPE), query.keys("actor", "HealthcareService"))
    places = _both(query.keys("location", "Location"), query.keys("actor", "Location"))
    when, updated = query.range("date"), query.range("_lastUpdated")
    wanted = AppointmentQuery(
        ids=ids_of(query.ids),
        resident_ids=patients if resident_id is None else None,
        statuses=query.codes("status", STATUS),
        practitioner_ids=ids_of(practitioners),
        visit_type_ids=ids_of(services),
        location_ids=ids_of(places),
        based_on_ids=ids_of(query.keys("based-on", "ServiceRequest")),
        starts_since=when.since,
        starts_before=when.before,
        updated_since=updated.since,
        updated_before=updated.before,
    )
    page = await api.appointments(
        asked.connection,
        asked.actor,
        wanted,
        query.page,
        resident_id=resident_id,
        descending=query.descending or False,
    )
    return Found([shown(one) for one in page.items], page.next)


def _both(one: set[str] | None, other: set[str] | None) -> set[str] | None:
    return one & other if one is not None and other is not None else one if one is not None else other


async def create(asked: Asked, document: Json) -> Json:
    """Book a slot (``booked``), or hold it for five minutes (``pending``); raises ``NotProcessable`` and the api's.

    What others than the clinic book with one that keeps its own diary is ``pending`` until the clinic answers.
    """
    _check_taken(document)
    status = document["status"]
    if status not in ("booked", "pending"):
        raise not_processable("Appointment.status", "booked books, pending holds for five minutes", "value")
    referral_id = referral_of(document)
    if referral_id is not None and status != "booked":
        raise not_processable("Appointment.basedOn", "for a referral a time is booked at once", "not-supported")
    patient = actor_of(document, "Patient")
    if patient is None:
        raise not_processable("Appointment.participant", "who is to be seen: one Patient", "required")
    key = wanted_slot(document)
    if referral_id is not None:
        time = api.OfferedTime(
            practitioner_id=key.schedule.practitioner_id,
            visit_type_id=key.schedule.visit_type_id,
            starts_at=key.starts_at,
        )
        return shown(await api.book_referred(asked.writing, asked.actor, referral_id, patient, time))
    made = await api.book_appointment(
        asked.writing,
        asked.actor,
        resident_id=patient,
        practitioner_id=key.schedule.practitioner_id,
        visit_type_id=key.schedule.visit_type_id,
        starts_at=key.starts_at,
        confirmed=status == "booked",
    )
    if "end" in document and instant_sent(document["end"], "Appointment.end") != made.ends_at:
        raise not_processable("Appointment.end", f"the slot ends at {instant(made.ends_at)}")
    return shown(made)


async def update(asked: Asked, key: str, document: Json, version: int | None) -> Json:
    """Confirm what is held, call off, move, or as the clinic say what became of it: one thing at a time.

    A clinic that keeps its own diary answers so, too: ``booked``, ``cancelled``, or ``proposed`` at another time.

    Raises ``NotFound``, ``StaleVersion``, ``NotProcessable``, and the api's.
    """
    _check_taken(document)
    appointment_id = _id(key)
    now = await api.require_version(asked.writing, asked.actor, appointment_id, version)
    _check_same(document, now)
    session, actor, status = asked.writing, asked.actor, document["status"]
    if status == "cancelled":
        return shown(await api.cancel_appointment(session, actor, appointment_id, reason_of(document)))
    wanted = wanted_slot(document)
    if (wanted.starts_at, wanted.schedule.practitioner_id) != (now.starts_at, now.practitioner_id):
        where: dict[str, Any] = {"starts_at": wanted.starts_at, "practitioner_id": wanted.schedule.practitioner_id}
        if status == "proposed" and now.awaits == "clinic":
            return shown(await api.answer_appointment(session, actor, appointment_id, "tentative", **where))
        if status != now.status:
            raise not_processable("Appointment.status", "another time and another status are two changes", "invariant")
        return shown(await api.move_appointment(session, actor, appointment_id, **where))
    return shown(await _stand(asked, now, status))


async def _stand(asked: Asked, now: AppointmentEntry, status: str) -> AppointmentEntry:
    """Have an appointment stand as it is said to, at the time it has."""
    session, actor = asked.writing, asked.actor
    if status == now.status:
        return now
    if status == "booked" and now.awaits == "clinic":
        return await api.answer_appointment(session, actor, now.id, "accepted")
    if status == "booked":
        return await api.confirm_appointment(session, actor, now.id)
    match status:
        case "arrived" | "checked-in" | "fulfilled" | "noshow" | "entered-in-error":
            return await api.record_outcome(session, actor, now.id, status)
    raise not_processable("Appointment.status", f"{now.status} does not become {status}", "value")


def _check_taken(document: Json) -> None:
    """Refuse what would be lost: what is said about a visit is kept, or not taken."""
    for name in sorted(document.keys() - _TAKEN):
        if not name.startswith("_") or name.removeprefix("_") not in _TAKEN:
            raise not_processable(f"Appointment.{name}", "this is not kept here: leave it out", "not-supported")
    for place, extension in enumerate(document.get("extension", [])):
        if extension["url"] not in (AWAITS, KEPT_UNTIL):  # ours come back in updates, and say nothing new
            path = f"Appointment.extension[{place}]"
            raise not_processable(path, "this is not kept here: leave it out", "not-supported")


def _check_same(document: Json, now: AppointmentEntry) -> None:
    if actor_of(document, "Patient") not in (None, now.resident_id):
        raise not_processable("Appointment.participant", "an appointment stays its patient's")
    service = actor_of(document, "HealthcareService")
    if service not in (None, now.visit_type_id):
        raise not_processable("Appointment.participant", "an appointment stays for what it was booked")
    if "basedOn" in document and referral_of(document) != now.based_on_id:
        raise not_processable("Appointment.basedOn", "an appointment stays for the referral it was booked for")


APPOINTMENT = Resource(
    type="Appointment",
    documentation=(
        "A patient's appointments; without a patient, or of several, those of the clinics one works for, in order of "
        "time. Creating one with status booked books its slot, pending holds it for five minutes. A clinic that keeps "
        "its own diary is asked: its appointment is pending and awaits the clinic, which answers by an "
        "AppointmentResponse or an update to booked, cancelled, or proposed at another time. Updating one also "
        "confirms, moves, calls off or concludes it."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("patient", "reference", "Whose", targets=("Patient",), elements=("participant",), many=True),
        Parameter(
            "practitioner", "reference", "With whom", targets=("Practitioner",), elements=("participant",), many=True
        ),
        Parameter("location", "reference", "Where", targets=("Location",), elements=("participant",), many=True),
        Parameter(
            "actor",
            "reference",
            "Who takes part; several of different kinds are all wanted",
            targets=("Patient", "Practitioner", "HealthcareService", "Location"),
            elements=("participant",),
            many=True,
        ),
        Parameter("date", "date", "When it begins", elements=("start",)),
        Parameter("status", "token", "How it stands", elements=("status",), codes=get_args(api.Status)),
        Parameter("service-type", "token", f"What was booked ({VISIT_TYPE})"),
        Parameter(
            "based-on",
            "reference",
            "The referral it was booked for",
            targets=("ServiceRequest",),
            elements=("basedOn",),
            many=True,
        ),
    ),
    search=search,
    own_read=read,
    create=create,
    update=update,
    mandatory=frozenset({"status", "participant"}),
    compartment="patient",
    changes=Changes(
        (
            AppointmentBooked,
            AppointmentCancelled,
            AppointmentExpired,
            AppointmentHeld,
            AppointmentMoved,
            AppointmentStatusChanged,
            WaitlistOffered,
        )
    ),
    sorts=("date",),
)
