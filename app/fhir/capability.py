"""The CapabilityStatement: what this service can do, told from what its routes are made of."""

from collections.abc import Mapping
from typing import Final

from app.fhir import everything
from app.fhir.discovery import security
from app.fhir.elements import Json, base_url, filled
from app.fhir.outcomes import MEDIA_TYPE
from app.fhir.registry import Resource
from app.fhir.resources.linking import definition
from app.fhir.resources.scheduling import DEFINITIONS
from app.fhir.served import RESOURCES

_DATE: Final = "2026-11-27"
_BULK: Final = "http://hl7.org/fhir/uv/bulkdata"


def capability_statement() -> Json:
    """Return the CapabilityStatement."""
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{base_url()}/metadata",
        "name": "Hearthline",
        "title": "Hearthline for clinics",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "instantiates": [f"{_BULK}/CapabilityStatement/bulk-data"],
        "software": {"name": "Hearthline"},
        "implementation": {"description": "Remote care of a community's residents", "url": base_url()},
        "fhirVersion": "4.0.1",
        "format": [MEDIA_TYPE, "json"],
        "rest": [
            {
                "mode": "server",
                "security": security(),
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
                "resource": [_resource(resource) for resource in RESOURCES],
            }
        ],
    }


def _resource(resource: Resource) -> Json:
    interactions = ["read", "search-type"]
    interactions += ["create"] if resource.create else []
    interactions += ["update", "patch"] if resource.update else []
    interactions += ["delete"] if resource.delete else []
    interactions += ["vread"] if resource.read_version else []
    interactions += ["history-instance"] if resource.history else []
    return filled(
        type=resource.type,
        documentation=resource.documentation,
        interaction=[{"code": code} for code in interactions],
        versioning="versioned" if resource.parameter("_lastUpdated") else "no-version",
        conditionalRead="full-support",
        conditionalCreate=resource.create is not None,
        conditionalUpdate=resource.update is not None,
        searchInclude=[
            f"{resource.type}:{parameter.name}"
            for parameter in resource.parameters
            if parameter.kind == "reference" and parameter.elements
        ],
        searchRevInclude=[
            f"{source.type}:{parameter.name}"
            for source in RESOURCES
            for parameter in source.parameters
            if parameter.many and resource.type in parameter.targets
        ],
        searchParam=[
            {"name": parameter.name, "type": parameter.kind, "documentation": parameter.documentation}
            for parameter in resource.parameters
        ],
        operation=[{"name": name, "definition": of} for name, of in _operations(resource.type).items()],
    )


def _operations(kind: str) -> Mapping[str, str]:
    """Return what can be done with a kind of resource beside the usual: by name, where that is defined."""
    link = definition()
    of_patients = {"everything": everything.DEFINITION, link["code"]: link["url"]}
    known: Mapping[str, Mapping[str, str]] = {
        "Appointment": DEFINITIONS,
        "Group": {"export": f"{_BULK}/OperationDefinition/group-export"},
        "Patient": of_patients | {"export": f"{_BULK}/OperationDefinition/patient-export"},
    }
    return known.get(kind, {})
