"""AppointmentResponse: what a clinic that keeps its own diary says to what it was asked for."""

import uuid
from typing import Any, Final

from app.core.problems import NotFound
from app.fhir.elements import Json, instant, local, meta, reference, resource, uuid_of
from app.fhir.intake import instant_sent
from app.fhir.problems import not_processable
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from app.fhir.resources.patient import one_patient
from telemedicine import api
from telemedicine.api import AppointmentAnswer, AppointmentEntry, AppointmentQuery

_ANSWERS: Final[dict[str, AppointmentAnswer]] = {
    "accepted": "accepted",
    "declined": "declined",
    "tentative": "tentative",
}
_TAKEN: Final = frozenset(
    {"resourceType", "id", "meta", "implicitRules", "language", "text", "appointment", "start", "end"}
    | {"participantType", "actor", "participantStatus", "comment"}
)


def shown(of: AppointmentEntry) -> Json:
    """Return the clinic's answer to an appointment, which has the appointment's id: the last one counts."""
    said = "declined" if of.status == "cancelled" and of.cancelled_by == "clinic" else "accepted"
    return resource(
        "AppointmentResponse",
        of.id,
        meta=meta(of.version, of.updated_at),
        appointment=reference("Appointment", of.id),
        start=instant(of.starts_at),
        end=instant(of.ends_at),
        actor=reference("Practitioner", of.practitioner_id, of.practitioner),
        participantStatus="tentative" if of.status == "proposed" else said,
    )


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of answers: to one patient's appointments, or without one those of the clinics one works for."""
    patients = query.keys("patient", "Patient")
    resident_id = one_patient(asked, query) if patients is not None else None
    keys = [set(one) for one in (query.keys("appointment", "Appointment"), query.ids) if one is not None]
    updated = query.range("_lastUpdated")
    wanted = AppointmentQuery(
        ids=ids_of(set.intersection(*keys)) if keys else None,
        updated_since=updated.since,
        updated_before=updated.before,
        of_answered=True,
    )
    page = await api.appointments(asked.connection, asked.actor, wanted, query.page, resident_id=resident_id)
    return Found([shown(one) for one in page.items], page.next)


async def read(asked: Asked, key: str) -> Json:
    """Return the answer to an appointment; raises ``NotFound``."""
    appointment_id = uuid_of(key)
    found = await api.appointment(asked.connection, asked.actor, appointment_id) if appointment_id else None
    if found is None or found.answered_at is None:
        raise NotFound
    return shown(found)


async def create(asked: Asked, document: Json) -> Json:
    """Answer, as the clinic: accept, decline with the reason as comment, or propose another ``start`` (``tentative``).

    Raises ``NotProcessable``, and the api's.
    """
    for name in sorted(document.keys() - _TAKEN):
        raise not_processable(f"AppointmentResponse.{name}", "this is not kept here: leave it out", "not-supported")
    answer = _ANSWERS.get(document["participantStatus"])
    if answer is None:
        raise not_processable("AppointmentResponse.participantStatus", "accepted, declined or tentative", "value")
    appointment_id = _id(document)
    now = await api.require_version(asked.writing, asked.actor, appointment_id, None)
    actor = local(document.get("actor", {}).get("reference", ""))
    if actor and actor != f"Practitioner/{now.practitioner_id}":
        raise not_processable("AppointmentResponse.actor", "the Practitioner who was asked for answers")
    start = instant_sent(document["start"], "AppointmentResponse.start") if "start" in document else None
    if answer == "tentative" and start in (None, now.starts_at):
        raise not_processable("AppointmentResponse.start", "tentative proposes another start", "required")
    if answer != "tentative" and start not in (None, now.starts_at):
        raise not_processable("AppointmentResponse.start", "another start is proposed as tentative", "invariant")
    more: dict[str, Any] = {"starts_at": start} if answer == "tentative" else {}
    if "comment" in document:
        if answer != "declined" or not 1 <= len(document["comment"].strip()) <= 1000:
            raise not_processable(
                "AppointmentResponse.comment", "why it is declined, in at most 1000 characters", "not-supported"
            )
        more["reason"] = document["comment"]
    made = await api.answer_appointment(asked.writing, asked.actor, appointment_id, answer, **more)
    if "end" in document and instant_sent(document["end"], "AppointmentResponse.end") != made.ends_at:
        raise not_processable("AppointmentResponse.end", f"it ends at {instant(made.ends_at)}")
    return shown(made)


def _id(document: Json) -> uuid.UUID:
    kind, _, key = local(document["appointment"].get("reference", "")).partition("/")
    found = uuid_of(key) if kind == "Appointment" else None
    if found is None:
        raise not_processable("AppointmentResponse.appointment", "there is no such Appointment here", "not-found")
    return found


APPOINTMENT_RESPONSE: Final = Resource(
    type="AppointmentResponse",
    documentation=(
        "What a clinic that keeps its own diary says to an Appointment that awaits it: accepted books it, declined "
        "(the comment says why) gives its time back, tentative proposes another start. It has the Appointment's id."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("patient", "reference", "To whose", targets=("Patient",)),
        Parameter(
            "appointment",
            "reference",
            "To what",
            targets=("Appointment",),
            elements=("appointment",),
            many=True,
        ),
    ),
    search=search,
    own_read=read,
    create=create,
    mandatory=frozenset({"appointment", "participantStatus"}),
    compartment="patient",
)
