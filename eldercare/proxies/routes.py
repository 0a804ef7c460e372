"""The HTTP side of proxies."""

import uuid
from typing import Annotated

from fastapi import Depends, Header

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import LANGUAGES, Member, ResidentSubject, language_for, member_guard, resident_guard
from eldercare.proxies import service, views
from eldercare.proxies.problems import ProxyChecked, ProxyOver, ProxyProposed, SomebodyElseChecks
from eldercare.proxies.schemas import ProxyCheck, ProxyPropose, ProxyPublic

router = Router(tags=["eldercare"])

_KNOWN = (Unauthenticated, Forbidden, NotFound)
Manager = Annotated[ResidentSubject, Depends(resident_guard("grants:manage"))]
Proposer = Annotated[ResidentSubject, Depends(resident_guard("profile:read"))]
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]


async def _language(accept_language: Annotated[str, Header(max_length=200)] = LANGUAGES[0]) -> str:
    return language_for(accept_language)


Language = Annotated[str, Depends(_language)]


@router.resident_route("GET", "/proxies", responses=problem_responses(*_KNOWN))
async def list_proxies(
    connection: Reading, actor: CurrentActor, subject: Manager, page: PageQuery, language: Language
) -> Page[ProxyPublic]:
    """List who acts, acted or asks to act for a resident, in plain words, the latest first."""
    is_own = subject.relation == "self"
    return await views.proxies_of(connection, actor, subject.resident_id, page, language, is_own=is_own)


@router.resident_route("POST", "/proxies", status_code=201, responses=problem_responses(*_KNOWN, ProxyProposed))
async def propose_proxy(
    session: Session, actor: CurrentActor, subject: Proposer, data: ProxyPropose, language: Language
) -> ProxyPublic:
    """Propose who is to act for a resident, with the document it rests on; nothing is allowed until it is checked."""
    proxy = await service.propose(session, actor, subject, data)
    return await views.proxy(await session.connection(), proxy.id, language)


@router.resident_route("POST", "/proxies/{proxy_id}/revocation", responses=problem_responses(*_KNOWN, ProxyOver))
async def revoke_proxy(
    session: Session, actor: CurrentActor, subject: Manager, proxy_id: uuid.UUID, language: Language
) -> ProxyPublic:
    """End a proxy at once: the next thing they ask for is refused."""
    proxy = await service.end(session, actor, subject, proxy_id)
    return await views.proxy(await session.connection(), proxy.id, language)


@router.get("/proxies", responses=problem_responses(Unauthenticated, Forbidden))
async def list_proxies_to_check(
    connection: Reading, member: Operator, page: PageQuery, language: Language
) -> Page[ProxyPublic]:
    """List the community's proxies that wait to be checked, the longest waiting first."""
    return await views.proxies_to_check(connection, member.actor, page, language)


@router.post("/proxies/{proxy_id}/check", responses=problem_responses(*_KNOWN, SomebodyElseChecks, ProxyChecked))
async def check_proxy(
    session: Session, member: Operator, proxy_id: uuid.UUID, data: ProxyCheck, language: Language
) -> ProxyPublic:
    """Say what the operator found in the document: accepted, the proxy acts from now on (or from its start)."""
    proxy = await service.check(session, member.actor, proxy_id, data)
    return await views.proxy(await session.connection(), proxy.id, language)
