"""Condition: a problem or a diagnosis of a patient's."""

from typing import Any, Final

from app.fhir.concepts import code_shown, code_taken, concept_shown, concept_taken, day_taken, note_shown, note_taken
from app.fhir.elements import Json, instant
from app.fhir.registry import Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from app.fhir.resources.records import ENTERED_IN_ERROR, Records, about, coded, of_days, of_instants, said_by, status_of
from app.fhir.taking import Element
from telemedicine.api import ConditionContent, HealthRecordPublic

_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/condition-category"
_SNOMED: Final = "http://snomed.info/sct"
# http://hl7.org/fhir/R4/valueset-condition-severity.html
_SEVERITIES: Final = {
    "mild": ("255604002", "Mild"),
    "moderate": ("6736007", "Moderate"),
    "severe": ("24484000", "Severe"),
}
_BY_CODE: Final = {code: severity for severity, (code, _) in _SEVERITIES.items()}


def shown(of: HealthRecordPublic) -> Json:
    """Return what a condition says; one entered in error has no clinical status (invariant con-5)."""
    content = of.content
    assert isinstance(content, ConditionContent)  # noqa: S101 - the kind says so
    verification = status_of(of, content.verification_status)
    return {
        "clinicalStatus": None if verification == ENTERED_IN_ERROR else code_shown(_CLINICAL, content.clinical_status),
        "verificationStatus": code_shown(_VERIFICATION, verification),
        "category": [code_shown(_CATEGORY, content.category)],
        "severity": code_shown(_SNOMED, *_SEVERITIES[content.severity]) if content.severity else None,
        "code": concept_shown(content.code),
        "onsetDateTime": content.onset,
        "abatementDateTime": content.abatement,
        "recordedDate": instant(of.created_at),
        "recorder": said_by(of),
        "asserter": said_by(of),
        "note": note_shown(content.note),
    }


def taken(sent: Element) -> dict[str, Any]:
    """Return the fields of a condition."""
    severity = code_taken(sent.within("severity"), _SNOMED)
    return {
        "clinical_status": code_taken(sent.within("clinicalStatus"), _CLINICAL),
        "verification_status": code_taken(sent.within("verificationStatus"), _VERIFICATION),
        "category": code_taken(sent.one("category"), _CATEGORY),
        "severity": _BY_CODE.get(severity, severity) if severity else None,
        "code": concept_taken(sent.within("code")),
        "onset": day_taken(sent, "onsetDateTime"),
        "abatement": day_taken(sent, "abatementDateTime"),
        "note": note_taken(sent),
    }


def wanted(query: Query) -> dict[str, Any]:
    """Return which conditions a search wants."""
    return {
        "codes": coded(query, "code"),
        "categories": query.codes("category", _CATEGORY),
        "statuses": query.codes("clinical-status", _CLINICAL),
        "practitioner_ids": ids_of(query.keys("asserter", "Practitioner")),
        **of_days(query.range("onset-date")),
        **of_instants(query.range("recorded-date"), "entered_since", "entered_before"),
    }


_RECORDS: Final = Records(
    kind="condition",
    shown=shown,
    taken=taken,
    wanted=wanted,
    status=("verificationStatus", _VERIFICATION),
    paths={
        "clinical_status": "clinicalStatus",
        "verification_status": "verificationStatus",
        "category": "category[0]",
        "onset": "onsetDateTime",
        "abatement": "abatementDateTime",
    },
)

CONDITION = Resource(
    type="Condition",
    documentation=(
        "A patient's problems and diagnoses, those entered last first, those entered in error among them. What "
        "residents say of themselves is unconfirmed, and tagged as theirs."
    ),
    parameters=(
        *about("subject", "subject"),
        Parameter("code", "token", "What it is: system and code"),
        Parameter("category", "token", "problem-list-item, encounter-diagnosis"),
        Parameter("clinical-status", "token", "Whether it is active"),
        Parameter("onset-date", "date", "When it began"),
        Parameter("recorded-date", "date", "When it was entered"),
        Parameter(
            "asserter", "reference", "Who said it last", targets=("Practitioner",), elements=("asserter", "recorder")
        ),
    ),
    search=_RECORDS.search,
    own_read=_RECORDS.read,
    create=_RECORDS.create,
    update=_RECORDS.update,
    history=_RECORDS.history,
    read_version=_RECORDS.read_version,
    mandatory=frozenset({"subject", "clinicalStatus", "verificationStatus"}),
    sorts=("recorded-date",),
    compartment="patient",
    changes=_RECORDS.changes,
)
