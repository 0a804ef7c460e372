"""What of each kind of resource there is in the world of the access matrix, and what is written of it.

Whoever serves another kind adds a line here; the rows of the matrix are told by the test that misses them.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.fhir.keys import ScheduleKey, SlotKey, schedule_id, slot_id
from tests.architecture.access_world import World
from tests.factories.fhir import FIRST

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Thing:
    """One resource: the word of its id in the world, where REST shows the same, and what is created and changed of it.

    What has no ``rest`` is shown to everybody of the community. ``key`` is its id where the world has no word for it.
    """

    name: str = ""
    rest: str | None = None
    key: Callable[[World], str] | None = None
    create: Callable[[World], Json] | None = None
    change: Mapping[str, Any] = field(default_factory=dict)

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


THINGS: Final[Mapping[str, Thing]] = {
    "Appointment": Thing(
        "appointments", "/v1/appointments/{appointments}", create=_appointment, change={"status": "cancelled"}
    ),
    "AuditEvent": Thing("audit-events", "/v1/residents/{residents}/data-accesses"),
    "Consent": Thing(
        "grants",
        "/v1/residents/{residents}/grants",
        create=lambda world: consent(_patient(world), world.ids["accounts"], "alarms:read"),
        change={"status": "inactive"},
    ),
    "Encounter": Thing("consultations", "/v1/consultations/{consultations}"),
    "HealthcareService": Thing("visit-types"),
    "Location": Thing("locations"),
    "Observation": Thing("vitals", "/v1/residents/{residents}/vitals/{vitals}", create=_observation),
    "Organization": Thing("clinics"),
    "Patient": Thing("residents", "/v1/residents/{residents}/profile"),
    "Practitioner": Thing("practitioners"),
    "PractitionerRole": Thing("practitioners"),
    "Schedule": Thing(key=lambda world: schedule_id(_schedule(world))),
    "Slot": Thing(key=_slot),
}
