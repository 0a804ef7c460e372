"""Consent: what a resident lets a person see or do; given, changed and ended as the resident's app does it."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.core.problems import Malformed, NotFound
from app.fhir.elements import Json, coding, filled, instant, local, meta, reference, resource, uuid_of
from app.fhir.intake import instant_sent
from app.fhir.problems import not_processable
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from app.fhir.resources.patient import one_patient
from app.identity.api import (
    GrantEntry,
    GrantQuery,
    change_consent,
    consents,
    end_consent,
    give_consent,
    one_consent,
)

ACCOUNT: Final = "urn:hearthline:account"
SCOPE: Final = "urn:hearthline:scope"
_KIND: Final = "urn:hearthline:grant-kind"
_STATUS: Final = "http://hl7.org/fhir/consent-state-codes"
_ACTION: Final = "http://terminology.hl7.org/CodeSystem/consentaction"
_PRIVACY: Final = coding("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy Consent")
_CONSENT: Final = coding("http://loinc.org", "59284-0", "Patient Consent")
_PERMITS: Final = coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN", "opt-in")
_RECIPIENT: Final = coding(
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", "information recipient"
)
_TAKEN: Final = frozenset(
    {"resourceType", "id", "meta", "implicitRules", "language", "text", "status", "scope", "category", "patient"}
    | {"policyRule", "provision"}
)
_TOLD: Final = frozenset({"dateTime", "performer"})
_PROVISION: Final = frozenset({"type", "period", "actor", "action", "class"})
_PLACES: Final = {
    "account_id": "Consent.provision.actor[0].reference",
    "scopes": "Consent.provision.class",
    "expires_at": "Consent.provision.period.end",
}


def shown(of: GrantEntry) -> Json:
    """Return a grant; what has ended or was revoked is inactive."""
    giver, agreed_at = of.granted_by, of.agreed.at if of.agreed else of.starts_at
    return resource(
        "Consent",
        of.id,
        meta=meta(of.version, of.updated_at),
        status="inactive" if of.state in ("expired", "revoked") else "active",
        scope={"coding": [_PRIVACY]},
        category=[{"coding": [_CONSENT]}, {"coding": [coding(_KIND, of.kind)]}],
        patient=reference("Patient", of.resident_id),
        dateTime=instant(agreed_at),
        performer=[_person(giver.account_id, giver.name)],
        policyRule={"coding": [_PERMITS]},
        provision={
            "type": "permit",
            "period": filled(start=instant(of.starts_at), end=_end(of)),
            "actor": [
                {
                    "role": {"coding": [_RECIPIENT]},
                    "reference": _person(of.grantee.account_id, of.grantee.name),
                }
            ],
            "action": [{"coding": [coding(_ACTION, code)]} for code in _actions(of.scopes)],
            "class": [coding(SCOPE, scope) for scope in of.scopes],
        },
    )


def _person(account_id: uuid.UUID, name: str | None) -> Json:
    return filled(identifier={"system": ACCOUNT, "value": str(account_id)}, display=name)


def _end(of: GrantEntry) -> str | None:
    ends = [at for at in (of.expires_at, of.revoked_at) if at is not None]
    return instant(max(min(ends), of.starts_at)) if ends else None


def _actions(scopes: Iterable[str]) -> list[str]:
    """Return what the scopes let somebody do (FHIR R4, consent-action): look, or more than look."""
    return sorted({"access" if scope.endswith(":read") else "use" for scope in scopes})


async def read(asked: Asked, key: str) -> Json:
    """Return a grant; raises ``NotFound``, ``Forbidden`` without ``grants:manage``."""
    return shown(await one_consent(asked.connection, asked.actor, _id(key)))


def _id(key: str) -> uuid.UUID:
    found = uuid_of(key)
    if found is None:
        raise NotFound
    return found


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of a patient's consents, the newest first, those that have ended among them."""
    statuses, updated = query.codes("status", _STATUS), query.range("_lastUpdated")
    in_force = None if statuses is None or {"active", "inactive"} <= statuses else "active" in statuses
    wanted = GrantQuery(
        ids=ids_of(query.ids) if statuses is None or statuses & {"active", "inactive"} else [],
        grantee_ids=ids_of(query.codes("actor", ACCOUNT)),
        in_force=in_force,
        updated_since=updated.since,
        updated_before=updated.before,
    )
    if query.keys("actor", "Patient") is not None:
        wanted = replace(wanted, grantee_ids=[])
    page = await consents(asked.connection, asked.actor, one_patient(asked, query), wanted, query.page)
    return Found([shown(one) for one in page.items], page.next)


async def create(asked: Asked, document: Json) -> Json:
    """Let a person see or do what the provision's classes say; raises ``NotProcessable``, and the api's."""
    _check_taken(document, _TAKEN)
    if document["status"] != "active":
        raise not_processable("Consent.status", "active: others are not kept", "value")
    kind, _, key = local(document.get("patient", {}).get("reference", "")).partition("/")
    resident_id = uuid_of(key) if kind == "Patient" else None
    if resident_id is None:
        raise not_processable("Consent.patient.reference", "a reference to a Patient of ours", "not-found")
    starts_at, expires_at = _period(document)
    with _told():
        made = await give_consent(
            asked.writing,
            asked.actor,
            resident_id=resident_id,
            grantee_account_id=_grantee(document),
            scopes=_scopes(document),
            starts_at=starts_at,
            expires_at=expires_at,
        )
    return shown(made)


async def update(asked: Asked, key: str, document: Json, version: int | None) -> Json:
    """End a grant (``inactive``), or replace what it allows and until when; raises as ``create``, ``StaleVersion``."""
    _check_taken(document, _TAKEN | _TOLD)
    grant_id = _id(key)
    if document["status"] == "inactive":
        return shown(await end_consent(asked.writing, asked.actor, grant_id, version))
    if document["status"] != "active":
        raise not_processable("Consent.status", "active, or inactive to end it", "value")
    now = await one_consent(asked.connection, asked.actor, grant_id)
    starts_at, expires_at = _period(document)
    if local(document.get("patient", {}).get("reference", "")) != f"Patient/{now.resident_id}":
        raise not_processable("Consent.patient", "a consent stays its patient's")
    if _grantee(document) != now.grantee.account_id or starts_at not in (None, now.starts_at):
        raise not_processable("Consent.provision", "for somebody else, or from another time on, it is another consent")
    with _told():
        changed = await change_consent(
            asked.writing, asked.actor, grant_id, version, scopes=_scopes(document), expires_at=expires_at
        )
    return shown(changed)


def _check_taken(document: Json, taken: frozenset[str]) -> None:
    for name in sorted(document.keys() - taken):
        raise not_processable(f"Consent.{name}", "this is not kept here: leave it out", "not-supported")
    if _PRIVACY["code"] not in _codes([document["scope"]], _PRIVACY["system"]):
        raise not_processable("Consent.scope", "patient-privacy: others are not kept", "not-supported")
    if "policyRule" in document and _PERMITS["code"] not in _codes([document["policyRule"]], _PERMITS["system"]):
        raise not_processable("Consent.policyRule", "OPTIN: what is not let is not seen", "not-supported")
    provision = document.get("provision", {})
    for name in sorted(provision.keys() - _PROVISION):
        raise not_processable(f"Consent.provision.{name}", "this is not kept here: leave it out", "not-supported")
    if provision.get("type", "permit") != "permit":
        raise not_processable("Consent.provision.type", "permit: what is not let is not seen", "not-supported")
    if "action" in provision and _codes(provision["action"], _ACTION) != set(_actions(_scopes(document))):
        raise not_processable("Consent.provision.action", "what the classes let: leave it out", "not-supported")


def _codes(concepts: Sequence[Json], system: str) -> set[str]:
    return {
        str(one.get("code")) for concept in concepts for one in concept.get("coding", []) if one.get("system") == system
    }


def _grantee(document: Json) -> uuid.UUID:
    actors: list[Json] = document.get("provision", {}).get("actor", [])
    if len(actors) != 1:
        raise not_processable("Consent.provision.actor", "whom it lets: one person", "required")
    said: Json = actors[0].get("reference", {}).get("identifier", {})
    found = uuid_of(said.get("value", "")) if said.get("system") == ACCOUNT else None
    if found is None:
        raise not_processable(_PLACES["account_id"], f"an identifier of {ACCOUNT}", "required")
    return found


def _scopes(document: Json) -> list[str]:
    classes: list[Json] = document.get("provision", {}).get("class", [])
    for index, one in enumerate(classes):
        if one.get("system") != SCOPE:
            raise not_processable(f"Consent.provision.class[{index}]", f"of {SCOPE}: others are not kept", "value")
    if not classes:
        raise not_processable("Consent.provision.class", f"what it lets: of {SCOPE}", "required")
    return [str(one.get("code")) for one in classes]


def _period(document: Json) -> tuple[datetime | None, datetime | None]:
    period = document.get("provision", {}).get("period", {})
    ends: list[Any] = [
        instant_sent(period[name], f"Consent.provision.period.{name}") if name in period else None
        for name in ("start", "end")
    ]
    return ends[0], ends[1]


@contextmanager
def _told() -> Iterator[None]:
    """Tell what is wrong by its place in a Consent."""
    try:
        yield
    except Malformed as problem:
        problem.errors = tuple(
            replace(one, pointer=_PLACES.get(one.pointer.split("/")[2], one.pointer))
            if one.pointer.count("/") > 1
            else one
            for one in problem.errors
        )
        raise


CONSENT = Resource(
    type="Consent",
    documentation=(
        "What a patient lets a person see or do, the newest first, those that have ended among them. The patient has "
        "to be named. Creating one gives it; updating one changes what it lets and until when, and inactive ends it."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("patient", "reference", "Whose; default: one's own", targets=("Patient",), elements=("patient",)),
        Parameter("status", "token", "active or inactive", elements=("status",), codes=("active", "inactive")),
        Parameter(
            "actor", "reference", f"Whom it lets, by :identifier ({ACCOUNT})", targets=("Patient",), identified=True
        ),
    ),
    search=search,
    own_read=read,
    create=create,
    update=update,
    mandatory=frozenset({"status", "scope", "category", "provision"}),
    compartment="patient",
)
