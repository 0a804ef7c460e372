"""Which kinds of resources are served: routes, includes and the CapabilityStatement are made from this list."""

from typing import Final

from app.fhir.registry import Resource
from app.fhir.resources.appointment import APPOINTMENT
from app.fhir.resources.encounter import ENCOUNTER
from app.fhir.resources.healthcare_service import HEALTHCARE_SERVICE
from app.fhir.resources.location import LOCATION
from app.fhir.resources.medication_administration import MEDICATION_ADMINISTRATION
from app.fhir.resources.medication_request import MEDICATION_REQUEST
from app.fhir.resources.medication_statement import MEDICATION_STATEMENT
from app.fhir.resources.observation import OBSERVATION
from app.fhir.resources.organization import ORGANIZATION
from app.fhir.resources.patient import PATIENT
from app.fhir.resources.practitioner import PRACTITIONER, PRACTITIONER_ROLE
from app.fhir.resources.schedule import SCHEDULE, SLOT

RESOURCES: Final[tuple[Resource, ...]] = (
    APPOINTMENT,
    ENCOUNTER,
    HEALTHCARE_SERVICE,
    LOCATION,
    MEDICATION_ADMINISTRATION,
    MEDICATION_REQUEST,
    MEDICATION_STATEMENT,
    OBSERVATION,
    ORGANIZATION,
    PATIENT,
    PRACTITIONER,
    PRACTITIONER_ROLE,
    SCHEDULE,
    SLOT,
)
BY_TYPE: Final = {resource.type: resource for resource in RESOURCES}
