"""CoverageEligibilityRequest and -Response: whether somebody was insured on the day of a visit."""

from typing import Final

from app.fhir.elements import Json, filled, instant, meta, reference, resource
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.claim import CREATED, PATIENT, insurer, status, wanted
from telemedicine.api import ClaimEntry, claims

_OUTCOMES: Final = {"pending": "queued", "complete": "complete", "error": "error"}


def shown(of: ClaimEntry) -> Json:
    """Return the question."""
    return resource(
        "CoverageEligibilityRequest",
        of.id,
        meta=meta(of.version, of.updated_at),
        status=status(of),
        purpose=["validation"],
        patient=reference("Patient", of.resident_id),
        servicedPeriod={"start": instant(of.served_at)},
        created=instant(of.created_at),
        provider=reference("Organization", of.organization_id),
        insurer=insurer(of),
        insurance=[{"focal": True, "coverage": reference("Coverage", of.coverage_id)}],
    )


def response(of: ClaimEntry) -> Json:
    """Return the answer."""
    return resource(
        "CoverageEligibilityResponse",
        of.id,
        meta=meta(of.version, of.updated_at),
        status=status(of),
        purpose=["validation"],
        patient=reference("Patient", of.resident_id),
        servicedPeriod={"start": instant(of.served_at)},
        created=instant(of.answered_at or of.updated_at),
        requestor=reference("Organization", of.organization_id),
        request=reference("CoverageEligibilityRequest", of.id),
        outcome=_OUTCOMES[of.state],
        disposition=of.disposition,
        insurer=insurer(of),
        insurance=[filled(coverage=reference("Coverage", of.coverage_id), inforce=of.in_force)],
    )


async def _search(asked: Asked, query: Query) -> Found:
    """Return a page of the questions the actor may see, the last first."""
    page = await claims(asked.connection, asked.actor, wanted(query, "eligibility", "provider"), query.page)
    return Found([shown(one) for one in page.items], page.next)


async def _search_responses(asked: Asked, query: Query) -> Found:
    """Return a page of the answers to questions the actor may see, the last question first."""
    query_of = wanted(query, "eligibility", "requestor", answered=True)
    page = await claims(asked.connection, asked.actor, query_of, query.page)
    return Found([response(one) for one in page.items], page.next)


COVERAGE_ELIGIBILITY_REQUEST: Final = Resource(
    type="CoverageEligibilityRequest",
    documentation="What insurers were asked about whether somebody is insured, the last first; made at the desk.",
    parameters=(
        ID,
        LAST_UPDATED,
        PATIENT,
        CREATED,
        Parameter("status", "token", "active, or cancelled"),
        Parameter("provider", "reference", "The clinic's", targets=("Organization",), elements=("provider",)),
    ),
    search=_search,
    mandatory=frozenset({"status", "purpose", "patient", "created", "insurer"}),
    compartment="patient",
)
COVERAGE_ELIGIBILITY_RESPONSE: Final = Resource(
    type="CoverageEligibilityResponse",
    documentation="What insurers answered about whether somebody is insured.",
    parameters=(
        ID,
        LAST_UPDATED,
        PATIENT,
        CREATED,
        Parameter("status", "token", "active, or cancelled"),
        Parameter("outcome", "token", "queued, complete or error"),
        Parameter(
            "request",
            "reference",
            "The question",
            targets=("CoverageEligibilityRequest",),
            elements=("request",),
            many=True,
        ),
        Parameter("requestor", "reference", "The clinic's", targets=("Organization",), elements=("requestor",)),
    ),
    search=_search_responses,
    mandatory=frozenset({"status", "purpose", "patient", "created", "request", "outcome", "insurer"}),
    compartment="patient",
)
