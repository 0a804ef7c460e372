"""Claim and ClaimResponse: what an insurer is asked to pay of a bill, and what it says."""

from decimal import Decimal
from typing import Any, Final, Literal

from babel.numbers import get_currency_precision

from app.fhir.elements import Json, concept, instant, meta, reference, resource, uuid_of
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from telemedicine.api import ClaimEntry, ClaimQuery, claims

ITEM: Final = "urn:hearthline:charge-item"
INSURER: Final = "urn:hearthline:insurer"
_IDENTIFIER: Final = "urn:hearthline:claim"
_REFERRAL: Final = "urn:hearthline:referral"
STATUS: Final = "http://hl7.org/fhir/fm-status"
OUTCOME: Final = "http://hl7.org/fhir/remittance-outcome"
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
_CATEGORY: Final = f"{_TERMINOLOGY}/adjudication"
_TYPE: Final = concept(f"{_TERMINOLOGY}/claim-type", "professional")
_OUTCOMES: Final = {"pending": "queued", "complete": "complete", "error": "error"}

PATIENT: Final = Parameter(
    "patient", "reference", "Whose; default: one's own, or one's clinics'", targets=("Patient",), elements=("patient",)
)
CREATED: Final = Parameter("created", "date", "When it was asked")


def money(amount: int, currency: str) -> Json:
    """Return an amount in minor units."""
    return {"value": float(Decimal(amount).scaleb(-get_currency_precision(currency))), "currency": currency}


def status(of: ClaimEntry) -> str:
    """Return whether it still counts."""
    return "active" if of.is_standing else "cancelled"


def insurer(of: ClaimEntry) -> Json:
    """Return who is asked: no organization of ours."""
    return {"identifier": {"system": INSURER, "value": of.insurer}}


def shown(of: ClaimEntry) -> Json:
    """Return what an insurer is asked to pay."""
    prior = {
        "claim": reference("Claim", of.about_id),
        "relationship": concept(f"{_TERMINOLOGY}/ex-relatedclaimrelationship", "prior"),
    }
    referral = {"identifier": {"system": _REFERRAL, "value": str(of.referral_id)}}
    return resource(
        "Claim",
        of.id,
        meta=meta(of.version, of.updated_at),
        identifier=[{"system": _IDENTIFIER, "value": str(of.id)}],
        status=status(of),
        type=_TYPE,
        use="claim",
        patient=reference("Patient", of.resident_id),
        billablePeriod={"start": instant(of.served_at)},
        created=instant(of.created_at),
        insurer=insurer(of),
        provider=reference("Organization", of.organization_id),
        priority=concept(f"{_TERMINOLOGY}/processpriority", "normal"),
        related=[prior] if of.about_id else None,
        referral=referral if of.referral_id else None,
        insurance=[{"sequence": 1, "focal": True, "coverage": reference("Coverage", of.coverage_id)}],
        item=[
            {
                "sequence": line.sequence,
                "productOrService": concept(ITEM, line.code, line.name)
                if line.code
                else {"text": "a service"},  # of whom nothing is known any more
                "quantity": {"value": line.quantity},
                "unitPrice": money(line.unit_amount, of.currency),
                "net": money(line.amount, of.currency),
            }
            for line in of.lines
        ],
        total=money(of.total_amount, of.currency),
    )


def response(of: ClaimEntry) -> Json:
    """Return what an insurer says of a claim."""
    amounts = {"submitted": of.total_amount, "deductible": of.deductible_amount, "benefit": of.insured_amount}
    return resource(
        "ClaimResponse",
        of.id,
        meta=meta(of.version, of.updated_at),
        identifier=[{"value": of.reference}] if of.reference else None,
        status=status(of),
        type=_TYPE,
        use="claim",
        patient=reference("Patient", of.resident_id),
        created=instant(of.answered_at or of.updated_at),
        insurer=insurer(of),
        requestor=reference("Organization", of.organization_id),
        request=reference("Claim", of.id),
        outcome=_OUTCOMES[of.state],
        disposition=of.disposition,
        total=[
            {"category": concept(_CATEGORY, category), "amount": money(amount, of.currency)}
            for category, amount in amounts.items()
            if of.decision is not None and amount is not None
        ],
        error=[{"code": {"text": of.failure}}] if of.state == "error" and of.failure else None,
    )


def wanted(
    query: Query, kind: Literal["claim", "eligibility"], *organization: str, answered: bool = False
) -> ClaimQuery:
    """Return what a search is for; ``organization`` is the parameter that names the clinic."""
    created, updated = query.range("created"), query.range("_lastUpdated")
    statuses, outcomes = query.codes("status", STATUS), query.codes("outcome", OUTCOME)
    patients = query.keys("patient", "Patient")
    ids = ids_of(query.ids)
    more: dict[str, Any] = {}
    if patients is not None:
        more["resident_id"] = uuid_of(next(iter(patients), "")) if len(patients) == 1 else None
        ids = ids if more["resident_id"] else []
    if (requests := query.keys("request", _REQUESTS[kind])) is not None:
        asked_for = set(ids_of(requests) or ())
        ids = sorted(asked_for & set(ids)) if ids is not None else sorted(asked_for)
    if statuses is not None:
        more["standing"] = None if {"active", "cancelled"} <= statuses else "active" in statuses
        ids = ids if statuses & {"active", "cancelled"} else []
    if outcomes is not None:
        more["states"] = {state for state, code in _OUTCOMES.items() if code in outcomes}
    for name in organization:
        more["organization_ids"] = ids_of(query.keys(name, "Organization"))
    return ClaimQuery(
        kind=kind,
        answered=answered,
        ids=ids,
        created_since=created.since,
        created_before=created.before,
        updated_since=updated.since,
        updated_before=updated.before,
        **more,
    )


_REQUESTS: Final = {"claim": "Claim", "eligibility": "CoverageEligibilityRequest"}


async def _search(asked: Asked, query: Query) -> Found:
    """Return a page of the claims the actor may see, the last first."""
    page = await claims(asked.connection, asked.actor, wanted(query, "claim", "provider"), query.page)
    return Found([shown(one) for one in page.items], page.next)


async def _search_responses(asked: Asked, query: Query) -> Found:
    """Return a page of what insurers said of the claims the actor may see, the last claim first."""
    query_of = wanted(query, "claim", "requestor", answered=True)
    page = await claims(asked.connection, asked.actor, query_of, query.page)
    return Found([response(one) for one in page.items], page.next)


CLAIM: Final = Resource(
    type="Claim",
    documentation=(
        "What insurers are asked to pay, the last first: of one's own bills, of who lets one see them, and of one's "
        "clinics. Claims are made at the clinic's desk."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        PATIENT,
        CREATED,
        Parameter("status", "token", "active, or cancelled: called off or taken back"),
        Parameter("provider", "reference", "The clinic's", targets=("Organization",), elements=("provider",)),
    ),
    search=_search,
    mandatory=frozenset({"status", "type", "use", "patient", "created", "provider", "priority", "insurance"}),
    compartment="patient",
)
CLAIM_RESPONSE: Final = Resource(
    type="ClaimResponse",
    documentation="What insurers say of the claims one may see: queued, complete with what is paid, or error.",
    parameters=(
        ID,
        LAST_UPDATED,
        PATIENT,
        CREATED,
        Parameter("status", "token", "active, or cancelled"),
        Parameter("outcome", "token", "queued, complete or error"),
        Parameter("request", "reference", "The claim", targets=("Claim",), elements=("request",), many=True),
        Parameter("requestor", "reference", "The clinic's", targets=("Organization",), elements=("requestor",)),
    ),
    search=_search_responses,
    mandatory=frozenset({"status", "type", "use", "patient", "created", "insurer", "outcome"}),
    compartment="patient",
)
