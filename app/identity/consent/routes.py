"""Consent over HTTP: what a resident lets whom see or do."""

import uuid
from typing import Annotated

from fastapi import Depends, Header, Query, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, check_version, set_etag
from app.identity.consent import service, views
from app.identity.consent.problems import GrantEnded, GrantExists, GrantOfAnAlarm, ProxyNeedsDocument
from app.identity.consent.schemas import GrantAdd, GrantChange, GrantPublic
from app.identity.consent.texts import LANGUAGES, language_for
from app.identity.people.problems import ResidenceEnded
from app.identity.scopes import GRANTS_MANAGE
from app.identity.visibility import ResidentSubject, resident_guard

router = Router(tags=["identity"])

_KNOWN = (Unauthenticated, Forbidden, NotFound)
Subject = Annotated[ResidentSubject, Depends(resident_guard(GRANTS_MANAGE))]


async def _language(accept_language: Annotated[str, Header(max_length=200)] = LANGUAGES[0]) -> str:
    return language_for(accept_language)


Language = Annotated[str, Depends(_language)]


@router.resident_route("GET", "/grants", responses=problem_responses(*_KNOWN))
async def list_grants(
    subject: Subject,
    actor: CurrentActor,
    connection: Reading,
    page: PageQuery,
    language: Language,
    ended: Annotated[bool, Query(description="also those that were revoked or have expired")] = False,
) -> Page[GrantPublic]:
    """Who may see or do what, in plain words; emergency access opened by alarms is among it."""
    return await views.grants(connection, actor, subject.resident_id, page, language, ended=ended)


@router.resident_route(
    "POST",
    "/grants",
    status_code=201,
    responses=problem_responses(*_KNOWN, ProxyNeedsDocument, GrantExists, ResidenceEnded),
)
async def add_grant(
    data: GrantAdd, subject: Subject, actor: CurrentActor, session: Session, language: Language, response: Response
) -> GrantPublic:
    """Let a person see or do something. What the operator records for a resident names who recorded it."""
    grant = await service.give(session, actor, subject, data, language)
    set_etag(response, grant.version)
    return await views.grant(await session.connection(), subject.resident_id, grant.id, language)


@router.resident_route(
    "PATCH",
    "/grants/{grant_id}",
    responses=problem_responses(*_KNOWN, StaleVersion, ProxyNeedsDocument, GrantEnded, GrantOfAnAlarm),
)
async def change_grant(
    *,
    grant_id: uuid.UUID,
    change: GrantChange,
    subject: Subject,
    actor: CurrentActor,
    session: Session,
    if_match: IfMatch,
    language: Language,
    response: Response,
) -> GrantPublic:
    """Replace what a grant allows and until when."""
    grant = await service.grant_of(session, subject.resident_id, grant_id)
    check_version(grant, if_match)
    await service.change_grant(
        session, actor, subject, grant, scopes=change.scopes, expires_at=change.expires_at, language=language
    )
    set_etag(response, grant.version)
    return await views.grant(await session.connection(), subject.resident_id, grant_id, language)


@router.resident_route(
    "DELETE", "/grants/{grant_id}", status_code=204, responses=problem_responses(*_KNOWN, GrantOfAnAlarm)
)
async def revoke_grant(grant_id: uuid.UUID, subject: Subject, actor: CurrentActor, session: Session) -> None:
    """End a grant at once: the next thing the person asks for is refused."""
    grant = await service.grant_of(session, subject.resident_id, grant_id)
    await service.end_grant(session, actor, subject, grant)
