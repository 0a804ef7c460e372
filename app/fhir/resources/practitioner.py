"""Practitioner and PractitionerRole: somebody who sees people, and for which clinic and as what they do.

Who works for two clinics is two of them, each under the id that clinic knows: strangers are not told that they are one.
"""

from app.fhir.elements import SPECIALTY, Json, concept, meta, reference, resource
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.organization import directory_query, ids_of
from telemedicine.api import PractitionerEntry, practitioners

_GENDERS = {"female": "female", "male": "male", "other": "other", "unknown": "unknown"}


def shown(person: PractitionerEntry) -> Json:
    """Return somebody who sees people."""
    return resource(
        "Practitioner",
        person.id,
        meta=meta(person.version, person.updated_at),
        active=person.is_active,
        name=[{"text": person.name}] if person.name else None,  # erased
        gender=_GENDERS[person.sex],
        communication=[concept("urn:ietf:bcp:47", language) for language in person.languages],
    )


def role_shown(person: PractitionerEntry) -> Json:
    """Return what somebody is at their clinic."""
    return resource(
        "PractitionerRole",
        person.id,
        meta=meta(person.version, person.updated_at),
        active=person.is_active,
        practitioner=reference("Practitioner", person.id, person.name),
        organization=reference("Organization", person.organization_id),
        specialty=[concept(SPECIALTY, code) for code in person.specialties],
    )


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of who sees people in the community."""
    page = await practitioners(asked.connection, asked.actor, directory_query(query), query.page)
    return Found([shown(person) for person in page.items], page.next)


async def search_roles(asked: Asked, query: Query) -> Found:
    """Return a page of what they are at their clinics."""
    ids = query.ids
    practitioner = query.keys("practitioner", "Practitioner")
    if practitioner is not None:
        ids = frozenset(practitioner) if ids is None else ids & practitioner
    wanted = directory_query(
        Query(ids=ids, dates=query.dates),
        organization_ids=ids_of(query.keys("organization", "Organization")),
        specialties=query.codes("specialty", SPECIALTY),
    )
    page = await practitioners(asked.connection, asked.actor, wanted, query.page)
    return Found([role_shown(person) for person in page.items], page.next)


PRACTITIONER = Resource(
    type="Practitioner",
    documentation="Those who see people for the clinics; who does no more is shown to their clinic alone.",
    parameters=(ID, LAST_UPDATED, Parameter("name", "string", "The name")),
    search=search,
)

PRACTITIONER_ROLE = Resource(
    type="PractitionerRole",
    documentation="For which clinic somebody sees people, and their specialties. It has the Practitioner's id.",
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("practitioner", "reference", "Who", targets=("Practitioner",), elements=("practitioner",), many=True),
        Parameter(
            "organization", "reference", "The clinic", targets=("Organization",), elements=("organization",), many=True
        ),
        Parameter("specialty", "token", f"A specialty ({SPECIALTY})"),
    ),
    search=search_roles,
)
