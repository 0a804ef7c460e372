"""What of each kind of resource there is in the world of the access matrix, and what is written of it.

Whoever serves another kind adds a line here; the rows of the matrix are told by the test that misses them.
"""

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.fhir.keys import ScheduleKey, SlotKey, schedule_id, slot_id
from tests.architecture.access_world import World
from tests.factories import telemedicine_referrals
from tests.factories.fhir import FIRST
from tests.fhir import records
from tests.media.samples import PDF

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Thing:
    """One resource: the word of its id in the world, where REST shows the same, and what is created and changed of it.

    What has no ``rest`` is the directory's, or no resident's. ``key`` is its id where the world has no word for it.
    What is ``hidden`` is not there (404) for whomever REST tells that they may not see it (403). ``whose`` is the actor
    who sends it back, changed.
    """

    name: str = ""
    rest: str | None = None
    key: Callable[[World], str] | None = None
    create: Callable[[World], Json] | None = None
    change: Mapping[str, Any] = field(default_factory=dict)
    hidden: bool = False
    whose: str = "resident"

    def id_in(self, world: World) -> str:
        """Return the id of it."""
        return self.key(world) if self.key else world.ids[self.name]


def _schedule(world: World) -> ScheduleKey:
    return ScheduleKey(uuid.UUID(world.ids["practitioners"]), uuid.UUID(world.ids["visit-types"]))


def _slot(world: World) -> str:
    return slot_id(SlotKey(_schedule(world), FIRST))


def _patient(world: World) -> Json:
    return {"reference": f"Patient/{world.ids['residents']}"}


def _appointment(world: World) -> Json:
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{_slot(world)}"}],
        "participant": [{"actor": _patient(world), "status": "accepted"}],
    }


def _observation(world: World) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2708-6"}]},
        "subject": _patient(world),
        "effectiveDateTime": "2026-03-02T07:00:00Z",
        "valueQuantity": {"value": 97, "system": "http://unitsofmeasure.org", "code": "%"},
    }


def consent(patient: Json, account_id: object, *scopes: str) -> Json:
    """Return the Consent that lets a person do something."""
    account = {"system": "urn:hearthline:account", "value": str(account_id)}
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"},
            ]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": patient,
        "policyRule": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}],
        },
        "provision": {
            "type": "permit",
            "actor": [{"role": {"text": "whom it lets"}, "reference": {"identifier": account}}],
            "class": [{"system": "urn:hearthline:scope", "code": scope} for scope in scopes],
        },
    }


def _of_record(document: Json) -> Callable[[World], Json]:
    """Return a document of a health record, about the resident."""
    about = records.PATIENTS.get(document["resourceType"], "subject")
    return lambda world: document | {about: _patient(world)}


def _record(kind: str, document: Json, change: Mapping[str, Any]) -> Thing:
    return Thing(kind, f"{_HOME}/health-records/{{{kind}}}", create=_of_record(document), change=change)


def _answer(world: World) -> Json:
    return {
        "resourceType": "AppointmentResponse",
        "appointment": {"reference": f"Appointment/{world.ids['asked-appointments']}"},
        "actor": {"reference": f"Practitioner/{world.ids['practitioners']}"},
        "participantStatus": "accepted",
    }


def _prescription(world: World) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "subject": _patient(world),
        "medicationCodeableConcept": {"text": "Amlodipine"},
        "dosageInstruction": [{"text": "One tablet in the morning"}],
    }


def _referral(world: World) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"coding": [telemedicine_referrals.HEART["coding"]]},
        "subject": _patient(world),
        "performer": [{"reference": f"Organization/{world.ids['hospitals']}"}],
        "reasonCode": [{"text": "Murmur"}],
    }


def subscription(criteria: str = "Appointment") -> Json:
    """Return the Subscription that a system asks for."""
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "to know",
        "criteria": criteria,
        "channel": {"type": "rest-hook", "endpoint": "https://example.org/hook"},
    }


_HOME: Final = "/v1/residents/{residents}"
_UNCONFIRMED: Final = records.CONDITION | {
    "verificationStatus": records.code(f"{records.HL7}/condition-ver-status", "unconfirmed")
}
BILL: Final = f"{_HOME}/bills/{{bills}}"

THINGS: Final[Mapping[str, Thing]] = {
    "AllergyIntolerance": _record("allergy", records.ALLERGY, {"criticality": "low"}),
    "Appointment": Thing(
        "appointments", "/v1/appointments/{appointments}", create=_appointment, change={"status": "cancelled"}
    ),
    "AppointmentResponse": Thing("answered-appointments", "/v1/appointments/{answered-appointments}", create=_answer),
    "AuditEvent": Thing("audit-events", "/v1/residents/{residents}/data-accesses"),
    "Binary": Thing(
        "uploads",
        f"{_HOME}/health-records/{{document}}",
        create=lambda _: {
            "resourceType": "Binary",
            "contentType": "application/pdf",
            "data": base64.b64encode(PDF).decode(),
        },
    ),
    "CarePlan": _record("care_plan", records.CARE_PLAN, {"title": "No salt"}),
    "Claim": Thing(rest=BILL, name="claims", hidden=True),
    "ClaimResponse": Thing(rest=BILL, name="claims", hidden=True),
    "Condition": _record("condition", _UNCONFIRMED, {"onsetDateTime": "2020"}),
    "Consent": Thing(
        "grants",
        "/v1/residents/{residents}/grants",
        create=lambda world: consent(_patient(world), world.ids["accounts"], "alarms:read"),
        change={"status": "inactive"},
    ),
    "Coverage": _record("coverage", records.COVERAGE, {"status": "cancelled"}),
    "CoverageEligibilityRequest": Thing(rest=BILL, name="eligibility", hidden=True),
    "CoverageEligibilityResponse": Thing(rest=BILL, name="eligibility", hidden=True),
    "DocumentReference": _record("document", records.inside(PDF), {"description": "Read"}),
    "Encounter": Thing(
        "consultations",
        "/v1/consultations/{consultations}",
        create=_of_record(records.ENCOUNTER),
        change={"status": "cancelled"},
    ),
    "Group": Thing("organizations"),
    "HealthcareService": Thing("visit-types"),
    "Immunization": _record("immunization", records.IMMUNIZATION, {"lotNumber": "L-78"}),
    "Location": Thing("locations"),
    "MedicationAdministration": Thing("doses", f"{_HOME}/doses/{{doses}}"),
    "MedicationRequest": Thing(
        "prescriptions",
        f"{_HOME}/prescriptions/{{prescriptions}}",
        create=_prescription,
        change={"status": "stopped", "statusReason": {"text": "Not needed"}},
    ),
    "MedicationStatement": Thing("regimens", f"{_HOME}/regimens/{{regimens}}"),
    "Observation": Thing(
        "vitals", "/v1/residents/{residents}/vitals/{vitals}", create=_observation, change={"status": "amended"}
    ),
    "OperationDefinition": Thing(key=lambda _: "hearthline-link"),
    "Organization": Thing("clinics"),
    "Patient": Thing("residents", "/v1/residents/{residents}/profile"),
    "Practitioner": Thing("practitioners"),
    "PractitionerRole": Thing("practitioners"),
    "Provenance": Thing("versions", f"{_HOME}/health-records/{{allergy}}/versions"),
    "Schedule": Thing(key=lambda world: schedule_id(_schedule(world))),
    "ServiceRequest": Thing(
        "referrals", "/v1/referrals/{referrals}", create=_referral, change={"status": "revoked"}, hidden=True
    ),
    "Slot": Thing(key=_slot),
    "Subscription": Thing(
        "subscriptions", create=lambda _: subscription(), change={"reason": "to know more"}, whose="system"
    ),
}
