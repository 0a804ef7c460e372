"""Which kinds of resources are served: routes, includes and the CapabilityStatement are made from this list."""

from typing import Final

from app.fhir.registry import Resource
from app.fhir.resources.appointment import APPOINTMENT
from app.fhir.resources.appointment_response import APPOINTMENT_RESPONSE
from app.fhir.resources.encounter import ENCOUNTER
from app.fhir.resources.healthcare_service import HEALTHCARE_SERVICE
from app.fhir.resources.linking import OPERATION_DEFINITION
from app.fhir.resources.location import LOCATION
from app.fhir.resources.observation import OBSERVATION
from app.fhir.resources.organization import ORGANIZATION
from app.fhir.resources.patient import PATIENT
from app.fhir.resources.practitioner import PRACTITIONER, PRACTITIONER_ROLE
from app.fhir.resources.schedule import SCHEDULE, SLOT

RESOURCES: Final[tuple[Resource, ...]] = (
    APPOINTMENT,
    APPOINTMENT_RESPONSE,
    ENCOUNTER,
    HEALTHCARE_SERVICE,
    LOCATION,
    OBSERVATION,
    OPERATION_DEFINITION,
    ORGANIZATION,
    PATIENT,
    PRACTITIONER,
    PRACTITIONER_ROLE,
    SCHEDULE,
    SLOT,
)
BY_TYPE: Final = {resource.type: resource for resource in RESOURCES}
