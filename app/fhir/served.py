"""Which kinds of resources are served: routes, includes and the CapabilityStatement are made from this list."""

from typing import Final

from app.fhir.narrowing import narrowed
from app.fhir.registry import Resource
from app.fhir.resources.allergy_intolerance import ALLERGY_INTOLERANCE
from app.fhir.resources.appointment import APPOINTMENT
from app.fhir.resources.appointment_response import APPOINTMENT_RESPONSE
from app.fhir.resources.audit_event import AUDIT_EVENT
from app.fhir.resources.binary import BINARY
from app.fhir.resources.care_plan import CARE_PLAN
from app.fhir.resources.claim import CLAIM, CLAIM_RESPONSE
from app.fhir.resources.condition import CONDITION
from app.fhir.resources.consent import CONSENT
from app.fhir.resources.coverage import COVERAGE
from app.fhir.resources.document_reference import DOCUMENT_REFERENCE
from app.fhir.resources.eligibility import COVERAGE_ELIGIBILITY_REQUEST, COVERAGE_ELIGIBILITY_RESPONSE
from app.fhir.resources.encounter import ENCOUNTER
from app.fhir.resources.group import GROUP
from app.fhir.resources.healthcare_service import HEALTHCARE_SERVICE
from app.fhir.resources.immunization import IMMUNIZATION
from app.fhir.resources.linking import OPERATION_DEFINITION
from app.fhir.resources.location import LOCATION
from app.fhir.resources.medication_administration import MEDICATION_ADMINISTRATION
from app.fhir.resources.medication_request import MEDICATION_REQUEST
from app.fhir.resources.medication_statement import MEDICATION_STATEMENT
from app.fhir.resources.observation import OBSERVATION
from app.fhir.resources.organization import ORGANIZATION
from app.fhir.resources.patient import PATIENT
from app.fhir.resources.practitioner import PRACTITIONER, PRACTITIONER_ROLE
from app.fhir.resources.provenance import PROVENANCE
from app.fhir.resources.schedule import SCHEDULE, SLOT
from app.fhir.resources.service_request import SERVICE_REQUEST
from app.fhir.resources.subscription import subscription

_OF_OURS: Final[tuple[Resource, ...]] = (
    ALLERGY_INTOLERANCE,
    APPOINTMENT,
    APPOINTMENT_RESPONSE,
    AUDIT_EVENT,
    BINARY,
    CARE_PLAN,
    CLAIM,
    CLAIM_RESPONSE,
    CONDITION,
    CONSENT,
    COVERAGE,
    COVERAGE_ELIGIBILITY_REQUEST,
    COVERAGE_ELIGIBILITY_RESPONSE,
    DOCUMENT_REFERENCE,
    ENCOUNTER,
    GROUP,
    HEALTHCARE_SERVICE,
    IMMUNIZATION,
    LOCATION,
    MEDICATION_ADMINISTRATION,
    MEDICATION_REQUEST,
    MEDICATION_STATEMENT,
    OBSERVATION,
    OPERATION_DEFINITION,
    ORGANIZATION,
    PATIENT,
    PRACTITIONER,
    PRACTITIONER_ROLE,
    PROVENANCE,
    SCHEDULE,
    SERVICE_REQUEST,
    SLOT,
)
_WITHIN: Final = tuple(narrowed(resource) for resource in _OF_OURS)
RESOURCES: Final = (*_WITHIN, narrowed(subscription({resource.type: resource for resource in _WITHIN})))
"""What is served, within the scopes of whoever asks."""

BY_TYPE: Final = {resource.type: resource for resource in RESOURCES}
