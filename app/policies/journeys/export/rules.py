"""An exported person as a FHIR R4 collection Bundle: pure, from rows to resources.

Resources and their codes: https://hl7.org/fhir/R4/ (patient, observation, medicationstatement,
medicationadministration, consent, documentreference, binary, bundle). Vital signs are coded in LOINC, quantities in
UCUM.
"""

import base64
import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

import orjson

from app.identity.api import GrantAgreed
from app.media.api import Found, HeldFile, Trouble
from eldercare.api import timing, vital_sign

Row = Mapping[str, Any]
Resource = dict[str, Any]

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
SCOPES: Final = "urn:hearthline:scope"
_URI: Final = "urn:ietf:rfc:3986"
_ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_TROUBLES: Final[Mapping[Trouble, str]] = {
    "unreadable": "The content can no longer be read from the store.",
    "altered": "The content in the store is not what was kept.",
}
_TERMS: Final = "http://terminology.hl7.org/CodeSystem"
_STATEMENT: Final = {"draft": "intended", "active": "active", "paused": "on-hold", "stopped": "stopped"}
# What was neither taken nor skipped is not known to have happened or not: nobody said so.
_ADMINISTRATION: Final = {"taken": "completed", "skipped": "not-done", "missed": "unknown", "excused": "unknown"}
_POINTS: Final = {
    "mobile": {"system": "phone", "use": "mobile"},
    "landline": {"system": "phone", "use": "home"},
    "email": {"system": "email"},
}


FEW: Final = (
    "identity_account",
    "identity_contact_point",
    "identity_resident",
    "eldercare_regimen",
    "eldercare_regimen_version",
    "identity_grant",
)
"""Tables with few rows of a person."""


def bundle_head(bundle_id: uuid.UUID, at: datetime) -> bytes:
    """Return a collection Bundle made at ``at`` in JSON, up to where its entries begin."""
    head = {"resourceType": "Bundle", "id": str(bundle_id), "type": "collection", "timestamp": at.isoformat()}
    return orjson.dumps(head).removesuffix(b"}") + b',"entry":['


def entry(resource: Resource) -> bytes:
    """Return an entry of a Bundle in JSON."""
    return orjson.dumps({"fullUrl": f"urn:uuid:{resource['id']}", "resource": _filled(resource)})


def binary_head(file: HeldFile) -> bytes:
    """Return the entry of a file's content in JSON, up to where its data begins in Base64."""
    binary = {"resourceType": "Binary", "id": str(file.id), "contentType": file.content_type, "data": ""}
    return orjson.dumps({"fullUrl": f"urn:uuid:{file.id}", "resource": binary}).removesuffix(b'"}}')


def document(file: HeldFile, found: Found, subject: Resource | None) -> Resource:
    """Return what a file is, with a reference to its content and what is wrong with that.

    A SHA-256 is named as in RFC 6920, since FHIR R4 has a place for SHA-1 only.
    """
    is_read = found.trouble != "unreadable"
    digest = base64.urlsafe_b64encode(found.sha256).decode().rstrip("=")
    return {
        "resourceType": "DocumentReference",
        "id": str(uuid.uuid5(file.id, "DocumentReference")),
        "masterIdentifier": {"system": _URI, "value": f"ni:///sha-256;{digest}"} if is_read else None,
        "status": "current",
        "type": {"text": file.purpose.value},
        "subject": subject,
        "date": _instant(file.created_at),
        "description": _TROUBLES[found.trouble] if found.trouble else None,
        "content": [
            {
                "attachment": {
                    "contentType": file.content_type,
                    "url": f"urn:uuid:{file.id}" if is_read else None,
                    "_url": None if is_read else {"extension": [{"url": _ABSENT, "valueCode": "error"}]},
                    "size": found.size if is_read else file.size,
                    "hash": base64.b64encode(found.sha1).decode() or None,
                    "creation": _instant(file.created_at),
                }
            }
        ],
    }


def reference_to(resident: Row) -> Resource:
    """Return the reference to the patient that the other resources are about."""
    return {"reference": f"urn:uuid:{resident['id']}"}


def is_settled(dose: Row) -> bool:
    """Say whether it is over, so that there is something to say about it."""
    return dose["state"] in _ADMINISTRATION


def person(account: Row, points: Iterable[Row]) -> Resource:
    """Return who is no resident."""
    return {"resourceType": "Person", "id": str(account["id"]), "name": _names(account), "telecom": _telecom(points)}


def patient(resident: Row, account: Row, points: Iterable[Row]) -> Resource:
    """Return the resident."""
    return {
        "resourceType": "Patient",
        "id": str(resident["id"]),
        "active": resident["state"] == "active",
        "name": _names(account),
        "telecom": _telecom(points),
        "birthDate": _date(resident["birth_date"]),
        "communication": [{"language": _concept("urn:ietf:bcp:47", account["language"]), "preferred": True}],
    }


def observation(reading: Row, subject: Resource) -> Resource:
    """Return a reading."""
    sign, value = vital_sign(reading["code"], reading["value"])
    measured: Resource = (
        {"valueCodeableConcept": {"text": value}}
        if isinstance(value, str)
        else {"valueQuantity": _quantity(value, sign.unit)}
    )
    return {
        "resourceType": "Observation",
        "id": str(reading["id"]),
        "status": reading["status"],
        "category": [_concept(f"{_TERMS}/observation-category", "vital-signs")],
        "code": _concept(LOINC, reading["code"]) | {"text": sign.name.replace("_", " ")},
        "subject": subject,
        "effectiveDateTime": _instant(reading["measured_at"]),
        "issued": _instant(reading["received_at"]),
        **measured,
        "note": _notes(reading["error_reason"]),
    }


def statement(regimen: Row, version: Row, subject: Resource) -> Resource:
    """Return what is taken, and when."""
    return {
        "resourceType": "MedicationStatement",
        "id": str(regimen["id"]),
        "status": _STATEMENT[regimen["state"]],
        "medicationCodeableConcept": _medication(version),
        "subject": subject,
        "effectivePeriod": {"start": _date(version["starts_on"]), "end": _ended(regimen, version)},
        "dateAsserted": _instant(version["valid_from"]),
        "dosage": [_dosage(version)],
    }


def _ended(regimen: Row, version: Row) -> str | None:
    stopped = regimen["stopped_at"]
    if stopped is None:
        return _date(version["ends_on"])
    # A period's end is not before its start: what was stopped before it began has none.
    return _date(stopped.date()) if stopped.date() >= version["starts_on"] else None


def _dosage(version: Row) -> Resource:
    drug = orjson.loads(version["drug"])
    return {
        "text": drug.get("instructions"),
        "timing": timing(version),
        "asNeededBoolean": True if version["timing"] == "as_needed" else None,
        "route": {"text": drug.get("route")},
        "doseAndRate": [{"doseQuantity": _quantity(version["quantity"], version["unit"])}],
        "maxDosePerPeriod": _most(version),
    }


def _most(version: Row) -> Resource | None:
    if version["daily_maximum"] is None:
        return None
    return {"numerator": _quantity(version["daily_maximum"], version["unit"]), "denominator": _quantity(24, "h")}


def administration(dose: Row, version: Row, subject: Resource) -> Resource:
    """Return a dose that is over."""
    return {
        "resourceType": "MedicationAdministration",
        "id": str(dose["id"]),
        "status": _ADMINISTRATION[dose["state"]],
        "statusReason": [{"text": reason} for reason in (dose["skip_reason"], dose["excuse"]) if reason],
        "medicationCodeableConcept": _medication(version),
        "subject": subject,
        "effectiveDateTime": _instant(dose["taken_at"] or dose["due_at"]),
        "dosage": {"dose": _quantity(dose["quantity"], dose["unit"])},
        "note": _notes(dose["note"]),
    }


def consent(grant: Row, agreed: GrantAgreed | None, subject: Resource, at: datetime) -> Resource:
    """Return whom the resident lets see what, as of ``at``."""
    grantee = {"identifier": {"system": _URI, "value": f"urn:uuid:{grant['grantee_account_id']}"}}
    ends = [instant for instant in (grant["revoked_at"], grant["expires_at"]) if instant is not None]
    return {
        "resourceType": "Consent",
        "id": str(grant["id"]),
        "status": "inactive" if ends and min(ends) <= at else "active",
        "scope": _concept(f"{_TERMS}/consentscope", "patient-privacy"),
        "category": [_concept(LOINC, "59284-0")],  # Consent Document
        "patient": subject,
        "dateTime": _instant(grant["agreed_at"] or grant["created_at"]),
        "policyRule": _concept(f"{_TERMS}/v3-ActCode", "OPTIN"),  # ppc-1: a policy or a rule
        "sourceAttachment": _wording(agreed),
        "provision": {
            "type": "permit",
            "period": {"start": _instant(grant["starts_at"]), "end": _instant(min(ends)) if ends else None},
            "actor": [{"role": _concept(f"{_TERMS}/v3-ParticipationType", "IRCP"), "reference": grantee}],
            "code": [_concept(SCOPES, scope) for scope in grant["scopes"]],
        },
    }


def _wording(agreed: GrantAgreed | None) -> Resource | None:
    if agreed is None:
        return None
    return {
        "contentType": "text/plain; charset=utf-8",
        "language": agreed.language,
        "data": base64.b64encode(agreed.text.encode()).decode(),
        "title": f"edition {agreed.edition}",
        "creation": _instant(agreed.at),
    }


def _medication(version: Row) -> Resource:
    drug = orjson.loads(version["drug"])
    words = " ".join(str(drug[part]) for part in ("name", "strength", "form") if drug.get(part))
    coded = _concept(drug["system"], drug["code"]) if drug.get("code") else {}
    return coded | {"text": words}


def _names(account: Row) -> list[Resource]:
    return [{"text": account["name"]}] if account["name"] else []


def _telecom(points: Iterable[Row]) -> list[Resource]:
    return [
        {**_POINTS[point["kind"]], "value": point["value"], "rank": rank}
        for rank, point in enumerate((point for point in points if point["kind"] in _POINTS), start=1)
    ]


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _quantity(value: Decimal | float, unit: str) -> Resource:
    return {"value": float(value), "unit": unit.strip("{}"), "system": UCUM, "code": unit}


def _notes(text: str | None) -> list[Resource]:
    return [{"text": text}] if text else []


def _instant(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _date(value: date | str | None) -> str | None:
    return str(value) if value else None


def _time(wall: time) -> str:
    return wall.strftime("%H:%M:%S")


def _filled(value: Any) -> Any:
    """Return a resource without what is empty: FHIR knows neither null nor an empty list or object."""
    if isinstance(value, dict):
        kept = {key: _filled(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, [], {})}
    if isinstance(value, list):
        return [_filled(inner) for inner in value]
    return value
