"""Observation: a vital sign of a resident's, in its canonical unit; read, found, and brought."""

from datetime import datetime
from typing import Any, Final

from app.core.problems import NotFound
from app.fhir.elements import LOINC, UCUM, Json, concept, instant, local, reference, resource, uuid_of
from app.fhir.intake import instant_sent
from app.fhir.problems import not_processable
from app.fhir.registry import Asked, Found, Parameter, Query, Resource
from app.fhir.resources.patient import one_patient
from eldercare.api import ALIASES, CONSCIOUSNESS, SIGNS, ReadingPublic, reading, readings, record_readings

_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_LEVELS: Final = "urn:hearthline:acvpu"
_NAMES: Final = {
    "A": "Alert",
    "C": "New confusion",
    "V": "Responds to voice",
    "P": "Responds to pain",
    "U": "Unresponsive",
}
_TAKEN: Final = frozenset(
    {"resourceType", "id", "meta", "implicitRules", "language", "text", "status", "category", "code", "subject"}
    | {"effectiveDateTime", "effectiveInstant", "valueQuantity", "valueCodeableConcept", "issued"}
)


def shown(resident_id: object, of: ReadingPublic) -> Json:
    """Return a reading; what was entered in error says so and stays."""
    if of.code == CONSCIOUSNESS:
        value: Json = {"valueCodeableConcept": concept(_LEVELS, of.value, _NAMES[str(of.value)])}
    else:
        value = {"valueQuantity": {"value": of.value, "unit": of.unit, "system": UCUM, "code": of.unit}}
    return resource(
        "Observation",
        of.id,
        status=of.status,
        category=[concept(_CATEGORY, "vital-signs", "Vital Signs")],
        code=concept(LOINC, of.code, of.name.replace("_", " ")),
        subject=reference("Patient", resident_id),
        effectiveDateTime=instant(of.measured_at),
        issued=instant(of.received_at),
        **value,
        device={"display": of.device} if of.device else None,
    )


async def read(asked: Asked, key: str) -> Json:
    """Return a reading; raises ``NotFound``, ``Forbidden`` without ``vitals:read``."""
    reading_id = uuid_of(key)
    if reading_id is None:
        raise NotFound
    return shown(*await reading(asked.connection, asked.actor, reading_id))


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of a patient's readings, the latest first, those entered in error among them."""
    resident_id = one_patient(asked, query, "patient", "subject")
    codes, categories, when = query.codes("code", LOINC), query.codes("category", _CATEGORY), query.range("date")
    signs = None if codes is None else [SIGNS[code] for code in sorted(_meant(codes))]
    if categories is not None and "vital-signs" not in categories:
        signs = []
    page = await readings(
        asked.connection, asked.actor, resident_id, query.page, signs=signs, first=when.since, end=when.before
    )
    return Found([shown(resident_id, one) for one in page.items], page.next)


def _meant(codes: set[str]) -> set[str]:
    return {ALIASES.get(code, code) for code in codes} & SIGNS.keys()


async def create(asked: Asked, document: Json) -> Json:
    """Keep a reading, in any unit that is known for its code; the same again is kept once.

    Raises ``NotProcessable`` and what ``record_readings`` raises.
    """
    for name in sorted(document.keys() - _TAKEN):
        raise not_processable(f"Observation.{name}", "this is not kept here: leave it out", "not-supported")
    if document["status"] != "final":
        raise not_processable("Observation.status", "final: others are not kept", "value")
    kind, _, key = local(document.get("subject", {}).get("reference", "")).partition("/")
    resident_id = uuid_of(key) if kind == "Patient" else None
    if resident_id is None:
        raise not_processable("Observation.subject.reference", "a reference to a Patient of ours", "not-found")
    given = {"code": _code(document), **_value(document), "measured_at": _measured_at(document)}
    taken = await record_readings(asked.writing, asked.actor, resident_id, [given])
    (reading_id,) = taken.ids
    if reading_id is None:
        raise NotFound
    return shown(*await reading(await asked.writing.connection(), asked.actor, reading_id))


def _code(document: Json) -> str:
    codes = [one.get("code") for one in document["code"].get("coding", []) if one.get("system") == LOINC]
    known = [code for code in codes if code and _meant({code})]
    if not known:
        raise not_processable("Observation.code", "a LOINC code of a vital sign that is kept here", "not-supported")
    return str(known[0])


def _value(document: Json) -> dict[str, Any]:
    quantity = document.get("valueQuantity")
    if quantity is not None:
        if quantity.get("system") != UCUM or not quantity.get("code") or "value" not in quantity:
            raise not_processable("Observation.valueQuantity", "a value with its UCUM code and system", "required")
        if quantity.get("comparator"):
            raise not_processable("Observation.valueQuantity.comparator", "a value, not a bound", "not-supported")
        return {"value": float(quantity["value"]), "unit": quantity["code"]}
    said = document.get("valueCodeableConcept", {}).get("coding", [])
    levels = [one.get("code") for one in said if one.get("system") == _LEVELS]
    if not levels:
        raise not_processable("Observation.value", f"a Quantity, or a level of {_LEVELS}", "required")
    return {"value": levels[0], "unit": SIGNS[CONSCIOUSNESS].unit}


def _measured_at(document: Json) -> datetime:
    text = document.get("effectiveInstant") or document.get("effectiveDateTime") or ""
    if "T" not in text:  # a day is no instant
        raise not_processable("Observation.effective", "an instant with its offset", "required")
    return instant_sent(text, "Observation.effective")


OBSERVATION = Resource(
    type="Observation",
    documentation=(
        "A patient's vital signs, the latest first, those entered in error among them. The patient has to be named. "
        "Creating one keeps a reading; the same again (device, code, instant) is kept once."
    ),
    parameters=(
        Parameter("patient", "reference", "Whose; default: one's own", targets=("Patient",), elements=("subject",)),
        Parameter("subject", "reference", "Whose", targets=("Patient",), elements=("subject",)),
        Parameter("code", "token", f"What was measured ({LOINC})"),
        Parameter("category", "token", "vital-signs: there are no others"),
        Parameter("date", "date", "When it was measured"),
    ),
    search=search,
    own_read=read,
    create=create,
    mandatory=frozenset({"status", "code"}),
    compartment="patient",
)
