"""Patient: a resident, to those who may see their profile."""

import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.fhir.elements import REFERENCE, Json, coding, concept, instant, meta, resource, uuid_of
from app.fhir.elements import reference as reference_to
from app.fhir.problems import bad_parameter
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from app.identity.api import ResidentQuery, ResidentRecord, resident_record, resident_records
from telemedicine import api
from telemedicine.api import PatientLinkPublic


def shown(resident: ResidentRecord, links: Sequence[PatientLinkPublic] = ()) -> Json:
    """Return a resident, with the numbers by which the clinic that asks knows them; who moved away is not active.

    Each number that was linked, and each that no longer is, makes another version of them.
    """
    changed = [at for link in links for at in (link.linked_at, link.ended_at) if at is not None]
    reference = [{"system": REFERENCE, "value": resident.reference}] if resident.reference else []
    return resource(
        "Patient",
        resident.id,
        meta=meta(resident.version + len(changed), max([resident.updated_at, *changed])),
        identifier=reference + [_number(link) for link in links if link.ended_at is None],
        active=resident.state == "active",
        name=[{"text": resident.name}],
        birthDate=resident.birth_date.isoformat() if resident.birth_date else None,
        communication=[{"language": concept("urn:ietf:bcp:47", resident.language), "preferred": True}],
    )


def _number(link: PatientLinkPublic) -> Json:
    return {
        "use": "usual",
        "type": {"coding": [coding("http://terminology.hl7.org/CodeSystem/v2-0203", "MR", "Medical record number")]},
        "system": link.system,
        "value": link.value,
        "period": {"start": instant(link.linked_at)},
        "assigner": reference_to("Organization", link.organization_id),
    }


def one_patient(asked: Asked, query: Query, *names: str) -> uuid.UUID:
    """Return whom a search is about, oneself if nobody is named; raises ``BadSearch``, and ``NotFound`` for nobody.

    ``names`` are the parameters that name them (default: ``patient``), which have to agree.
    """
    named = [wanted for name in names or ("patient",) if (wanted := query.keys(name, "Patient")) is not None]
    if not named and asked.actor.resident_id is not None:
        return asked.actor.resident_id
    if not named:
        raise bad_parameter("patient", "say whose: Patient/id", "required")
    patients = set.intersection(*named)
    if len(patients) > 1:
        raise bad_parameter("patient", "one at a time", "not-supported")
    found = uuid_of(next(iter(patients), ""))
    if found is None:
        raise NotFound
    return found


async def of_patient(
    asked: Asked,
    query: Query,
    residents_of: Callable[[AsyncConnection, Actor, Collection[uuid.UUID]], Awaitable[Sequence[uuid.UUID]]],
    find: Callable[[uuid.UUID, PageRequest], Awaitable[Found]],
) -> Found:
    """Return what a search finds of whom it is about; where it names ids alone, of those whom these are about.

    ``residents_of`` says whom, of those the actor may see. Raises as ``one_patient``.
    """
    if query.ids is None or not {"patient", "subject"}.isdisjoint(query.references):
        return await find(one_patient(asked, query, "patient", "subject"), query.page)
    ids = ids_of(query.ids) or []
    whole = PageRequest(max(1, len(ids)), None)
    pages = [await find(whose, whole) for whose in await residents_of(asked.connection, asked.actor, ids)]
    return Found([one for page in pages for one in page.resources])


async def read(asked: Asked, key: str) -> Json:
    """Return a resident; raises ``NotFound``, ``Forbidden`` without ``profile:read``."""
    resident_id = uuid_of(key)
    if resident_id is None:
        raise NotFound
    record = await resident_record(asked.connection, asked.actor, resident_id)
    links = await api.numbers_of(asked.connection, asked.actor, [resident_id])
    return shown(record, links.get(resident_id, []))


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of the residents the actor may see."""
    page = await resident_records(asked.connection, asked.actor, await _wanted(asked, query), query.page)
    links = await api.numbers_of(asked.connection, asked.actor, [resident.id for resident in page.items])
    return Found([shown(resident, links.get(resident.id, [])) for resident in page.items], page.next)


async def _wanted(asked: Asked, query: Query) -> ResidentQuery:
    born, updated = query.range("birthdate"), query.range("_lastUpdated")
    more: dict[str, Any] = {}
    active = query.codes("active", "http://hl7.org/fhir/CodeSystem/special-values", "")
    ids = ids_of(query.ids)
    if active is not None:
        more["lives_here"] = None if {"true", "false"} <= active else "true" in active
        ids = ids if active & {"true", "false"} else []
    numbers = {
        (token.system, token.code)
        for token in query.tokens.get("identifier", ())
        if token.code and token.system not in (REFERENCE, "")
    }
    if numbers:
        more["numbered"] = await api.residents_numbered(asked.connection, asked.actor, numbers)
    return ResidentQuery(
        ids=ids,
        references=query.codes("identifier", REFERENCE),
        name=query.strings.get("name"),
        born_since=born.since.date() if born.since else None,
        born_before=born.before.date() if born.before else None,
        updated_since=updated.since,
        updated_before=updated.before,
        **more,
    )


PATIENT = Resource(
    type="Patient",
    documentation="The residents whose profile one may see: by consent, by a service agreement, or one's own.",
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("name", "string", "The name", elements=("name",)),
        Parameter(
            "identifier",
            "token",
            f"The operator's reference ({REFERENCE}), or a number of the asking clinic's own",
            elements=("identifier",),
        ),
        Parameter("birthdate", "date", "The day of birth", elements=("birthDate",)),
        Parameter("active", "token", "Whether they live here now"),
    ),
    search=search,
    own_read=read,
    mandatory=frozenset({"active"}),
)
