"""The export over HTTP."""

from typing import Annotated, Any, Final

import orjson
from fastapi import Header, Query, Response

from app.core.problems import Unauthenticated, problem_responses
from app.core.routing import Router
from app.identity.api import FreshSignInNeeded, PeopleOnly, Person, SecondFactorNeeded
from app.policies.journeys.export import service
from app.policies.journeys.export.schemas import ExportFormat, PersonalExport

router = Router(tags=["identity"])

FHIR_JSON: Final = "application/fhir+json"
_BUNDLE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {FHIR_JSON: {"schema": {"type": "object"}}}}}


@router.get(
    "/me/export",
    response_model=PersonalExport,
    responses=_BUNDLE | problem_responses(Unauthenticated, PeopleOnly, FreshSignInNeeded, SecondFactorNeeded),
)
async def export_me(
    actor: Person,
    given: Annotated[ExportFormat | None, Query(alias="format", description="`fhir`: an R4 Bundle")] = None,
    accept: Annotated[str, Header(max_length=1000)] = "*/*",
) -> PersonalExport | Response:
    """Everything that is held about you, by table with why and how long; or your health record as a FHIR R4 Bundle.

    Sign in again (or show your second factor) within the 15 minutes before: it is everything at once.
    """
    if given == "fhir" or (given is None and FHIR_JSON in accept.lower()):
        return Response(orjson.dumps(await service.bundle_of_oneself(actor)), media_type=FHIR_JSON)
    return await service.all_of_oneself(actor)
