"""The elements resources are built from: references, codes, instants, names in several languages."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from numbers import Number
from typing import Any, Final

from app.core.settings import settings
from app.identity.api import FHIR_ROOT

Json = dict[str, Any]

FIRST_YEAR: Final = 1800
LAST_YEAR: Final = 9000
"""Nothing here is asked or told of other years; at the ends of the calendar sums and zones fail."""
ROOT: Final = FHIR_ROOT
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
VISIT_TYPE: Final = "urn:hearthline:visit-type"
VISIT_MODE: Final = "urn:hearthline:visit-mode"
SPECIALTY: Final = "urn:hearthline:specialty"
REFERENCE: Final = "urn:hearthline:resident-reference"
SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"
_TIME_ZONE: Final = "http://hl7.org/fhir/StructureDefinition/timezone"


def base_url() -> str:
    """Return the address of the FHIR service, as its clients know it: never what a request says of its host."""
    return settings().http.public_url.rstrip("/") + ROOT


def resource(kind: str, key: object, **elements: Any) -> Json:
    """Return a resource without the elements that hold nothing: FHIR knows no empty values."""
    found: Json = {"resourceType": kind, "id": str(key)}
    for name, value in elements.items():
        if value or isinstance(value, Number):
            found[name] = value
    return found


def filled(**elements: Any) -> Json:
    """Return the elements that hold something."""
    return {name: value for name, value in elements.items() if value or isinstance(value, Number)}


def meta(version: int, updated_at: datetime) -> Json:
    """Return what is said of a version."""
    return {"versionId": str(version), "lastUpdated": instant(updated_at)}


def instant(at: datetime) -> str:
    """Return an instant in UTC, as FHIR writes it."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return f"{at.isoformat()[:-6]}Z"


def reference(kind: str, key: object, display: str | None = None) -> Json:
    """Return a reference to a resource of ours."""
    # Of these there are several in every resource: what builds them is not called through others.
    found = {"reference": f"{kind}/{key}"}
    if display:
        found["display"] = display
    return found


def local(text: str) -> str:
    """Return a reference as ours refer to each other, without our own address."""
    return text.removeprefix(f"{base_url()}/")


def coding(system: str, code: object, display: str | None = None) -> Json:
    """Return a code of a system."""
    found = {"system": system, "code": str(code)}
    if display:
        found["display"] = display
    return found


def concept(system: str, code: object, names: Mapping[str, str] | str | None = None) -> Json:
    """Return a coded concept, named in English and translated."""
    if isinstance(names, Mapping):
        text = translated("text", names)
        return {"coding": [coding(system, code, names.get("en"))], **text}
    return {"coding": [coding(system, code, names)], **filled(text=names)}


def translated(element: str, names: Mapping[str, str]) -> Json:
    """Return a string element in English with its translations, as the extension for them says."""
    others = [
        {
            "url": _TRANSLATION,
            "extension": [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": text}],
        }
        for language, text in sorted(names.items())
        if language != "en"
    ]
    found: Json = {element: names.get("en") or next(iter(names.values()), "")}
    return found | ({f"_{element}": {"extension": others}} if others and "en" in names else {})


def time_zone(name: str) -> Json:
    """Return the extension that says on whose wall times are."""
    return {"url": _TIME_ZONE, "valueCode": name}


def uuid_of(text: str) -> uuid.UUID | None:
    """Return the id of ours a FHIR id is, if it is one."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
