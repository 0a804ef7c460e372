"""Incremental sync over HTTP."""

import uuid
from typing import Annotated

from fastapi import Header, Query

from app.core.access import CurrentActor
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from app.identity.api import LANGUAGES, PeopleOnly, Person, language_for
from app.policies.journeys.changes import service
from app.policies.journeys.changes.schemas import Changes

router = Router(tags=["sync"])

SinceCursor = Annotated[
    str | None, Query(max_length=2_048, description="the `next` of the answer before; without it: everything")
]
Limit = Annotated[int, Query(ge=1, le=500, description="rows that are told one by one")]
AcceptLanguage = Annotated[str, Header(max_length=200)]


@router.get("/me/changes", responses=problem_responses(Unauthenticated, PeopleOnly))
async def get_my_changes(
    actor: Person,
    connection: Reading,
    since: SinceCursor = None,
    limit: Limit = 100,
    accept_language: AcceptLanguage = LANGUAGES[0],
) -> Changes:
    """What changed about you since you last asked, deletions among it: one request after being offline."""
    return await service.of_oneself(connection, actor, since, limit, language_for(accept_language))


@router.get("/residents/{resident_id}/changes", responses=problem_responses(Unauthenticated, Forbidden, NotFound))
async def get_resident_changes(
    resident_id: uuid.UUID,
    actor: CurrentActor,
    connection: Reading,
    since: SinceCursor = None,
    limit: Limit = 100,
    *,
    accept_language: AcceptLanguage = LANGUAGES[0],
) -> Changes:
    """What changed about a resident since you last asked, of what you may see of them."""
    return await service.of_resident(connection, actor, resident_id, since, limit, language_for(accept_language))
