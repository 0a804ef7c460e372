"""Who looked at my data: the audit trail over HTTP, for the resident it is about."""

from typing import Annotated

from fastapi import Depends, Header, Query

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from app.identity.consent.texts import LANGUAGES, language_for
from app.identity.data_accesses import views
from app.identity.data_accesses.schemas import DataAccess
from app.identity.scopes import GRANTS_MANAGE
from app.identity.visibility import ResidentSubject, resident_guard

router = Router(tags=["identity"])


async def _language(accept_language: Annotated[str, Header(max_length=200)] = LANGUAGES[0]) -> str:
    return language_for(accept_language)


@router.resident_route("GET", "/data-accesses", responses=problem_responses(Unauthenticated, Forbidden, NotFound))
async def list_data_accesses(
    connection: Reading,
    actor: CurrentActor,
    subject: Annotated[ResidentSubject, Depends(resident_guard(GRANTS_MANAGE))],
    page: PageQuery,
    language: Annotated[str, Depends(_language)],
    only_reading: Annotated[bool, Query(description="leave out what was changed")] = False,
) -> Page[DataAccess]:
    """List who looked at a resident's data or changed it, in plain words, the latest first."""
    return await views.data_accesses(
        connection,
        actor,
        subject,
        page,
        language,
        views.AccessQuery(only_reading=only_reading or None),
    )
