"""Health records, really committed, as those enter them who say so."""

from typing import Any

from app.core.access import Actor
from app.core.database import unit_of_work
from app.identity.models import Resident
from telemedicine.api import HealthRecordPublic, enter_health_record
from telemedicine.records.schemas.records import CONTENTS

PENICILLIN = {"coding": {"system": "http://snomed.info/sct", "code": "764146007", "display": "Penicillin"}}
ALLERGY: dict[str, Any] = {
    "kind": "allergy",
    "clinical_status": "active",
    "verification_status": "unconfirmed",
    "categories": ["medication"],
    "criticality": "high",
    "code": PENICILLIN,
    "onset": "1998",
}
CONDITION: dict[str, Any] = {
    "kind": "condition",
    "clinical_status": "active",
    "verification_status": "confirmed",
    "code": {
        "coding": {"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"},
        "text": "Hypertension, Wisteria type",
    },
    "onset": "2019-05",
}
OBSERVATION: dict[str, Any] = {
    "kind": "observation",
    "status": "final",
    "code": {"coding": {"system": "http://loinc.org", "code": "4548-4"}},
    "effective_at": "2026-03-01T09:00:00+08:00",
    "quantity": {"value": 6.4, "unit": "%"},
    "interpretation": "H",
    "reference_range": {"high": 6.0},
}
IMMUNIZATION: dict[str, Any] = {
    "kind": "immunization",
    "status": "completed",
    "vaccine": {"coding": {"system": "http://hl7.org/fhir/sid/cvx", "code": "140"}},
    "occurrence": "2025-10-12",
    "lot_number": "L-77",
}
CARE_PLAN: dict[str, Any] = {
    "kind": "care_plan",
    "status": "active",
    "title": "Less salt",
    "starts_on": "2026-03-02",
    "activities": [{"status": "in-progress", "description": "Measure each morning"}],
}
ENCOUNTER: dict[str, Any] = {
    "kind": "encounter",
    "status": "finished",
    "encounter_class": "HH",
    "starts_at": "2026-03-02T07:00:00Z",
    "ends_at": "2026-03-02T07:20:00Z",
}
COVERAGE: dict[str, Any] = {
    "kind": "coverage",
    "status": "active",
    "insurer": "Lakeside Mutual",
    "member_number": "W-1234567",
    "starts_on": "2026-01-01",
    "ends_on": "2026-12-31",
}
LETTER: dict[str, Any] = {"kind": "document", "title": "Letter", "note": "All is well"}
EVERY = (ALLERGY, CONDITION, OBSERVATION, IMMUNIZATION, CARE_PLAN, ENCOUNTER, COVERAGE)
"""One of each kind but documents, which have a file, or are a letter."""


def resident_of(of: Resident) -> Actor:
    """Return the resident as who acts."""
    return Actor(kind="account", id=of.account_id, community_id=of.community_id, resident_id=of.id)


async def health_record(of: Resident, content: dict[str, Any], *, by: Actor | None = None) -> HealthRecordPublic:
    """Enter something in a resident's health record: as they say it, unless somebody else does."""
    async with unit_of_work() as session:
        return await enter_health_record(session, by or resident_of(of), of.id, CONTENTS.validate_python(content))
