"""Organization: a clinic of the community."""

import uuid
from typing import Any

from app.fhir.elements import Json, filled, meta, resource, uuid_of
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Query, Resource
from telemedicine.api import ClinicEntry, DirectoryQuery, clinics


def directory_query(query: Query, **more: Any) -> DirectoryQuery:
    """Return what a search of clinics, their places, people and services wants of the directory."""
    updated = query.range("_lastUpdated")
    return DirectoryQuery(
        ids=ids_of(query.ids),
        updated_since=updated.since,
        updated_before=updated.before,
        name=query.strings.get("name"),
        **more,
    )


def ids_of(keys: set[str] | frozenset[str] | None) -> list[uuid.UUID] | None:
    """Return the ids of ours among FHIR ids; ``None`` if none were asked for."""
    return None if keys is None else [found for key in sorted(keys) if (found := uuid_of(key))]


def shown(clinic: ClinicEntry) -> Json:
    """Return a clinic."""
    return resource(
        "Organization",
        clinic.organization_id,
        meta=meta(clinic.version, clinic.updated_at),
        active=True,
        type=[
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/organization-type",
                        "code": "prov",
                        "display": "Healthcare Provider",
                    }
                ]
            }
        ],
        name=clinic.name,
        telecom=[filled(system="phone", value=clinic.phone)] if clinic.phone else None,
    )


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of the community's clinics."""
    page = await clinics(asked.connection, asked.actor, directory_query(query), query.page)
    return Found([shown(clinic) for clinic in page.items], page.next)


ORGANIZATION = Resource(
    type="Organization",
    documentation="The clinics of the community.",
    parameters=(ID, LAST_UPDATED),
    search=search,
)
