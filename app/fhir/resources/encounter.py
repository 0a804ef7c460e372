"""Encounter: a video visit of a clinic's with a resident."""

from typing import Final

from app.core.problems import NotFound
from app.fhir.elements import Json, coding, filled, instant, reference, resource, uuid_of
from app.fhir.registry import Asked, Changes, Found, Parameter, Query, Resource
from app.fhir.resources.patient import one_patient
from telemedicine.api import ConsultationPublic, consultation, consultations
from telemedicine.events import ConsultationAwaited, ConsultationClosed, ConsultationStarted

_CLASS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_ROLE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_STATUSES: Final = {"planned": "planned", "waiting": "arrived", "in_progress": "in-progress"}


def shown(visit: ConsultationPublic) -> Json:
    """Return a video visit; the clinician is named, as they may be no practitioner of the directory's."""
    return resource(
        "Encounter",
        visit.id,
        status=_status(visit),
        **{"class": coding(_CLASS, "VR", "virtual")},
        subject=reference("Patient", visit.resident_id),
        participant=[
            {
                "type": [{"coding": [coding(_ROLE, "PPRF", "primary performer")]}],
                **filled(individual=filled(display=visit.clinician_name)),
            }
        ],
        appointment=[reference("Appointment", visit.appointment_id)] if visit.appointment_id else None,
        period=_period(visit),
        serviceProvider=reference("Organization", visit.organization_id),
    )


def _status(visit: ConsultationPublic) -> str:
    """Return how a visit stands: what ended before it began was cancelled (FHIR R4, EncounterStatus)."""
    return _STATUSES.get(visit.state) or ("finished" if visit.started_at else "cancelled")


def _period(visit: ConsultationPublic) -> Json:
    """Return when a visit was, or is to be."""
    if visit.started_at is None:
        return {"start": instant(visit.starts_at), "end": instant(visit.ends_at)}
    return filled(start=instant(visit.started_at), end=instant(visit.ended_at) if visit.ended_at else None)


async def read(asked: Asked, key: str) -> Json:
    """Return a video visit; raises ``NotFound``, ``Forbidden`` without ``consultations:read``."""
    visit_id = uuid_of(key)
    if visit_id is None:
        raise NotFound
    return shown(await consultation(asked.connection, asked.actor, visit_id))


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of a patient's video visits, those planned last first."""
    page = await consultations(asked.connection, asked.actor, one_patient(asked, query), query.page)
    return Found([shown(visit) for visit in page.items], page.next)


ENCOUNTER = Resource(
    type="Encounter",
    documentation="A patient's video visits, those planned last first. The patient has to be named.",
    parameters=(
        Parameter("patient", "reference", "Whose; default: one's own", targets=("Patient",), elements=("subject",)),
    ),
    search=search,
    own_read=read,
    mandatory=frozenset({"status", "class"}),
    compartment="patient",
    changes=Changes((ConsultationAwaited, ConsultationStarted, ConsultationClosed), by_patient=True),
)
