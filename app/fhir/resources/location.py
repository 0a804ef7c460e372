"""Location: a place of a clinic at which people are seen."""

from app.fhir.elements import Json, meta, reference, resource, time_zone, translated
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.organization import directory_query, ids_of
from telemedicine.api import LocationEntry, locations


def shown(place: LocationEntry) -> Json:
    """Return a place."""
    return resource(
        "Location",
        place.id,
        meta=meta(place.version, place.updated_at),
        extension=[time_zone(place.time_zone)],
        status="active",
        mode="instance",
        **translated("name", place.name),
        address={"text": place.address},
        position={"latitude": place.latitude, "longitude": place.longitude},
        managingOrganization=reference("Organization", place.organization_id),
    )


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of the places of the community's clinics."""
    wanted = directory_query(query, organization_ids=ids_of(query.keys("organization", "Organization")))
    page = await locations(asked.connection, asked.actor, wanted, query.page)
    return Found([shown(place) for place in page.items], page.next)


LOCATION = Resource(
    type="Location",
    documentation="The places at which the clinics see people.",
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("name", "string", "The name, in either language"),
        Parameter(
            "organization",
            "reference",
            "The clinic",
            targets=("Organization",),
            elements=("managingOrganization",),
            many=True,
        ),
    ),
    search=search,
    mandatory=frozenset({"status", "mode"}),
)
