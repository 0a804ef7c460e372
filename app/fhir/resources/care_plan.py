"""CarePlan: what a clinic means to do for a patient."""

from typing import Any, Final

from app.fhir.concepts import concept_shown, concept_taken, days_shown, days_taken, note_shown, note_taken
from app.fhir.elements import Json, filled, instant, reference
from app.fhir.registry import Parameter, Query, Resource
from app.fhir.resources.records import Records, about, coded, of_days, said_by, status_of
from app.fhir.taking import Element
from telemedicine.api import ClinicalPlanContent, HealthRecordPublic

_STATUS: Final = "http://hl7.org/fhir/request-status"


def shown(of: HealthRecordPublic) -> Json:
    """Return what a plan says; its author is the clinic that answers for it, who wrote it contributed."""
    content = of.content
    assert isinstance(content, ClinicalPlanContent)  # noqa: S101 - the kind says so
    said = said_by(of)
    return {
        "status": status_of(of, content.status),
        "intent": content.intent,
        "category": [concept_shown(content.category)] if content.category else None,
        "title": content.title,
        "description": content.description,
        "period": days_shown(content.starts_on, content.ends_on),
        "created": instant(of.created_at),
        "author": reference("Organization", of.organization_id),
        "contributor": [said] if said else None,
        "activity": [
            {
                "detail": filled(
                    code=concept_shown(activity.code), status=activity.status, description=activity.description
                )
            }
            for activity in content.activities
        ],
        "note": note_shown(content.note),
    }


def taken(sent: Element) -> dict[str, Any]:
    """Return the fields of a plan."""
    details = [activity.within("detail") for activity in sent.all("activity")]
    return {
        "status": sent.take("status"),
        "intent": sent.take("intent"),
        "category": concept_taken(sent.one("category")),
        "title": sent.take("title"),
        "description": sent.take("description"),
        **days_taken(sent.within("period")),
        "activities": [
            filled(
                code=concept_taken(detail.within("code")),
                status=detail.take("status"),
                description=detail.take("description"),
            )
            if detail
            else {}
            for detail in details
        ],
        "note": note_taken(sent),
    }


def wanted(query: Query) -> dict[str, Any]:
    """Return which plans a search wants."""
    return {
        "codes": coded(query, "category"),
        "statuses": query.codes("status", _STATUS),
        **of_days(query.range("date")),
    }


_RECORDS: Final = Records(
    kind="care_plan",
    shown=shown,
    taken=taken,
    wanted=wanted,
    paths={
        "category": "category[0]",
        "starts_on": "period.start",
        "ends_on": "period.end",
        "activities": "activity",
        "activities.code": "detail.code",
        "activities.status": "detail.status",
        "activities.description": "detail.description",
    },
)

CARE_PLAN = Resource(
    type="CarePlan",
    documentation="What clinics mean to do for a patient, entered last first, what was entered in error among it.",
    parameters=(
        *about("subject", "subject"),
        Parameter("category", "token", "What sort of plan it is: system and code"),
        Parameter("status", "token", "Whether it is followed"),
        Parameter("date", "date", "When it begins"),
    ),
    search=_RECORDS.search,
    own_read=_RECORDS.read,
    create=_RECORDS.create,
    update=_RECORDS.update,
    history=_RECORDS.history,
    read_version=_RECORDS.read_version,
    mandatory=frozenset({"status", "intent", "subject"}),
    compartment="patient",
    changes=_RECORDS.changes,
)
