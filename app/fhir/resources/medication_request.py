"""MedicationRequest: a prescription, read and found; drafted by creating one, written anew, signed and stopped."""

import uuid
from typing import Any, Final

from pydantic import ValidationError

from app.core.paging import PageRequest
from app.core.problems import FieldError, NotFound
from app.fhir.elements import Json, coding, filled, instant, local, meta, reference, resource, uuid_of
from app.fhir.problems import NotProcessable, not_processable
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.dosages import (
    CODE,
    check_kept,
    day_sent,
    dosage,
    dosage_sent,
    exact_codes,
    quantity,
    quantity_sent,
)
from app.fhir.resources.organization import ids_of
from app.fhir.resources.patient import of_patient
from telemedicine import api
from telemedicine.api import (
    CodeableConcept,
    Coding,
    PrescriptionContent,
    PrescriptionDraft,
    PrescriptionPublic,
    PrescriptionQuery,
)

STATUS: Final = "http://hl7.org/fhir/CodeSystem/medicationrequest-status"
INTENT: Final = "http://hl7.org/fhir/CodeSystem/medicationrequest-intent"
_INGREDIENT: Final = "urn:hearthline:ingredient"
_DISPENSED: Final = "urn:hearthline:dispensed"
_LONGEST_REASON: Final = 500
_PLACES: Final = {
    "medication": "medicationCodeableConcept",
    "ingredients": "extension",
    "dosage": "dosageInstruction[0].text",
    "timing": "dosageInstruction[0].timing",
    "dispense": "dispenseRequest.quantity",
    "supply_days": "dispenseRequest.expectedSupplyDuration",
    "repeats": "dispenseRequest.numberOfRepeatsAllowed",
    "valid_until": "dispenseRequest.validityPeriod.end",
    "reason": "reasonCode[0]",
    "note": "note[0].text",
}
"""Where in the resource what a prescription says stands."""
# What a client may send; what is not said of the prescription itself has to be as it is told, or left out.
_SAID: Final = frozenset(
    {"medicationCodeableConcept", "priority", "encounter", "reasonCode", "note", "dosageInstruction"}
    | {"dispenseRequest", "priorPrescription", "extension"}
)
_TOLD: Final = frozenset({"subject", "intent", "authoredOn", "requester", "recorder"})
_TAKEN: Final = (
    frozenset({"resourceType", "id", "meta", "implicitRules", "language", "text", "status", "statusReason"})
    | _SAID
    | _TOLD
)


def shown(of: PrescriptionPublic) -> Json:
    """Return a prescription; how often it was handed out is in an extension, as FHIR has no place for it."""
    content = of.content
    return resource(
        "MedicationRequest",
        of.id,
        meta=meta(of.version, of.updated_at),
        extension=[
            *({"url": _INGREDIENT, "valueCoding": _coding(one)} for one in content.ingredients),
            *([{"url": _DISPENSED, "valueUnsignedInt": of.dispensed}] if of.dispensed else []),
        ],
        status=of.status,
        statusReason={"text": of.end_reason} if of.end_reason else None,
        intent="order",
        priority=content.priority,
        medicationCodeableConcept=_concept(content.medication),
        subject=reference("Patient", of.resident_id),
        encounter=reference("Encounter", of.encounter_id) if of.encounter_id else None,
        authoredOn=instant(of.signed_at or of.created_at),
        requester=_requester(of),
        reasonCode=[_concept(content.reason)] if content.reason else None,
        note=[{"text": content.note}] if content.note else None,
        dosageInstruction=[dosage(content.dosage, content.timing, content.dose, content.starts_on)],
        dispenseRequest=_dispense(content),
        priorPrescription=reference("MedicationRequest", of.replaces_id) if of.replaces_id else None,
    )


def _requester(of: PrescriptionPublic) -> Json:
    name = of.signer_name or of.author_name
    return reference("Practitioner", of.practitioner_id, name) if of.practitioner_id else filled(display=name)


def _dispense(content: PrescriptionContent) -> Json:
    supply = {**quantity(content.supply_days, "d"), "unit": "days"} if content.supply_days else None
    return filled(
        validityPeriod={"end": content.valid_until.isoformat()} if content.valid_until else None,
        numberOfRepeatsAllowed=content.repeats,
        quantity=quantity(content.dispense.value, content.dispense.unit) if content.dispense else None,
        expectedSupplyDuration=supply,
    )


def _concept(of: CodeableConcept) -> Json:
    return filled(coding=[_coding(one) for one in of.codings], text=of.text)


def _coding(of: Coding) -> Json:
    return coding(of.system, of.code, of.display)


async def read(asked: Asked, key: str) -> Json:
    """Return a prescription; raises ``NotFound``, ``Forbidden``, ``NoTreatment``."""
    return shown(await api.read_prescription(asked.connection, asked.actor, _id(key)))


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of a patient's prescriptions, the last first; by their ids, of any patient the actor may see."""
    statuses, intents = query.codes("status", STATUS), query.codes("intent", INTENT)
    if intents is not None and "order" not in intents:
        return Found([])
    authored, updated = query.range("authoredon"), query.range("_lastUpdated")
    wanted = PrescriptionQuery(
        ids=ids_of(query.ids),
        statuses=statuses,
        codes=exact_codes(query),
        practitioner_ids=ids_of(query.keys("requester", "Practitioner")),
        encounter_ids=ids_of(query.keys("encounter", "Encounter")),
        authored_since=authored.since,
        authored_before=authored.before,
        updated_since=updated.since,
        updated_before=updated.before,
    )

    async def find(resident_id: uuid.UUID, page: PageRequest) -> Found:
        found = await api.find_prescriptions(asked.connection, asked.actor, resident_id, wanted, page)
        return Found([shown(one) for one in found.items], found.next)

    return await of_patient(asked, query, api.residents_of_prescriptions, find)


async def create(asked: Asked, document: Json) -> Json:
    """Draft a prescription (``draft``, intent ``order``); raises ``NotProcessable`` and the api's."""
    _check_taken(document)
    if document["status"] != "draft":
        raise not_processable("MedicationRequest.status", "draft: it is signed by an update", "value")
    kind, _, key = local(document["subject"].get("reference", "")).partition("/")
    resident_id = uuid_of(key) if kind == "Patient" else None
    if resident_id is None:
        raise not_processable("MedicationRequest.subject.reference", "a reference to a Patient of ours", "not-found")
    made = await api.draft_prescription(asked.writing, asked.actor, resident_id, _draft(document))
    return _agreed(document, made)


async def update(asked: Asked, key: str, document: Json, version: int | None) -> Json:
    """Write a draft anew, sign it (``active``), cancel it (``cancelled``) or stop what is in force (``stopped``).

    Raises ``NotFound``, ``StaleVersion``, ``NotProcessable``, and the api's.
    """
    _check_taken(document)
    session, actor, prescription_id = asked.writing, asked.actor, _id(key)
    now = await api.read_prescription(asked.connection, actor, prescription_id)
    version = now.version if version is None else version  # nobody signs what changes meanwhile
    status, draft = document["status"], _draft(document)
    is_changed = draft.content != now.content or (draft.replaces_id, draft.encounter_id) != (
        now.replaces_id,
        now.encounter_id,
    )
    if (now.status, status) == ("draft", "draft"):
        return _agreed(document, await api.redraft_prescription(session, actor, prescription_id, draft, version))
    if is_changed:
        detail = "what is said changes in a draft alone, and its status by itself"
        raise not_processable("MedicationRequest", detail, "invariant")
    _check_told(document, shown(now))
    match now.status, status:
        case "draft", "active":
            return shown(await api.sign_prescription(session, actor, prescription_id, version))
        case ("draft", "cancelled") | ("active", "stopped"):
            reason = _reason(document)
            return shown(await api.stop_prescription(session, actor, prescription_id, reason, version))
    raise not_processable("MedicationRequest.status", f"{now.status} does not become {status}", "value")


def _agreed(document: Json, made: PrescriptionPublic) -> Json:
    """Return what was made; raises ``NotProcessable`` if the document says otherwise of what is told."""
    of = shown(made)
    _check_told(document, of)
    return of


def _check_taken(document: Json) -> None:
    for name in sorted(document.keys() - _TAKEN):
        raise not_processable(f"MedicationRequest.{name}", "this is not kept here: leave it out", "not-supported")
    if document["intent"] != "order":
        raise not_processable("MedicationRequest.intent", "order: plans and proposals are none", "value")


def _check_told(document: Json, of: Json) -> None:
    for name in sorted(_TOLD & document.keys()):
        said, told = document[name], of.get(name)
        if isinstance(said, dict) and isinstance(told, dict) and "reference" in told:
            said, told = local(said.get("reference", "")), told["reference"]
        if said != told:
            raise not_processable(f"MedicationRequest.{name}", "told by us: leave it out, or as it is", "invariant")


def _draft(document: Json) -> PrescriptionDraft:
    """Return what a document says to prescribe; raises ``NotProcessable``."""
    medication = document.get("medicationCodeableConcept")
    if medication is None:
        raise not_processable("MedicationRequest.medication", "medicationCodeableConcept", "required")
    instructions = document.get("dosageInstruction", [])
    if len(instructions) != 1:
        raise not_processable("MedicationRequest.dosageInstruction", "one, with its text", "required")
    said: dict[str, Any] = {
        "medication": _concept_sent(medication, "MedicationRequest.medicationCodeableConcept"),
        "ingredients": [_ingredient(one, index) for index, one in _extensions(document)],
        "priority": document.get("priority", "routine"),
        "reason": _only(document, "reasonCode", _concept_sent),
        "note": _only(document, "note", _note_sent),
        **dosage_sent(instructions[0], "MedicationRequest.dosageInstruction[0]"),
        **_dispense_sent(document.get("dispenseRequest", {})),
    }
    try:
        return PrescriptionDraft(
            content=PrescriptionContent.model_validate(said),
            replaces_id=_referred(document, "priorPrescription", "MedicationRequest"),
            encounter_id=_referred(document, "encounter", "Encounter"),
        )
    except ValidationError as error:
        errors = [
            FieldError(f"MedicationRequest.{_PLACES.get(str(item['loc'][0]), item['loc'][0])}", item["msg"], "value")
            for item in error.errors()
            if item["loc"]
        ]
        raise NotProcessable(errors=errors or [FieldError("MedicationRequest", str(error), "value")]) from None


def _extensions(document: Json) -> list[tuple[int, Json]]:
    given = document.get("extension", [])
    return [(index, one) for index, one in enumerate(given) if one.get("url") != _DISPENSED]


def _ingredient(extension: Json, index: int) -> Json:
    if extension.get("url") != _INGREDIENT or "valueCoding" not in extension:
        raise not_processable(f"MedicationRequest.extension[{index}]", "this is not kept here", "not-supported")
    return _coding_sent(extension["valueCoding"], f"MedicationRequest.extension[{index}].valueCoding")


def _only(document: Json, name: str, taken: Any) -> Any:
    given = document.get(name, [])
    if len(given) > 1:
        raise not_processable(f"MedicationRequest.{name}[1]", "one is kept", "not-supported")
    return taken(given[0], f"MedicationRequest.{name}[0]") if given else None


def _note_sent(element: Json, path: str) -> str:
    check_kept(element, frozenset({"text"}), path)
    return str(element["text"])


def _concept_sent(element: Json, path: str) -> Json:
    check_kept(element, frozenset({"coding", "text"}), path)
    codings = [_coding_sent(one, f"{path}.coding[{index}]") for index, one in enumerate(element.get("coding", []))]
    return filled(coding=codings[0] if codings else None, translations=codings[1:], text=element.get("text"))


def _coding_sent(element: Json, path: str) -> Json:
    if not element.get("system") or not element.get("code"):
        raise not_processable(path, "a system and a code", "required")
    check_kept(element, frozenset({"system", "code", "display", "userSelected"}), path)
    return filled(system=element["system"], code=element["code"], display=element.get("display"))


def _dispense_sent(element: Json) -> dict[str, Any]:
    path = "MedicationRequest.dispenseRequest"
    taken = frozenset({"validityPeriod", "numberOfRepeatsAllowed", "quantity", "expectedSupplyDuration"})
    check_kept(element, taken, path)
    period = element.get("validityPeriod", {})
    check_kept(period, frozenset({"start", "end"}), f"{path}.validityPeriod")
    if "start" in period:
        detail = "from when it is taken stands in dosageInstruction.timing.repeat.boundsPeriod"
        raise not_processable(f"{path}.validityPeriod.start", detail, "not-supported")
    supply = element.get("expectedSupplyDuration")
    days = quantity_sent(supply, f"{path}.expectedSupplyDuration") if supply else None
    if days is not None and (days.unit != "d" or not days.value.is_integer()):
        raise not_processable(f"{path}.expectedSupplyDuration", "whole days (d)", "value")
    return {
        "valid_until": day_sent(period["end"], f"{path}.validityPeriod.end") if "end" in period else None,
        "repeats": element.get("numberOfRepeatsAllowed", 0),
        "dispense": quantity_sent(element["quantity"], f"{path}.quantity") if "quantity" in element else None,
        "supply_days": int(days.value) if days is not None else None,
    }


def _referred(document: Json, name: str, kind: str) -> uuid.UUID | None:
    if name not in document:
        return None
    named, _, key = local(document[name].get("reference", "")).partition("/")
    found = uuid_of(key) if named == kind else None
    if found is None:
        raise not_processable(f"MedicationRequest.{name}.reference", f"a {kind} of ours", "not-found")
    return found


def _reason(document: Json) -> str:
    reason: Json = document.get("statusReason", {})
    said = [reason.get("text"), *(one.get("display") for one in reason.get("coding", []))]
    text = next((one.strip() for one in said if one and one.strip()), "")
    if not 1 <= len(text) <= _LONGEST_REASON:
        detail = f"why it ends, in at most {_LONGEST_REASON} characters"
        raise not_processable("MedicationRequest.statusReason.text", detail, "required")
    return text


def _id(key: str) -> uuid.UUID:
    found = uuid_of(key)
    if found is None:
        raise NotFound
    return found


MEDICATION_REQUEST = Resource(
    type="MedicationRequest",
    documentation=(
        "A patient's prescriptions, the last first. Creating one with status draft drafts it; updating one, with "
        "If-Match, writes the draft anew, signs it (active), cancels it (cancelled), or stops what is in force "
        "(stopped). What the health record warns of is acknowledged in the app: until then signing answers 409."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("patient", "reference", "Whose; default: one's own", targets=("Patient",), elements=("subject",)),
        Parameter("subject", "reference", "Whose", targets=("Patient",), elements=("subject",)),
        Parameter("status", "token", "How it stands"),
        Parameter("intent", "token", "order: there are no others"),
        Parameter("authoredon", "date", "When it was signed, of a draft when it was made"),
        CODE,
        Parameter(
            "requester", "reference", "Who signed or drafted it", targets=("Practitioner",), elements=("requester",)
        ),
        Parameter("encounter", "reference", "In which it was made", targets=("Encounter",), elements=("encounter",)),
    ),
    search=search,
    own_read=read,
    create=create,
    update=update,
    mandatory=frozenset({"status", "intent", "medicationCodeableConcept", "subject"}),
    compartment="patient",
)
