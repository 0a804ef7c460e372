"""AllergyIntolerance: what a patient does not tolerate."""

from typing import Any, Final

from app.fhir.concepts import code_shown, code_taken, concept_shown, concept_taken, day_taken, note_shown, note_taken
from app.fhir.elements import Json, filled, instant
from app.fhir.registry import Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from app.fhir.resources.records import ENTERED_IN_ERROR, Records, about, coded, of_instants, said_by, status_of
from app.fhir.taking import Element
from telemedicine.api import AllergyContent, HealthRecordPublic

_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_CATEGORY: Final = "http://hl7.org/fhir/allergy-intolerance-category"


def shown(of: HealthRecordPublic) -> Json:
    """Return what an allergy says; one entered in error has no clinical status (invariant ait-2)."""
    content = of.content
    assert isinstance(content, AllergyContent)  # noqa: S101 - the kind says so
    verification = status_of(of, content.verification_status)
    return {
        "clinicalStatus": None if verification == ENTERED_IN_ERROR else code_shown(_CLINICAL, content.clinical_status),
        "verificationStatus": code_shown(_VERIFICATION, verification),
        "type": content.type,
        "category": list(content.categories),
        "criticality": content.criticality,
        "code": concept_shown(content.code),
        "onsetDateTime": content.onset,
        "recordedDate": instant(of.created_at),
        "recorder": said_by(of),
        "asserter": said_by(of),
        "lastOccurrence": content.last_occurrence,
        "note": note_shown(content.note),
        "reaction": [
            filled(
                manifestation=[concept_shown(one) for one in reaction.manifestations],
                onset=reaction.onset,
                severity=reaction.severity,
            )
            for reaction in content.reactions
        ],
    }


def taken(sent: Element) -> dict[str, Any]:
    """Return the fields of an allergy."""
    return {
        "clinical_status": code_taken(sent.within("clinicalStatus"), _CLINICAL),
        "verification_status": code_taken(sent.within("verificationStatus"), _VERIFICATION),
        "type": sent.take("type"),
        "categories": sent.take("category"),
        "criticality": sent.take("criticality"),
        "code": concept_taken(sent.within("code")),
        "onset": day_taken(sent, "onsetDateTime"),
        "last_occurrence": day_taken(sent, "lastOccurrence"),
        "note": note_taken(sent),
        "reactions": [
            filled(
                manifestations=[concept_taken(one) for one in reaction.all("manifestation")],
                onset=day_taken(reaction, "onset"),
                severity=reaction.take("severity"),
            )
            for reaction in sent.all("reaction")
        ],
    }


def wanted(query: Query) -> dict[str, Any]:
    """Return which allergies a search wants."""
    return {
        "codes": coded(query, "code"),
        "categories": query.codes("category", _CATEGORY),
        "statuses": query.codes("clinical-status", _CLINICAL),
        "practitioner_ids": ids_of(query.keys("asserter", "Practitioner")),
        **of_instants(query.range("date"), "entered_since", "entered_before"),
    }


_RECORDS: Final = Records(
    kind="allergy",
    shown=shown,
    taken=taken,
    wanted=wanted,
    status=("verificationStatus", _VERIFICATION),
    patient="patient",
    paths={
        "clinical_status": "clinicalStatus",
        "verification_status": "verificationStatus",
        "categories": "category",
        "onset": "onsetDateTime",
        "last_occurrence": "lastOccurrence",
        "reactions": "reaction",
        "reactions.manifestations": "manifestation",
    },
)

ALLERGY_INTOLERANCE = Resource(
    type="AllergyIntolerance",
    documentation=(
        "What a patient does not tolerate, entered last first, what was entered in error among it. What residents say "
        "of themselves is unconfirmed, and tagged as theirs."
    ),
    parameters=(
        *about("patient"),
        Parameter("code", "token", "What is not tolerated: system and code"),
        Parameter("category", "token", "food, medication, environment, biologic"),
        Parameter("clinical-status", "token", "Whether it is active"),
        Parameter("date", "date", "When it was entered"),
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
    mandatory=frozenset({"patient", "clinicalStatus", "verificationStatus"}),
    sorts=("date",),
    compartment="patient",
    changes=_RECORDS.changes,
)
