"""Provenance: who wrote which version of a patient's health record, for which clinic, and when."""

import uuid
from typing import Final

from app.core.paging import PageRequest
from app.fhir.elements import Json, coding, filled, instant, meta, reference, resource
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.compartments import of_patients
from app.fhir.resources.organization import ids_of
from app.fhir.resources.records import TYPES, key_of
from app.fhir.values import meet
from telemedicine import api
from telemedicine.api import HealthRecordVersionEntry, HealthRecordVersionQuery

_ROLE: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_ACTIVITY: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_CLIENT: Final = "urn:hearthline:client"
_KINDS: Final = {kind: name for name, kind in TYPES.items()}


def shown(of: HealthRecordVersionEntry) -> Json:
    """Return what is known of how a version came about; of a correction the version before is what was revised."""
    target = f"{TYPES[of.kind]}/{of.record_id}/_history/"
    activity = ("CREATE", "create") if of.number == 1 else ("UPDATE", "revise")
    return resource(
        "Provenance",
        of.id,
        meta=meta(1, of.recorded_at),
        target=[{"reference": f"{target}{of.number}"}],
        recorded=instant(of.recorded_at),
        reason=[{"text": of.reason}] if of.reason else None,
        activity={"coding": [coding(_ACTIVITY, *activity)]},
        agent=_agents(of),
        entity=[{"role": "revision", "what": {"reference": f"{target}{of.number - 1}"}}] if of.number > 1 else None,
    )


def _agents(of: HealthRecordVersionEntry) -> list[Json]:
    """Return who wrote a version: a person, or a machine; and the clinic that answers for it."""
    clinic = reference("Organization", of.organization_id) if of.organization_id else None
    agents = [_agent("author", _author(of), clinic)] if of.source in ("clinic", "resident") else []
    if of.source in ("device", "import"):
        machine = {"type": "Device", "identifier": {"system": _CLIENT, "value": str(of.author_id)}}
        agents = [_agent("assembler", machine, clinic)]
    return agents + ([_agent("custodian", clinic)] if clinic else [])


def _author(of: HealthRecordVersionEntry) -> Json:
    if of.author_id is None:
        return {"type": "Device", "display": "Hearthline"}
    if of.is_own:
        return reference("Patient", of.resident_id, of.author_name)
    if of.practitioner_id is not None:
        return reference("Practitioner", of.practitioner_id, of.author_name)
    # A relative, or a clinician who is none of the directory's.
    kind = "RelatedPerson" if of.source == "resident" else "Practitioner"
    return {"type": kind, "display": of.author_name or "Somebody who is no longer known"}


def _agent(role: str, who: Json, clinic: Json | None = None) -> Json:
    return filled(type={"coding": [coding(_ROLE, role)]}, who=who, onBehalfOf=clinic)


async def read(asked: Asked, key: str) -> Json:
    """Return how a version came about; raises ``NotFound``, ``Forbidden`` without ``records:read``."""
    return shown(await api.read_version_entry(asked.connection, asked.actor, key_of(key)))


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of how a patient's records came about, the last version first."""
    asks = _wanted(query)

    async def of_one(resident_id: uuid.UUID, page: PageRequest) -> Found:
        found = await api.version_entries_page(asked.connection, asked.actor, resident_id, asks, page)
        return Found([shown(one) for one in found.items], found.next)

    is_of_ids = asks.ids is not None or asks.record_ids is not None
    ids = [*(asks.ids or ()), *(asks.record_ids or ())] if is_of_ids else None
    return await of_patients(asked, query, of_one, "patient", "agent", ids=ids)


def _wanted(query: Query) -> HealthRecordVersionQuery:
    targets, patients = query.references.get("target"), query.keys("agent", "Patient")
    recorded = meet("recorded", query.range("recorded"), query.range("_lastUpdated"))
    return HealthRecordVersionQuery(
        ids=ids_of(query.ids),
        record_ids=None if targets is None else ids_of({key for _, key in targets}),
        kinds=None if targets is None else {_KINDS[kind] for kind, _ in targets},
        practitioner_ids=ids_of(query.keys("agent", "Practitioner")),
        organization_ids=ids_of(query.keys("agent", "Organization")),
        by_resident=bool(patients),
        since=recorded.since,
        before=recorded.before,
        ascending=query.descending is False,
    )


PROVENANCE = Resource(
    type="Provenance",
    documentation=(
        "Who wrote each version of a patient's health record, for which clinic, and when: the last version first. The "
        "patient has to be named, or what it is about."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("patient", "reference", "Whose record; default: one's own", targets=("Patient",)),
        Parameter(
            "target",
            "reference",
            "Of which record",
            targets=tuple(sorted(TYPES.values())),
            elements=("target",),
            many=True,
        ),
        Parameter("recorded", "date", "When the version was written"),
        Parameter(
            "agent",
            "reference",
            "Who wrote it; of a Patient, that they did themselves",
            targets=("Practitioner", "Organization", "Patient"),
            elements=("agent",),
        ),
    ),
    search=search,
    own_read=read,
    mandatory=frozenset({"target", "recorded", "agent"}),
    sorts=("recorded",),
    compartment="patient",
)
