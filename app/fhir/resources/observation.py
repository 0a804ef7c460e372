"""Observation: a vital sign of a patient's, or what a clinic measured or found: one list of both."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.fhir.concepts import (
    code_shown,
    code_taken,
    concept_shown,
    concept_taken,
    instant_taken,
    note_shown,
    note_taken,
)
from app.fhir.elements import UCUM, Json, filled, instant, reference
from app.fhir.merging import merged
from app.fhir.problems import bad_parameter, not_processable, telling_which
from app.fhir.registry import Asked, Found, Parameter, Query, Resource
from app.fhir.resources import vital_sign
from app.fhir.resources.compartments import beside, of_patients
from app.fhir.resources.organization import ids_of
from app.fhir.resources.records import Records, about, coded, key_of, of_instants, said_by, status_of
from app.fhir.resources.vital_sign import CATEGORY, STATUS
from app.fhir.taking import Element
from telemedicine.api import HealthRecordPublic, ObservationContent

_ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_INTERPRETATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_VITAL: Final = "vital-signs"


def shown(of: HealthRecordPublic) -> Json:
    """Return what an observation of the record says."""
    content = of.content
    assert isinstance(content, ObservationContent)  # noqa: S101 - the kind says so
    said, usual = said_by(of), content.reference_range
    clinic = reference("Organization", of.organization_id) if of.organization_id else None
    unit = content.quantity.unit if content.quantity else None
    return {
        "status": status_of(of, content.status),
        "category": [code_shown(CATEGORY, content.category)],
        "code": concept_shown(content.code),
        "effectiveDateTime": instant(content.effective_at),
        "issued": instant(of.recorded_at),
        "performer": [one for one in (said, clinic) if one],
        "valueQuantity": _quantity(content.quantity.value, unit) if content.quantity else None,
        "valueCodeableConcept": concept_shown(content.concept),
        "valueString": content.text,
        "dataAbsentReason": code_shown(_ABSENT, content.data_absent_reason),
        "interpretation": [code_shown(_INTERPRETATION, content.interpretation)] if content.interpretation else None,
        "note": note_shown(content.note),
        "device": {"display": content.device} if content.device else None,
        "referenceRange": [filled(low=_quantity(usual.low, unit), high=_quantity(usual.high, unit))] if usual else None,
    }


def _quantity(value: float | None, unit: str | None) -> Json | None:
    return None if value is None else {"value": value, "unit": unit, "system": UCUM, "code": unit}


def taken(sent: Element) -> dict[str, Any]:
    """Return the fields of an observation; a vital sign is told by its category."""
    quantity, device, usual = sent.within("valueQuantity"), sent.within("device"), sent.one("referenceRange")
    value = _quantity_taken(quantity) if quantity else None
    instant_sent = "effectiveInstant" if sent.has("effectiveInstant") else "effectiveDateTime"
    ends = {name: _end_taken(usual.within(name), value) for name in ("low", "high")} if usual else None
    return {
        "status": sent.take("status"),
        "category": code_taken(sent.one("category"), CATEGORY),
        "code": concept_taken(sent.within("code")),
        "effective_at": instant_taken(sent, instant_sent),
        "quantity": value,
        "concept": concept_taken(sent.within("valueCodeableConcept")),
        "text": sent.take("valueString"),
        "data_absent_reason": code_taken(sent.within("dataAbsentReason"), _ABSENT),
        "interpretation": code_taken(sent.one("interpretation"), _INTERPRETATION),
        "note": note_taken(sent),
        "device": device.take("display") if device else None,
        "reference_range": ends,
    }


def _quantity_taken(quantity: Element) -> Json:
    """Return a value with its UCUM code; it is shown under that code as its unit."""
    value, code = quantity.take("value"), quantity.take("code")
    if not quantity.take_if("system", UCUM) or code is None or value is None:
        raise not_processable(quantity.path, "a value with its UCUM code and system", "required")
    quantity.take("unit")
    return {"value": value, "unit": code}


def _end_taken(end: Element | None, value: Json | None) -> float | None:
    if end is None:
        return None
    found = _quantity_taken(end)
    if value is None or found["unit"] != value["unit"]:
        raise not_processable(f"{end.path}.code", "in the unit of the value", "value")
    return float(found["value"])


def wanted(query: Query) -> dict[str, Any]:
    """Return which observations of the record a search wants: in order of time."""
    return {
        "codes": coded(query, "code", bare=vital_sign.LOINC_CODES),
        "categories": query.codes("category", CATEGORY),
        "statuses": query.codes("status", STATUS),
        "practitioner_ids": ids_of(query.keys("performer", "Practitioner")),
        "organization_ids": ids_of(query.keys("performer", "Organization")),
        "by_time": True,
        **of_instants(query.range("date")),
    }


_RECORDS: Final = Records(
    kind="observation",
    shown=shown,
    taken=taken,
    wanted=wanted,
    paths={
        "category": "category[0]",
        "effective_at": "effectiveDateTime",
        "quantity": "valueQuantity",
        "quantity.unit": "code",
        "concept": "valueCodeableConcept",
        "text": "valueString",
        "data_absent_reason": "dataAbsentReason",
        "interpretation": "interpretation[0]",
        "reference_range": "referenceRange[0]",
        "device": "device.display",
    },
)


async def read(asked: Asked, key: str) -> Json:
    """Return an observation; raises ``NotFound``, ``Forbidden`` without ``vitals:read``, or ``records:read``."""
    sign = await vital_sign.of_id(asked, key_of(key))
    return await _RECORDS.read(asked, key) if sign is None else sign


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of a patient's observations, the latest first, those entered in error among them."""
    if query.ids is not None and not query.references:
        return await beside(query, await _RECORDS.search(asked, query), lambda key: vital_sign.of_id(asked, key))

    async def of_one(resident_id: uuid.UUID, page: PageRequest) -> Found:
        sources = []
        categories = query.codes("category", CATEGORY)
        if (categories is None or _VITAL in categories) and "performer" not in query.references:
            if query.descending is False:
                raise bad_parameter("_sort", "-date: vital signs are told the latest first", "not-supported")
            sources.append(vital_sign.source(asked, resident_id, query))
        if categories is None or categories - {_VITAL}:
            sources.append(_RECORDS.source(asked, resident_id, _RECORDS.query(query)))
        return await merged(sources, page, ascending=query.descending is False) if sources else Found([])

    return await of_patients(asked, query, of_one)


async def create(asked: Asked, document: Json) -> Json:
    """Keep an observation: a vital sign with those there are, all else in the record."""
    if vital_sign.is_meant(document):
        return await vital_sign.create(asked, document)
    return await _RECORDS.create(asked, document)


async def create_many(asked: Asked, documents: Sequence[Json]) -> list[Json]:
    """Keep observations, the vital signs of a patient at once; what is wrong is told with which it is wrong with."""
    signs = [index for index, document in enumerate(documents) if vital_sign.is_meant(document)]
    kept = await vital_sign.create_many(asked, [(index, documents[index]) for index in signs])
    for index, document in enumerate(documents):
        if index not in kept:
            with telling_which([index]):
                kept[index] = await _RECORDS.create(asked, document)
    return [kept[index] for index in range(len(documents))]


async def update(asked: Asked, key: str, document: Json, version: int | None) -> Json:
    """Correct an observation of the record; raises as ``Records.update``, and ``NotProcessable`` for a vital sign."""
    if await vital_sign.of_id(asked, key_of(key)) is not None:
        raise not_processable("Observation", "a vital sign stays as it was measured", "not-supported")
    return await _RECORDS.update(asked, key, document, version)


async def history(asked: Asked, key: str, page: PageRequest) -> Found:
    """Return a page of an observation's versions; of a vital sign the present one alone is told."""
    sign = await vital_sign.of_id(asked, key_of(key))
    return await _RECORDS.history(asked, key, page) if sign is None else Found([sign])


async def read_version(asked: Asked, key: str, number: int) -> Json:
    """Return a version of an observation; of a vital sign the present one alone is told."""
    sign = await vital_sign.of_id(asked, key_of(key))
    if sign is None:
        return await _RECORDS.read_version(asked, key, number)
    if sign["meta"]["versionId"] != str(number):
        raise NotFound
    return sign


OBSERVATION = Resource(
    type="Observation",
    documentation=(
        "A patient's vital signs and the other observations in their health record, the latest first, those entered in "
        "error among them. The patient has to be named. Creating a vital sign (category vital-signs, or none) keeps a "
        "reading; the same again (device, code, instant) is kept once."
    ),
    parameters=(
        *about("subject", "subject"),
        Parameter("code", "token", "What was observed: system and code"),
        Parameter("category", "token", "vital-signs, or of the record: laboratory, imaging, exam and others"),
        Parameter("status", "token", "How final it is"),
        Parameter("date", "date", "When it was so"),
        Parameter(
            "performer",
            "reference",
            "Who says so, or for which clinic",
            targets=("Practitioner", "Organization"),
            elements=("performer",),
        ),
    ),
    search=search,
    own_read=read,
    create=create,
    create_many=create_many,
    update=update,
    history=history,
    read_version=read_version,
    mandatory=frozenset({"status", "code"}),
    sorts=("date",),
    compartment="patient",
)
