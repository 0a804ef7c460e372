"""AuditEvent: who looked at a resident's data or changed it, as the trail has it and tells the resident."""

from typing import Final

from app.core.problems import NotFound
from app.fhir.elements import Json, coding, filled, instant, reference, resource, uuid_of
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.consent import ACCOUNT
from app.fhir.resources.organization import ids_of
from app.fhir.resources.patient import one_patient
from app.fhir.values import meet
from app.identity.api import AccessQuery, DataAccess, access, accesses

DEED: Final = "urn:hearthline:audit-action"
_CLIENT: Final = "urn:hearthline:client"
_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_ACTION: Final = "http://hl7.org/fhir/audit-event-action"
_ENTITY: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_OBSERVER: Final = {
    "observer": {"display": "Hearthline"},
    "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
}
_KINDS: Final = {
    "appointment": "Appointment",
    "appointments": "Appointment",
    "consultation": "Encounter",
    "consultations": "Encounter",
    "dose": "MedicationAdministration",
    "grant": "Consent",
    "grants": "Consent",
    "prescription": "MedicationRequest",
    "referral": "ServiceRequest",
    "regimen": "MedicationStatement",
    "vitals": "Observation",
}
"""What the things of the trail are here; of others only the id is told."""


def shown(resident_id: object, of: DataAccess) -> Json:
    """Return what was done with a resident's data: who, when, what, and to which of it."""
    is_system = of.actor_kind != "account"
    return resource(
        "AuditEvent",
        of.id,
        meta={"lastUpdated": instant(of.at)},
        type=coding(_TYPE, "rest", "Restful Operation"),
        subtype=[coding(DEED, of.action)],
        action="R" if of.is_reading else "U",
        recorded=instant(of.at),
        outcome="0",
        outcomeDesc=of.explanation,
        agent=[
            {
                **filled(name=of.name),
                "who": {
                    "type": "Device" if is_system else "Practitioner" if of.organizations else "RelatedPerson",
                    "identifier": {"system": _CLIENT if is_system else ACCOUNT, "value": str(of.actor_id)},
                    **filled(display=of.name),
                },
                "requestor": True,
            },
            *({"who": {"type": "Organization", "display": name}, "requestor": False} for name in of.organizations),
            *([{"who": {"type": "Device", "display": of.app}, "requestor": False}] if of.app else []),
        ],
        source=_OBSERVER,
        entity=[
            {
                "what": reference("Patient", resident_id),
                "type": coding(_ENTITY, "1", "Person"),
                "role": coding(_ROLE, "1", "Patient"),
            },
            *([_entity(of)] if of.object_id else []),
        ],
    )


def _entity(of: DataAccess) -> Json:
    thing = of.action.partition(":")[0]
    kind = _KINDS.get(thing)
    what = reference(kind, of.object_id) if kind else {"identifier": {"value": str(of.object_id)}, "display": thing}
    return {
        "what": what,
        "type": coding(_ENTITY, "2", "System Object"),
        "role": coding(_ROLE, "4", "Domain Resource"),
    }


async def read(asked: Asked, key: str) -> Json:
    """Return an entry of the trail; raises ``NotFound``, ``Forbidden`` without ``grants:manage``."""
    entry_id = uuid_of(key)
    if entry_id is None:
        raise NotFound
    return shown(*await access(asked.connection, asked.actor, entry_id))


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of what others did with a patient's data, the latest first."""
    resident_id = one_patient(asked, query)
    actions, types = query.codes("action", _ACTION), query.codes("type", _TYPE)
    patients = query.keys("entity", "Patient")
    happened = meet("date", query.range("date"), query.range("_lastUpdated"))
    is_none = (
        (actions is not None and not actions & {"R", "U"})
        or (types is not None and "rest" not in types)
        or (patients is not None and str(resident_id) not in patients)
        or "agent" in query.references
    )
    wanted = AccessQuery(
        ids=[] if is_none else ids_of(query.ids),
        only_reading=None if actions is None or {"R", "U"} <= actions else "R" in actions,
        actions=query.codes("subtype", DEED),
        actor_ids=ids_of(query.codes("agent", ACCOUNT, _CLIENT)),
        object_ids=ids_of(_named(query)),
        since=happened.since,
        before=happened.before,
    )
    page = await accesses(asked.connection, asked.actor, resident_id, wanted, query.page)
    return Found([shown(resident_id, one) for one in page.items], page.next)


def _named(query: Query) -> set[str] | None:
    """Return the ids of what is asked for beside the patient."""
    found = {key for kind, key in query.references.get("entity", ()) if kind != "Patient"}
    return found if found or query.references.get("entity") == frozenset() else None


AUDIT_EVENT = Resource(
    type="AuditEvent",
    documentation=(
        "What others did with a patient's data, the latest first: who looked or changed what, and for whom they work. "
        "The patient has to be named."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("patient", "reference", "Whose data; default: one's own", targets=("Patient",), elements=("entity",)),
        Parameter("date", "date", "When it was done"),
        Parameter(
            "agent",
            "reference",
            f"Who did it, by :identifier (a person's of {ACCOUNT}, a system's of {_CLIENT})",
            targets=("Practitioner",),
            identified=True,
        ),
        Parameter("action", "token", "R: looked at, U: changed", codes=("R", "U"), elements=("action",)),
        Parameter("type", "token", "rest: there are no others"),
        Parameter("subtype", "token", f"What was done ({DEED})"),
        Parameter(
            "entity",
            "reference",
            "To what it was done",
            targets=("Patient", *sorted({*_KINDS.values()})),
            elements=("entity",),
        ),
    ),
    search=search,
    own_read=read,
    mandatory=frozenset({"type", "recorded", "agent", "source"}),
    compartment="patient",
)
