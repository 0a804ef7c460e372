"""HealthcareService: what can be booked at a clinic."""

from app.fhir.elements import SPECIALTY, VISIT_MODE, VISIT_TYPE, Json, concept, meta, reference, resource, translated
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.organization import directory_query, ids_of
from telemedicine.api import VisitTypeEntry, visit_types

MODES = {"in_person": "In person", "video": "Video", "phone": "Telephone", "home": "At home"}


def shown(of: VisitTypeEntry) -> Json:
    """Return what can be booked."""
    return resource(
        "HealthcareService",
        of.id,
        meta=meta(of.version, of.updated_at),
        active=of.is_active,
        providedBy=reference("Organization", of.organization_id),
        type=[concept(VISIT_TYPE, of.id, of.name)],
        specialty=[concept(SPECIALTY, of.specialty)] if of.specialty else None,
        **translated("name", of.name),
        **(translated("extraDetails", of.preparation) if of.preparation else {}),
        characteristic=[concept(VISIT_MODE, of.mode, MODES[of.mode])],
        appointmentRequired=True,
    )


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of what can be booked in the community."""
    ids = query.ids
    types = query.codes("service-type", VISIT_TYPE)
    if types is not None:
        ids = frozenset(types) if ids is None else ids & types
    wanted = directory_query(
        Query(ids=ids, dates=query.dates, strings=query.strings),
        organization_ids=ids_of(query.keys("organization", "Organization")),
        specialties=query.codes("specialty", SPECIALTY),
    )
    page = await visit_types(asked.connection, asked.actor, wanted, query.page)
    return Found([shown(one) for one in page.items], page.next)


HEALTHCARE_SERVICE = Resource(
    type="HealthcareService",
    documentation="What can be booked at the clinics, and by which means: in person, by video, by telephone, at home.",
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("name", "string", "The name, in either language"),
        Parameter(
            "organization", "reference", "The clinic", targets=("Organization",), elements=("providedBy",), many=True
        ),
        Parameter("service-type", "token", f"What it is ({VISIT_TYPE})"),
        Parameter("specialty", "token", f"What the practitioner must have ({SPECIALTY})"),
    ),
    search=search,
)
