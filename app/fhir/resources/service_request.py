"""ServiceRequest: a referral, requested by creating one, answered and given up by updating it.

There is no Task beside it: a referral is asked of one clinic, whose answer is the referral's own state.
"""

import uuid
from collections.abc import Collection
from typing import Any, Final

from app.core.paging import PageRequest
from app.core.problems import NotFound, StaleVersion
from app.fhir.elements import Json, coding, filled, instant, local, meta, reference, resource, uuid_of
from app.fhir.problems import bad_parameter, not_processable
from app.fhir.registry import ID, LAST_UPDATED, Asked, Changes, Found, Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from telemedicine import api
from telemedicine.api import ReferralChangePublic, ReferralPublic, ReferralQuery, ReferralState
from telemedicine.events import ReferralStateChanged

STATE: Final = "urn:hearthline:referral-state"
"""The extension that says how far a referral is, in the words of its own table."""
_STATUS: Final = "http://hl7.org/fhir/request-status"
_INTENT: Final = "http://hl7.org/fhir/request-intent"
_PRIORITY: Final = "http://hl7.org/fhir/request-priority"
_STATES: Final[dict[str, tuple[ReferralState, ...]]] = {
    "draft": ("draft",),
    "active": ("requested", "accepted", "booked", "seen"),
    "completed": ("completed",),
    "revoked": ("declined", "redirected", "withdrawn", "expired"),
}
_STATUSES: Final = {state: status for status, states in _STATES.items() for state in states}
_KINDS: Final = {
    "condition": "Condition",
    "allergy": "AllergyIntolerance",
    "immunization": "Immunization",
    "observation": "Observation",
    "document": "DocumentReference",
    "encounter": "Encounter",
    "care_plan": "CarePlan",
    "coverage": "Coverage",
}
_PRESCRIPTION: Final = "MedicationRequest"
_TAKEN: Final = frozenset(
    {"resourceType", "id", "meta", "implicitRules", "language", "text", "extension", "status", "intent", "priority"}
    | {"code", "subject", "authoredOn", "requester", "performer", "reasonCode", "supportingInfo", "note", "basedOn"}
)


def shown(of: ReferralPublic, change: ReferralChangePublic | None = None) -> Json:
    """Return a referral as it stands, or as it stood after a change."""
    state = change.state if change else of.state
    version, at = (change.version, change.at) if change else (of.version, of.changed_at)
    reason = change.reason if change else of.reason
    content = of.content
    return resource(
        "ServiceRequest",
        of.id,
        meta=meta(version, at),
        extension=[{"url": STATE, "valueCode": state}],
        basedOn=[reference("ServiceRequest", of.follows_id)] if of.follows_id else None,
        status=_STATUSES[state],
        intent="order",
        priority=of.urgency,
        code=_concept(content.service) if content else None,
        subject=reference("Patient", of.resident_id, of.resident_name),
        authoredOn=instant(of.requested_at) if of.requested_at else None,
        requester=reference("Organization", of.from_organization_id, of.from_organization),
        performer=[
            reference("Organization", of.to_organization_id, of.to_organization),
            *([reference("Practitioner", of.practitioner_id)] if of.practitioner_id else []),
        ],
        reasonCode=[{"text": content.reason}] if content else None,
        supportingInfo=[
            *(reference(_KINDS[one.kind], f"{one.id}/_history/{one.version}") for one in of.health_records),
            *(reference(_PRESCRIPTION, one) for one in of.prescriptions),
        ],
        note=[{"text": reason}] if reason else None,
    )


def _concept(of: api.CodeableConcept) -> Json:
    codings = [coding(of.coding.system, of.coding.code, of.coding.display)] if of.coding else []
    return filled(coding=codings, text=of.text)


async def read(asked: Asked, key: str) -> Json:
    """Return a referral; raises ``NotFound``."""
    return shown(await api.referral(asked.connection, asked.actor, _id(key)))


def _id(key: str) -> uuid.UUID:
    found = uuid_of(key)
    if found is None:
        raise NotFound
    return found


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of a patient's referrals, or without one of those that clinics are asked or ask, the last first."""
    patients = query.keys("patient", "Patient")
    if patients is not None and len(patients) > 1:
        raise bad_parameter("patient", "one at a time", "not-supported")
    resident_id = uuid_of(next(iter(patients))) if patients else None
    intents = query.codes("intent", _INTENT)
    if (patients is not None and resident_id is None) or (intents is not None and "order" not in intents):
        return Found([])
    authored, updated = query.range("authored"), query.range("_lastUpdated")
    wanted = ReferralQuery(
        ids=ids_of(query.ids),
        resident_id=resident_id,
        from_ids=ids_of(query.keys("requester", "Organization")),
        to_ids=ids_of(query.keys("performer", "Organization")),
        states=_states(query.codes("status", _STATUS)),
        urgencies=query.codes("priority", _PRIORITY),
        codes=_codes(query),
        requested_since=authored.since,
        requested_before=authored.before,
        changed_since=updated.since,
        changed_before=updated.before,
    )
    page = await api.referrals(asked.connection, asked.actor, wanted, query.page)
    return Found([shown(one) for one in page.items], page.next)


def _states(statuses: Collection[str] | None) -> set[str] | None:
    return None if statuses is None else {state for status in statuses for state in _STATES.get(status, ())}


def _codes(query: Query) -> list[tuple[str, str]] | None:
    """Return the wanted codes with their systems: what is kept sealed is found by both or not at all."""
    if "code" not in query.tokens:
        return None
    tokens = query.tokens["code"]
    if any(not token.system or not token.code for token in tokens):
        raise bad_parameter("code", "a system and a code: system|code", "not-supported")
    return [(token.system, token.code) for token in tokens if token.system and token.code]


async def history(asked: Asked, key: str, page: PageRequest) -> Found:
    """Return a page of how a referral stood after its changes, the last first; raises ``NotFound``."""
    of, changes = await api.referral_versions(asked.connection, asked.actor, _id(key), page)
    return Found([shown(of, change) for change in changes.items], changes.next)


async def read_version(asked: Asked, key: str, version: int) -> Json:
    """Return a referral as it stood in a version; raises ``NotFound``."""
    of = await api.referral(asked.connection, asked.actor, _id(key))
    change = next((one for one in of.history if one.version == version), None)
    if change is None:
        raise NotFound
    return shown(of, change)


async def create(asked: Asked, document: Json) -> Json:
    """Request a referral (``active``), or write a draft of one; raises ``NotProcessable`` and the api's."""
    _check_taken(document)
    status = document["status"]
    if status not in ("active", "draft"):
        raise not_processable("ServiceRequest.status", "active requests, draft does not yet", "value")
    if document["intent"] != "order":
        raise not_processable("ServiceRequest.intent", "order: others are not kept", "value")
    if "basedOn" in document:
        raise not_processable("ServiceRequest.basedOn", "what follows on a referral is made from it", "not-supported")
    subject = _key(document["subject"], "Patient", "ServiceRequest.subject.reference")
    performers = _performers(document)
    records, prescriptions = await _supporting(asked, document)
    requester = document.get("requester")
    data: dict[str, Any] = {
        "content": {"service": _service(document), "reason": _reason(document)},
        "urgency": document.get("priority", "routine"),
        "to_organization_id": performers["Organization"],
        "practitioner_id": performers.get("Practitioner"),
        "selection": {"health_records": records, "prescriptions": prescriptions},
        "organization_id": _key(requester, "Organization", "ServiceRequest.requester") if requester else None,
        "is_draft": status == "draft",
    }
    try:
        wanted = api.ReferralCreate.model_validate(data)
    except ValueError:
        raise not_processable("ServiceRequest.code", "a code of a system or words, of usual length", "value") from None
    return shown(await api.request_referral(asked.writing, asked.actor, subject, wanted))


async def update(asked: Asked, key: str, document: Json, version: int | None) -> Json:
    """Request a draft, or answer or give up a referral: one change of its state, and nothing else.

    Raises ``NotFound``, ``StaleVersion``, ``NotProcessable``, and the api's.
    """
    _check_taken(document)
    referral_id = _id(key)
    now = await api.referral(asked.connection, asked.actor, referral_id)
    if _key(document["subject"], "Patient", "ServiceRequest.subject.reference") != now.resident_id:
        raise not_processable("ServiceRequest.subject", "a referral stays its patient's")
    if "performer" in document and _performers(document)["Organization"] != now.to_organization_id:
        raise not_processable("ServiceRequest.performer", "a referral is passed on over /v1, with a reason")
    if version is not None and version != now.version:
        raise StaleVersion
    after = await _after(asked, now, document)
    if after == now.state:
        return shown(now)
    reason = next((note["text"].strip() for note in document.get("note", []) if note["text"].strip()), None)
    if after == "declined" and reason is None:
        raise not_processable("ServiceRequest.note", "say why it is declined", "required")
    if reason is not None and len(reason) > 500:
        raise not_processable("ServiceRequest.note[0].text", "at most 500 characters", "value")
    return shown(await api.decide_referral(asked.writing, asked.actor, referral_id, after, reason, version))


async def _after(asked: Asked, now: ReferralPublic, document: Json) -> ReferralState:
    """Return which state is wanted: what the extension says, or what a change of the status means."""
    said = next((one.get("valueCode") for one in document.get("extension", []) if one.get("url") == STATE), now.state)
    status = document["status"]
    if said != now.state:
        match said:
            case "requested" | "accepted" | "declined" | "withdrawn":
                return said
        raise not_processable("ServiceRequest.extension", f"{now.state} does not become {said} by an update", "value")
    if status == _STATUSES[now.state]:
        return now.state
    match status:
        case "active" if now.state == "draft":
            return "requested"
        case "revoked":
            return await api.side_to_revoke(asked.connection, asked.actor, now.id)
    raise not_processable("ServiceRequest.status", f"{_STATUSES[now.state]} does not become {status}", "value")


def _check_taken(document: Json) -> None:
    for name in sorted(document.keys() - _TAKEN):
        raise not_processable(f"ServiceRequest.{name}", "this is not kept here: leave it out", "not-supported")


def _key(given: Json, kind: str, path: str) -> uuid.UUID:
    named, _, key = local(given.get("reference", "")).partition("/")
    found = uuid_of(key) if named == kind else None
    if found is None:
        raise not_processable(path, f"a reference to a {kind} of ours", "not-found")
    return found


def _performers(document: Json) -> dict[str, uuid.UUID]:
    found: dict[str, uuid.UUID] = {}
    for index, given in enumerate(document.get("performer", [])):
        kind = local(given.get("reference", "")).partition("/")[0]
        path = f"ServiceRequest.performer[{index}]"
        if kind not in ("Organization", "Practitioner") or kind in found:
            raise not_processable(path, "one Organization, and at most one Practitioner", "not-supported")
        found[kind] = _key(given, kind, path)
    if "Organization" not in found:
        raise not_processable("ServiceRequest.performer", "the Organization that is asked", "required")
    return found


def _service(document: Json) -> Json:
    said = document.get("code", {})
    codings = [one for one in said.get("coding", []) if one.get("system") and one.get("code")]
    first = (
        {name: codings[0][name] for name in ("system", "code", "display") if name in codings[0]} if codings else None
    )
    return filled(coding=first, text=said.get("text"))


def _reason(document: Json) -> str:
    text = next((str(one["text"]) for one in document.get("reasonCode", []) if one.get("text")), None)
    if text is None or not 1 <= len(text.strip()) <= 4000:
        raise not_processable("ServiceRequest.reasonCode", "why, in words: one text of at most 4000", "required")
    return text


async def _supporting(asked: Asked, document: Json) -> tuple[list[Json], list[uuid.UUID]]:
    """Return the records and prescriptions that are to go with it; a record without a version in its last one."""
    records: list[Json] = []
    prescriptions: list[uuid.UUID] = []
    for index, given in enumerate(document.get("supportingInfo", [])):
        path = f"ServiceRequest.supportingInfo[{index}]"
        kind, _, rest = local(given.get("reference", "")).partition("/")
        key, _, version = rest.partition("/_history/")
        found = uuid_of(key)
        if found is None or kind not in (*_KINDS.values(), _PRESCRIPTION) or (version and not version.isdecimal()):
            raise not_processable(path, "a record or a prescription of ours", "not-found")
        if kind == _PRESCRIPTION:
            prescriptions.append(found)
        else:
            number = int(version[:9]) if version else (await _last(asked, found))
            records.append({"id": found, "version": number})
    return records, prescriptions


async def _last(asked: Asked, record_id: uuid.UUID) -> int:
    return (await api.read_health_record(asked.connection, asked.actor, record_id)).version


SERVICE_REQUEST = Resource(
    type="ServiceRequest",
    documentation=(
        "Referrals: a patient's, or without a patient those that the clinics one works for are asked. Creating one "
        "with status active requests it. Updating one requests a draft, answers (extension referral-state accepted or "
        "declined, with a note) or revokes it."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("patient", "reference", "Whose", targets=("Patient",), elements=("subject",)),
        Parameter("status", "token", "How it stands"),
        Parameter("intent", "token", "order: there is no other"),
        Parameter("priority", "token", "How urgent it is"),
        Parameter("authored", "date", "When it was requested"),
        Parameter("requester", "reference", "Who asks", targets=("Organization",), elements=("requester",)),
        Parameter(
            "performer", "reference", "Who is asked", targets=("Organization", "Practitioner"), elements=("performer",)
        ),
        Parameter("code", "token", "What is wanted, as system|code"),
    ),
    search=search,
    own_read=read,
    create=create,
    update=update,
    history=history,
    read_version=read_version,
    mandatory=frozenset({"status", "intent", "subject"}),
    compartment="patient",
    changes=Changes((ReferralStateChanged,)),
)
