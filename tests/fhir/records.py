"""A patient whom a clinic treats, and what its system, its doctor and the patient say of their health."""

import base64
from dataclasses import dataclass
from typing import Any

import httpx

from tests.factories import fhir, identity, sign_in, telemedicine, telemedicine_clinics
from tests.fhir.valid import Json, resources, valid

ROOT = "/fhir/R4"
ICD = {"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10", "display": "Essential hypertension"}
SNOMED = {"system": "http://snomed.info/sct", "code": "38341003"}
HL7 = "http://terminology.hl7.org/CodeSystem"


def code(system: str, value: str) -> Json:
    """Return a concept of one code."""
    return {"coding": [{"system": system, "code": value}]}


CONDITION: Json = {
    "resourceType": "Condition",
    "clinicalStatus": code(f"{HL7}/condition-clinical", "active"),
    "verificationStatus": code(f"{HL7}/condition-ver-status", "confirmed"),
    "category": [code(f"{HL7}/condition-category", "problem-list-item")],
    "severity": code("http://snomed.info/sct", "6736007"),
    "code": {"coding": [ICD, SNOMED], "text": "High blood pressure"},
    "onsetDateTime": "2019-05",
    "note": [{"text": "Since the move"}],
}
ALLERGY: Json = {
    "resourceType": "AllergyIntolerance",
    "clinicalStatus": code(f"{HL7}/allergyintolerance-clinical", "active"),
    "verificationStatus": code(f"{HL7}/allergyintolerance-verification", "unconfirmed"),
    "type": "allergy",
    "category": ["medication"],
    "criticality": "high",
    "code": code("http://snomed.info/sct", "764146007"),
    "onsetDateTime": "1998",
    "lastOccurrence": "2001-04-05",
    "note": [{"text": "After an infection"}],
    "reaction": [
        {"manifestation": [code("http://snomed.info/sct", "247472004")], "onset": "1998", "severity": "severe"}
    ],
}
IMMUNIZATION: Json = {
    "resourceType": "Immunization",
    "status": "completed",
    "vaccineCode": code("http://hl7.org/fhir/sid/cvx", "140"),
    "occurrenceDateTime": "2025-10-12",
    "lotNumber": "L-77",
    "expirationDate": "2026-10-01",
    "performer": [{"actor": {"display": "Nurse Ida"}}],
    "protocolApplied": [{"series": "Influenza", "doseNumberPositiveInt": 2}],
    "note": [{"text": "Left arm"}],
}
CARE_PLAN: Json = {
    "resourceType": "CarePlan",
    "status": "active",
    "intent": "plan",
    "category": [code("http://snomed.info/sct", "736254006")],
    "title": "Less salt",
    "description": "Below five grams a day",
    "period": {"start": "2026-03-02", "end": "2026-06-02"},
    "activity": [{"detail": {"status": "in-progress", "description": "Measure each morning"}}],
    "note": [{"text": "Agreed with the daughter"}],
}
COVERAGE: Json = {
    "resourceType": "Coverage",
    "status": "active",
    "type": code(f"{HL7}/v3-ActCode", "PUBLICPOL"),
    "subscriberId": "W-1234567",
    "relationship": code(f"{HL7}/subscriber-relationship", "self"),
    "period": {"start": "2026-01-01", "end": "2026-12-31"},
    "payor": [{"display": "Lakeside Mutual"}],
}
ENCOUNTER: Json = {
    "resourceType": "Encounter",
    "status": "finished",
    "class": {"system": f"{HL7}/v3-ActCode", "code": "HH"},
    "period": {"start": "2026-03-01T07:00:00Z", "end": "2026-03-01T07:20:00Z"},
    "reasonCode": [code("http://snomed.info/sct", "185349003")],
}
OBSERVATION: Json = {
    "resourceType": "Observation",
    "status": "final",
    "category": [code(f"{HL7}/observation-category", "laboratory")],
    "code": code("http://loinc.org", "4548-4"),
    "effectiveDateTime": "2026-03-01T01:00:00Z",
    "valueQuantity": {"value": 6.4, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    "interpretation": [code(f"{HL7}/v3-ObservationInterpretation", "H")],
    "referenceRange": [{"high": {"value": 6.0, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}}],
    "note": [{"text": "Fasting"}],
}
DOCUMENT: Json = {
    "resourceType": "DocumentReference",
    "status": "current",
    "docStatus": "final",
    "type": code("http://loinc.org", "18842-5"),
    "description": "From the hospital",
}
BY_RESIDENTS = (CONDITION, ALLERGY, IMMUNIZATION, COVERAGE, OBSERVATION)
"""What residents can say of themselves, too."""
EVERY = (*BY_RESIDENTS, CARE_PLAN, ENCOUNTER)
PATIENTS = {"AllergyIntolerance": "patient", "Immunization": "patient", "Coverage": "beneficiary"}


def inside(data: bytes, **attachment: Any) -> Json:
    """Return a document with what is in it."""
    said = {"data": base64.b64encode(data).decode(), "contentType": "application/pdf", "title": "Letter"}
    return DOCUMENT | {"content": [{"attachment": said | attachment}]}


@dataclass
class Ward:
    """Who asks, and how."""

    client: httpx.AsyncClient
    scene: fhir.Scene
    system: dict[str, str]
    doctor: dict[str, str]
    doctor_id: str
    resident: dict[str, str]

    def said(self, document: Json, **changes: Any) -> Json:
        """Return a document about the patient."""
        about = PATIENTS.get(document["resourceType"], "subject")
        return {**document, about: {"reference": f"Patient/{self.scene.resident.id}"}, **changes}

    async def post(self, document: Json, who: dict[str, str] | None = None) -> httpx.Response:
        """Send a document."""
        return await self.client.post(
            f"{ROOT}/{document['resourceType']}", json=document, headers=self.system if who is None else who
        )

    async def put(self, document: Json, who: dict[str, str] | None = None, /, **headers: str) -> httpx.Response:
        """Send a document back."""
        address = f"{ROOT}/{document['resourceType']}/{document['id']}"
        return await self.client.put(address, json=document, headers=(self.system if who is None else who) | headers)

    async def made(self, document: Json, who: dict[str, str] | None = None, /, **changes: Any) -> Json:
        """Have something kept, and return it."""
        return valid(await self.post(self.said(document, **changes), who), 201)

    async def get(self, path: str, who: dict[str, str] | None = None, /, **query: Any) -> httpx.Response:
        """Ask for something."""
        return await self.client.get(f"{ROOT}/{path}", params=query, headers=self.system if who is None else who)

    async def found(self, kind: str, who: dict[str, str] | None = None, /, **query: Any) -> list[str]:
        """Return the ids a search of the patient's finds."""
        asked = {"patient": str(self.scene.resident.id)} | query
        return [one["id"] for one in resources(valid(await self.get(kind, who, **asked)))]


async def ward(client: httpx.AsyncClient, scene: fhir.Scene) -> Ward:
    """Have the clinic treat the patient: by a video visit with a doctor of the directory's."""
    account = await identity.staff(scene.organization, "clinician", name="Edith")
    doctor = await telemedicine_clinics.practitioner(scene.clinic, account)
    await telemedicine.consultation(
        telemedicine.Scene(scene.place, scene.resident, scene.person, scene.organization, account)
    )
    scopes = [*fhir.SCOPES, "records:read", "records:write", "consultations:read"]
    return Ward(
        client,
        scene,
        await sign_in.client_headers(scene.organization, scopes),
        await sign_in.sign_in(account, second_factor=True),
        str(doctor.id),
        await sign_in.sign_in(scene.person),
    )
