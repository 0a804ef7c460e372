"""MedicationAdministration: a dose of which it is known what came of it: taken, skipped, missed, or not waited for."""

import uuid
from typing import Final

from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.fhir.elements import Json, coding, filled, instant, meta, reference, resource, uuid_of
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.dosages import quantity
from app.fhir.resources.medication_statement import medication
from app.fhir.resources.organization import ids_of
from app.fhir.resources.patient import of_patient
from eldercare import api
from eldercare.api import DoseEntry, DoseQuery

STATUS: Final = "http://terminology.hl7.org/CodeSystem/medication-admin-status"
_REASON: Final = "urn:hearthline:dose-reason"
# What was neither taken nor skipped is not known to have happened or not: nobody said so.
_STATUSES: Final = {"taken": "completed", "skipped": "not-done", "missed": "unknown", "excused": "unknown"}
_NOBODY: Final = "not_recorded"
_WORDS: Final = {
    "refused": "Refused",
    "unwell": "Unwell",
    "not_available": "Not available",
    "on_advice": "On advice",
    "other": "Another reason",
    _NOBODY: "Nobody recorded it in its time",
    "away": "Away",
    "hospital": "In hospital",
    "paused": "The plan was paused",
    "stopped": "The plan was stopped",
    "closed": "The resident had left",
}


def shown(of: DoseEntry) -> Json:
    """Return a dose; one that was planned before its regimen followed a prescription refers to that, too."""
    reason = of.skip_reason or of.excuse or (_NOBODY if of.state == "missed" else None)
    return resource(
        "MedicationAdministration",
        of.id,
        meta=meta(of.version, of.updated_at),
        status=_STATUSES[of.state],
        statusReason=[{"coding": [coding(_REASON, reason)], "text": _WORDS[reason]}] if reason else None,
        medicationCodeableConcept=medication(of.drug),
        subject=reference("Patient", of.resident_id),
        effectiveDateTime=instant(of.taken_at or of.due_at),
        performer=[{"actor": _performer(of)}] if of.recorded_by else None,
        request=reference("MedicationRequest", of.prescription_id) if of.prescription_id else None,
        note=[{"text": of.note}] if of.note else None,
        dosage={"dose": quantity(float(of.quantity), of.unit)},
    )


def _performer(of: DoseEntry) -> Json:
    """Return who took it, or recorded it for the resident; somebody who was erased has no name."""
    return reference("Patient", of.resident_id) if of.how == "self" else filled(display=of.recorder_name or "Unknown")


async def read(asked: Asked, key: str) -> Json:
    """Return a dose that is not awaited any more; raises ``NotFound``, ``Forbidden`` without ``medication:read``."""
    dose_id = uuid_of(key)
    if dose_id is None:
        raise NotFound
    return shown(await api.read_dose(asked.connection, asked.actor, dose_id))


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of a patient's doses that are no longer awaited, those due last first."""
    if "context" in query.references:
        return Found([])  # doses are given at home, in no encounter
    when, updated = query.range("effective-time"), query.range("_lastUpdated")
    statuses = query.codes("status", STATUS)
    wanted = DoseQuery(
        ids=ids_of(query.ids),
        states=None if statuses is None else [state for state, status in _STATUSES.items() if status in statuses],
        prescription_ids=ids_of(query.keys("request", "MedicationRequest")),
        happened_since=when.since,
        happened_before=when.before,
        updated_since=updated.since,
        updated_before=updated.before,
    )

    async def find(resident_id: uuid.UUID, page: PageRequest) -> Found:
        found = await api.find_doses(asked.connection, asked.actor, resident_id, wanted, page)
        return Found([shown(one) for one in found.items], found.next)

    return await of_patient(asked, query, api.residents_of_doses, find)


MEDICATION_ADMINISTRATION = Resource(
    type="MedicationAdministration",
    documentation=(
        "A patient's doses, those due last first: taken (completed), skipped (not-done), or of which nobody said what "
        "came of them (unknown), with the reason. Doses that are still awaited are none."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("patient", "reference", "Whose; default: one's own", targets=("Patient",), elements=("subject",)),
        Parameter("subject", "reference", "Whose", targets=("Patient",), elements=("subject",)),
        Parameter("effective-time", "date", "When it was taken, or was to be"),
        Parameter("status", "token", "What came of it"),
        Parameter("context", "reference", "In which encounter: doses are in none", targets=("Encounter",)),
        Parameter(
            "request", "reference", "The prescription it follows", targets=("MedicationRequest",), elements=("request",)
        ),
    ),
    search=search,
    own_read=read,
    mandatory=frozenset({"status", "medicationCodeableConcept", "subject", "effectiveDateTime"}),
    compartment="patient",
)
