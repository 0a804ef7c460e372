"""Grants as other systems read and give them: found by what is in them, and checked for who asks."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.paging import Page, PageRequest
from app.core.problems import NotFound, StaleVersion
from app.identity.consent import service, views
from app.identity.consent.schemas import GrantEntry
from app.identity.consent.views import GrantQuery
from app.identity.models import Grant
from app.identity.scopes import GRANTS_MANAGE
from app.identity.visibility import ResidentSubject, require_resident

_LANGUAGE = "en"
_ONE = PageRequest(1, None)


async def consents(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, query: GrantQuery, page: PageRequest
) -> Page[GrantEntry]:
    """Return a page of a resident's grants; raises ``NotFound``, ``Forbidden`` without ``grants:manage``."""
    await require_resident(connection, actor, resident_id, GRANTS_MANAGE)
    return await views.entries(connection, actor, resident_id, query, page, _LANGUAGE)


async def consent(connection: AsyncConnection, actor: Actor, grant_id: uuid.UUID) -> GrantEntry:
    """Return a grant; raises as ``consents``."""
    resident_id = await views.whose(connection, grant_id)
    page = await consents(connection, actor, resident_id, GrantQuery(ids=[grant_id]), _ONE)
    if not page.items:
        raise NotFound
    return page.items[0]


async def give_consent(
    session: AsyncSession,
    actor: Actor,
    *,
    resident_id: uuid.UUID,
    grantee_account_id: uuid.UUID,
    scopes: Iterable[str],
    starts_at: datetime | None,
    expires_at: datetime | None,
) -> GrantEntry:
    """Let a person see or do ``scopes`` with a resident, and return it; raises as ``consents``, and ``add_grant``."""
    connection = await session.connection()
    subject = await require_resident(connection, actor, resident_id, GRANTS_MANAGE)
    made = await service.add_grant(
        session,
        actor,
        subject,
        grantee_account_id=grantee_account_id,
        scopes=scopes,
        starts_at=starts_at,
        expires_at=expires_at,
        language=_LANGUAGE,
    )
    return await consent(connection, actor, made.id)


async def change_consent(
    session: AsyncSession,
    actor: Actor,
    grant_id: uuid.UUID,
    version: int | None,
    *,
    scopes: Iterable[str],
    expires_at: datetime | None,
) -> GrantEntry:
    """Replace what a grant allows and until when, and return it; raises as ``end_consent``, and ``change_grant``."""
    subject, grant = await _locked(session, actor, grant_id, version)
    await service.change_grant(session, actor, subject, grant, scopes=scopes, expires_at=expires_at, language=_LANGUAGE)
    return await consent(await session.connection(), actor, grant_id)


async def end_consent(session: AsyncSession, actor: Actor, grant_id: uuid.UUID, version: int | None) -> GrantEntry:
    """End a grant at once, and return it; raises as ``consents``, ``StaleVersion``, and what ``end_grant`` raises."""
    subject, grant = await _locked(session, actor, grant_id, version)
    await service.end_grant(session, actor, subject, grant)
    return await consent(await session.connection(), actor, grant_id)


async def _locked(
    session: AsyncSession, actor: Actor, grant_id: uuid.UUID, version: int | None
) -> tuple[ResidentSubject, Grant]:
    connection = await session.connection()
    resident_id = await views.whose(connection, grant_id)
    subject = await require_resident(connection, actor, resident_id, GRANTS_MANAGE)
    grant = await service.grant_of(session, resident_id, grant_id)
    if version is not None and grant.version != version:
        raise StaleVersion
    return subject, grant
