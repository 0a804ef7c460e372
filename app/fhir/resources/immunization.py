"""Immunization: a vaccine that a patient was given, or was not."""

from typing import Any, Final

from app.fhir.concepts import code_shown, concept_shown, concept_taken, day_taken, note_shown, note_taken
from app.fhir.elements import Json, filled, instant
from app.fhir.registry import Parameter, Query, Resource
from app.fhir.resources.records import Records, about, coded, of_days, status_of
from app.fhir.taking import Element
from telemedicine.api import HealthRecordPublic, ImmunizationContent

_STATUS: Final = "http://hl7.org/fhir/event-status"
_ORIGIN: Final = "http://terminology.hl7.org/CodeSystem/immunization-origin"
_UNKNOWN: Final = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"},
    ]
}


def shown(of: HealthRecordPublic) -> Json:
    """Return what an immunization says; what residents say of themselves is recalled, not from who gave it."""
    content = of.content
    assert isinstance(content, ImmunizationContent)  # noqa: S101 - the kind says so
    is_recalled = of.source == "resident"
    return {
        "status": status_of(of, content.status),
        "statusReason": concept_shown(content.status_reason),
        "vaccineCode": concept_shown(content.vaccine),
        "occurrenceDateTime": content.occurrence,
        "recorded": instant(of.created_at),
        "primarySource": not is_recalled,
        "reportOrigin": code_shown(_ORIGIN, "recall", "Parent/Guardian/Patient Recall") if is_recalled else None,
        "lotNumber": content.lot_number,
        "expirationDate": content.expires,
        "performer": [{"actor": {"display": content.performer}}] if content.performer else None,
        "note": note_shown(content.note),
        "protocolApplied": _protocol(content),
    }


def _protocol(content: ImmunizationContent) -> list[Json] | None:
    if content.series is None and content.dose_number is None:
        return None
    number = {"doseNumberPositiveInt": content.dose_number} if content.dose_number else {"_doseNumberString": _UNKNOWN}
    return [filled(series=content.series, **number)]


def taken(sent: Element) -> dict[str, Any]:
    """Return the fields of an immunization."""
    performer, protocol = sent.one("performer"), sent.one("protocolApplied")
    who = performer.within("actor") if performer else None
    return {
        "status": sent.take("status"),
        "status_reason": concept_taken(sent.within("statusReason")),
        "vaccine": concept_taken(sent.within("vaccineCode")),
        "occurrence": day_taken(sent, "occurrenceDateTime"),
        "lot_number": sent.take("lotNumber"),
        "expires": day_taken(sent, "expirationDate"),
        "performer": who.take("display") if who else None,
        "series": protocol.take("series") if protocol else None,
        "dose_number": protocol.take("doseNumberPositiveInt") if protocol else None,
        "note": note_taken(sent),
    }


def wanted(query: Query) -> dict[str, Any]:
    """Return which immunizations a search wants."""
    return {
        "codes": coded(query, "vaccine-code"),
        "statuses": query.codes("status", _STATUS),
        "by_time": query.descending is not None,
        **of_days(query.range("date")),
    }


_RECORDS: Final = Records(
    kind="immunization",
    shown=shown,
    taken=taken,
    wanted=wanted,
    patient="patient",
    paths={
        "status_reason": "statusReason",
        "vaccine": "vaccineCode",
        "occurrence": "occurrenceDateTime",
        "lot_number": "lotNumber",
        "expires": "expirationDate",
        "performer": "performer[0].actor.display",
        "series": "protocolApplied[0].series",
        "dose_number": "protocolApplied[0].doseNumberPositiveInt",
    },
)

IMMUNIZATION = Resource(
    type="Immunization",
    documentation="The vaccines a patient was given or not, entered last first, those entered in error among them.",
    parameters=(
        *about("patient"),
        Parameter("vaccine-code", "token", "The vaccine: system and code"),
        Parameter("status", "token", "Whether it was given"),
        Parameter("date", "date", "When it was given"),
    ),
    search=_RECORDS.search,
    own_read=_RECORDS.read,
    create=_RECORDS.create,
    update=_RECORDS.update,
    history=_RECORDS.history,
    read_version=_RECORDS.read_version,
    mandatory=frozenset({"status", "vaccineCode", "patient", "occurrenceDateTime"}),
    sorts=("date",),
    compartment="patient",
    changes=_RECORDS.changes,
)
