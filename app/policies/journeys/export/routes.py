"""The export over HTTP."""

from typing import Annotated, Any, Final

from fastapi import Header, Query
from fastapi.responses import StreamingResponse

from app.core.access import not_viewed
from app.core.problems import Unauthenticated, problem_responses
from app.core.routing import Router, route_options
from app.identity.api import FreshSignInNeeded, PeopleOnly, Person, SecondFactorNeeded
from app.policies.journeys.export import service
from app.policies.journeys.export.schemas import ExportFormat, PersonalExport

router = Router(tags=["identity"])

FHIR_JSON: Final = "application/fhir+json"
_BUNDLE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {FHIR_JSON: {"schema": {"type": "object"}}}}}
_HEADERS: Final = {"Cache-Control": "no-store"}


@router.get(
    "/me/export",
    response_model=PersonalExport,
    responses=_BUNDLE | problem_responses(Unauthenticated, PeopleOnly, FreshSignInNeeded, SecondFactorNeeded),
)
@route_options(database=False)
@not_viewed("a copy of everything goes to the person alone")
async def export_me(
    actor: Person,
    given: Annotated[ExportFormat | None, Query(alias="format", description="`fhir`: an R4 Bundle")] = None,
    accept: Annotated[str, Header(max_length=1000)] = "*/*",
) -> StreamingResponse:
    """Everything that is held about you, by table with why and how long, and the files; or your health record.

    The second is a FHIR R4 Bundle. Sign in again (or show your second factor) within the 15 minutes before: it is
    everything at once. It breaks off when that sign-in is ended.
    """
    if given == "fhir" or (given is None and FHIR_JSON in accept.lower()):
        return StreamingResponse(await service.bundle_of_oneself(actor), media_type=FHIR_JSON, headers=_HEADERS)
    return StreamingResponse(await service.all_of_oneself(actor), media_type="application/json", headers=_HEADERS)
