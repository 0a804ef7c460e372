"""Coverage: who pays for a patient."""

from typing import Any, Final

from app.fhir.concepts import code_shown, code_taken, concept_shown, concept_taken, days_shown, days_taken
from app.fhir.elements import Json
from app.fhir.registry import Parameter, Query, Resource
from app.fhir.resources.records import Records, about, coded, status_of, told_beside, words_beside
from app.fhir.taking import Element
from telemedicine.api import CoverageContent, HealthRecordPublic

_STATUS: Final = "http://hl7.org/fhir/fm-status"
_RELATIONSHIP: Final = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"


def shown(of: HealthRecordPublic) -> Json:
    """Return what a coverage says; the insurer is nobody of ours, and named."""
    content = of.content
    assert isinstance(content, CoverageContent)  # noqa: S101 - the kind says so
    return {
        "extension": told_beside(content.note),
        "status": status_of(of, content.status),
        "type": concept_shown(content.type),
        "subscriberId": content.member_number,
        "relationship": code_shown(_RELATIONSHIP, content.relationship),
        "period": days_shown(content.starts_on, content.ends_on),
        "payor": [{"display": content.insurer}],
    }


def taken(sent: Element) -> dict[str, Any]:
    """Return the fields of a coverage."""
    payor = sent.one("payor")
    return {
        "note": words_beside(sent),
        "status": sent.take("status"),
        "type": concept_taken(sent.within("type")),
        "member_number": sent.take("subscriberId"),
        "relationship": code_taken(sent.within("relationship"), _RELATIONSHIP),
        **days_taken(sent.within("period")),
        "insurer": payor.take("display") if payor else None,
    }


def wanted(query: Query) -> dict[str, Any]:
    """Return which coverages a search wants."""
    return {"codes": coded(query, "type"), "statuses": query.codes("status", _STATUS)}


_RECORDS: Final = Records(
    kind="coverage",
    shown=shown,
    taken=taken,
    wanted=wanted,
    patient="beneficiary",
    paths={
        "note": "extension",
        "member_number": "subscriberId",
        "starts_on": "period.start",
        "ends_on": "period.end",
        "insurer": "payor[0].display",
    },
)

COVERAGE = Resource(
    type="Coverage",
    documentation="Who pays for a patient, entered last first, what was entered in error among it.",
    parameters=(
        *about("beneficiary", "beneficiary"),
        Parameter("type", "token", "What sort of coverage it is: system and code"),
        Parameter("status", "token", "Whether it is in force"),
    ),
    search=_RECORDS.search,
    own_read=_RECORDS.read,
    create=_RECORDS.create,
    update=_RECORDS.update,
    history=_RECORDS.history,
    read_version=_RECORDS.read_version,
    mandatory=frozenset({"status", "beneficiary", "payor"}),
    compartment="patient",
    changes=_RECORDS.changes,
)
