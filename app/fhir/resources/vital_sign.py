"""A vital sign of a patient's as an Observation, in its canonical unit: read, found, and brought."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.fhir.elements import LOINC, UCUM, Json, concept, instant, local, meta, reference, resource, uuid_of
from app.fhir.intake import instant_sent
from app.fhir.merging import Placed, Source
from app.fhir.problems import not_processable, telling_which
from app.fhir.registry import Asked, Query
from eldercare.api import (
    ALIASES,
    CONSCIOUSNESS,
    SIGNS,
    ReadingPublic,
    ReadingQuery,
    reading,
    reading_cursor,
    readings,
    readings_known,
    record_readings,
)

CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
STATUS: Final = "http://hl7.org/fhir/observation-status"
LOINC_CODES: Final = dict.fromkeys((*SIGNS, *ALIASES), LOINC)
"""The codes of vital signs, each with its system: they are known without it."""
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
        meta=meta(1 if of.corrected_at is None else 2, of.corrected_at or of.received_at),
        status=of.status,
        category=[concept(CATEGORY, "vital-signs", "Vital Signs")],
        code=concept(LOINC, of.code, of.name.replace("_", " ")),
        subject=reference("Patient", resident_id),
        effectiveDateTime=instant(of.measured_at),
        issued=instant(of.received_at),
        **value,
        device={"display": of.device} if of.device else None,
    )


async def of_id(asked: Asked, key: uuid.UUID) -> Json | None:
    """Return a reading, ``None`` if the id is none of one the actor may know of; ``Forbidden`` without the scope."""
    try:
        return shown(*await reading(asked.connection, asked.actor, key))
    except NotFound:
        return None


def source(asked: Asked, resident_id: uuid.UUID, query: Query) -> Source:
    """Return a patient's readings as one of several lists in order of time, the latest first."""
    codes, when, updated = query.codes("code", LOINC), query.range("date"), query.range("_lastUpdated")
    asks = ReadingQuery(
        signs=None if codes is None else sorted(_meant(codes)),
        statuses=query.codes("status", STATUS),
        first=when.since,
        end=when.before,
        changed_since=updated.since,
        changed_before=updated.before,
    )

    async def page(part: PageRequest) -> tuple[list[Placed], bool]:
        found = await readings(asked.connection, asked.actor, resident_id, part, asks)
        placed = [
            Placed(_millisecond(one.measured_at), reading_cursor(one), shown(resident_id, one)) for one in found.items
        ]
        return placed, found.next is not None

    return page


def _millisecond(at: datetime) -> datetime:
    """Return the instant by which readings are in order: their ids know no more of it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def is_meant(document: Json) -> bool:
    """Say whether a document is about a vital sign: it says so, or says nothing and has the code of one."""
    categories = document.get("category", [])
    codes = [one for category in categories for one in category.get("coding", []) if one.get("system") == CATEGORY]
    if codes:
        return any(one.get("code") == "vital-signs" for one in codes)
    return not categories


def _meant(codes: set[str]) -> set[str]:
    return {ALIASES.get(code, code) for code in codes} & SIGNS.keys()


async def create(asked: Asked, document: Json) -> Json:
    """Keep a reading, in any unit that is known for its code; the same again is kept once.

    Raises ``NotProcessable`` and what ``record_readings`` raises.
    """
    resident_id, given = _given(document)
    return (await _kept(asked, resident_id, [given]))[0]


async def create_many(asked: Asked, documents: Sequence[tuple[int, Json]]) -> dict[int, Json]:
    """Keep readings, those of a patient all at once, and return each by its number.

    What is wrong is told with which of them it is wrong with.
    """
    of_patients: dict[uuid.UUID, list[tuple[int, Json]]] = {}
    for number, document in documents:
        with telling_which([number]):
            resident_id, given = _given(document)
        of_patients.setdefault(resident_id, []).append((number, given))
    made: dict[int, Json] = {}
    for resident_id, several in sorted(of_patients.items()):
        numbers = [number for number, _ in several]
        with telling_which(numbers):
            kept = await _kept(asked, resident_id, [given for _, given in several])
        made |= zip(numbers, kept, strict=True)
    return made


async def _kept(asked: Asked, resident_id: uuid.UUID, given: Sequence[Json]) -> list[Json]:
    """Keep a patient's readings, and return them as they are kept now."""
    taken = await record_readings(asked.writing, asked.actor, resident_id, given)
    ids = [reading_id for reading_id in taken.ids if reading_id is not None]
    known = await readings_known(await asked.writing.connection(), asked.actor, resident_id, ids)
    return [shown(resident_id, known[reading_id]) for reading_id in ids]


def _given(document: Json) -> tuple[uuid.UUID, Json]:
    """Return whose reading a document is, and the reading as it is kept; raises ``NotProcessable``."""
    for name in sorted(document.keys() - _TAKEN):
        raise not_processable(f"Observation.{name}", "this is not kept here: leave it out", "not-supported")
    if document["status"] != "final":
        raise not_processable("Observation.status", "final: others are not kept", "value")
    kind, _, key = local(document.get("subject", {}).get("reference", "")).partition("/")
    resident_id = uuid_of(key) if kind == "Patient" else None
    if resident_id is None:
        raise not_processable("Observation.subject.reference", "a reference to a Patient of ours", "not-found")
    return resident_id, {"code": _code(document), **_value(document), "measured_at": _measured_at(document)}


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
