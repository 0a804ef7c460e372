"""Encounter: a contact of a patient's with a clinic: a video visit, or one of the health record."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from app.core.paging import PageRequest
from app.core.problems import Forbidden, NotFound
from app.fhir.concepts import concept_shown, concept_taken, instant_shown, instant_taken
from app.fhir.elements import Json, coding, filled, instant, meta, reference, resource
from app.fhir.merging import Placed, merged
from app.fhir.registry import Asked, Changes, Found, Parameter, Query, Resource
from app.fhir.resources.compartments import beside, of_patients
from app.fhir.resources.organization import ids_of
from app.fhir.resources.records import (
    ENTERED_IN_ERROR,
    Records,
    about,
    coded,
    key_of,
    of_instants,
    status_of,
    told_beside,
    words_beside,
)
from app.fhir.taking import Element
from telemedicine import api
from telemedicine.api import ConsultationPublic, ConsultationQuery, EncounterContent, HealthRecordPublic
from telemedicine.events import ConsultationAwaited, ConsultationClosed, ConsultationStarted

_CLASS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CLASSES: Final = {"AMB": "ambulatory", "VR": "virtual", "HH": "home health"}
_ROLE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_STATUS: Final = "http://hl7.org/fhir/encounter-status"
_STATUSES: Final = {"planned": "planned", "waiting": "arrived", "in_progress": "in-progress"}
# What is over, by whether it began (FHIR R4, EncounterStatus).
_STANDINGS: Final = {status: state for state, status in _STATUSES.items()} | {
    "finished": "held",
    "cancelled": "not_held",
}


def shown(visit: ConsultationPublic, *, is_withdrawn: bool) -> Json:
    """Return a video visit; the clinician is named, as they may be no practitioner of the directory's."""
    return resource(
        "Encounter",
        visit.id,
        meta=meta(visit.version, visit.updated_at),
        status=ENTERED_IN_ERROR if is_withdrawn else _status(visit),
        **{"class": coding(_CLASS, "VR", "virtual")},
        subject=reference("Patient", visit.resident_id),
        participant=[
            {
                "type": [{"coding": [coding(_ROLE, "PPRF", "primary performer")]}],
                **filled(individual=filled(display=visit.clinician_name)),
            }
        ],
        appointment=[reference("Appointment", visit.appointment_id)] if visit.appointment_id else None,
        period=_period(visit),
        serviceProvider=reference("Organization", visit.organization_id),
    )


def _status(visit: ConsultationPublic) -> str:
    """Return how a visit stands: what ended before it began was cancelled (FHIR R4, EncounterStatus)."""
    return _STATUSES.get(visit.state) or ("finished" if visit.started_at else "cancelled")


def _period(visit: ConsultationPublic) -> Json:
    """Return when a visit was, or is to be."""
    if visit.started_at is None:
        return {"start": instant(visit.starts_at), "end": instant(visit.ends_at)}
    return filled(start=instant(visit.started_at), end=instant(visit.ended_at) if visit.ended_at else None)


def recorded(of: HealthRecordPublic) -> Json:
    """Return what an encounter of the record says."""
    content = of.content
    assert isinstance(content, EncounterContent)  # noqa: S101 - the kind says so
    booked = of.origin.id if of.origin and of.origin.kind == "appointment" else None
    return {
        "extension": told_beside(content.note),
        "status": status_of(of, content.status),
        "class": coding(_CLASS, content.encounter_class, _CLASSES[content.encounter_class]),
        "appointment": [reference("Appointment", booked)] if booked else None,
        "period": filled(start=instant(content.starts_at), end=instant_shown(content.ends_at)),
        "reasonCode": [concept_shown(content.reason)] if content.reason else None,
        "serviceProvider": reference("Organization", of.organization_id) if of.organization_id else None,
    }


def taken(sent: Element) -> dict[str, Any]:
    """Return the fields of an encounter."""
    sort, period = sent.within("class"), sent.within("period")
    if sort is not None and sort.take_if("system", _CLASS):
        sort.take("display")
    return {
        "note": words_beside(sent),
        "status": sent.take("status"),
        "encounter_class": sort.take("code") if sort else None,
        "starts_at": instant_taken(period, "start") if period else None,
        "ends_at": instant_taken(period, "end") if period else None,
        "reason": concept_taken(sent.one("reasonCode")),
    }


def wanted(query: Query) -> dict[str, Any]:
    """Return which encounters of the record a search wants."""
    return {
        "codes": coded(query, "reason-code"),
        "categories": query.codes("class", _CLASS),
        "statuses": query.codes("status", _STATUS),
        "organization_ids": ids_of(query.keys("service-provider", "Organization")),
        **of_instants(query.range("date")),
    }


_RECORDS: Final = Records(
    kind="encounter",
    shown=recorded,
    taken=taken,
    wanted=wanted,
    paths={
        "note": "extension",
        "encounter_class": "class",
        "starts_at": "period.start",
        "ends_at": "period.end",
        "reason": "reasonCode[0]",
    },
)


async def read(asked: Asked, key: str) -> Json:
    """Return an encounter; raises ``NotFound``, ``Forbidden`` without ``consultations:read``, or ``records:read``."""
    visit = await _visit(asked, key)
    return await _RECORDS.read(asked, key) if visit is None else visit


async def _visit(asked: Asked, key: str) -> Json | None:
    """Return the video visit of an id, ``None`` if it is none of one that the actor may know of."""
    try:
        visit = await api.consultation(asked.connection, asked.actor, key_of(key))
    except NotFound:
        return None
    return (await _shown(asked, [visit]))[0]


async def _shown(asked: Asked, visits: Sequence[ConsultationPublic]) -> list[Json]:
    """Return video visits; what the record says was entered in error is not told as held."""
    withdrawn = await api.withdrawn_visits(asked.connection, [visit.id for visit in visits])
    return [shown(visit, is_withdrawn=visit.id in withdrawn) for visit in visits]


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of a patient's encounters, those planned or entered last first.

    A video visit that was held is in the record too, and told once: by who may read no visits, out of the record.
    """

    if query.ids is not None and not query.references:
        return await beside(query, await _RECORDS.search(asked, query), lambda key: _visit(asked, str(key)))

    async def of_one(resident_id: uuid.UUID, page: PageRequest) -> Found:
        asks = _visits_wanted(query)
        sees_visits = await api.sees_consultations(asked.connection, asked.actor, resident_id)
        of_record = _RECORDS.query(query, with_consultations=not sees_visits)

        async def visits(part: PageRequest) -> tuple[list[Placed], bool]:
            found = await api.consultations(asked.connection, asked.actor, resident_id, part, asks)
            placed = [
                Placed(one.id, api.consultation_cursor(one), said)
                for one, said in zip(found.items, await _shown(asked, found.items), strict=True)
            ]
            return placed, found.next is not None

        return await merged([visits, _RECORDS.source(asked, resident_id, of_record)], page)

    return await of_patients(asked, query, of_one)


def _visits_wanted(query: Query) -> ConsultationQuery:
    classes, statuses = query.codes("class", _CLASS), query.codes("status", _STATUS)
    if "reason-code" in query.tokens or (classes is not None and "VR" not in classes):
        return ConsultationQuery(ids=[])
    when, updated = query.range("date"), query.range("_lastUpdated")
    return ConsultationQuery(
        ids=ids_of(query.ids),
        standings=None if statuses is None else {_STANDINGS[one] for one in statuses & _STANDINGS.keys()},
        organization_ids=ids_of(query.keys("service-provider", "Organization")),
        first=when.since,
        end=when.before,
        updated_since=updated.since,
        updated_before=updated.before,
    )


async def history(asked: Asked, key: str, page: PageRequest) -> Found:
    """Return a page of an encounter's versions; of a video visit the present one alone is kept."""
    visit = await _visit(asked, key)
    return await _RECORDS.history(asked, key, page) if visit is None else Found([visit])


async def read_version(asked: Asked, key: str, number: int) -> Json:
    """Return a version of an encounter; of a video visit the present one alone is kept."""
    visit = await _visit(asked, key)
    if visit is None:
        return await _RECORDS.read_version(asked, key, number)
    if visit["meta"]["versionId"] != str(number):
        raise NotFound
    return visit


async def update(asked: Asked, key: str, document: Json, version: int | None) -> Json:
    """Correct an encounter of the record; raises as ``Records.update``, ``Forbidden`` for a video visit."""
    if await _visit(asked, key) is not None:
        raise Forbidden("a video visit is what happened in its room")
    return await _RECORDS.update(asked, key, document, version)


ENCOUNTER = Resource(
    type="Encounter",
    documentation=(
        "A patient's video visits and the other contacts in their health record, those planned or entered last first. "
        "The patient has to be named. Video visits write themselves."
    ),
    parameters=(
        *about("subject", "subject"),
        Parameter("date", "date", "When it begins"),
        Parameter("status", "token", "How far it is"),
        Parameter("class", "token", "AMB, VR, HH"),
        Parameter("reason-code", "token", "What it was for: system and code"),
        Parameter(
            "service-provider", "reference", "The clinic", targets=("Organization",), elements=("serviceProvider",)
        ),
    ),
    search=search,
    own_read=read,
    create=_RECORDS.create,
    update=update,
    history=history,
    read_version=read_version,
    mandatory=frozenset({"status", "class"}),
    compartment="patient",
    changes=Changes((ConsultationAwaited, ConsultationStarted, ConsultationClosed), by_patient=True),
)
