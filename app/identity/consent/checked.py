"""Grants for other packages, each checked for who asks."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.paging import MAX_LIMIT, PageRequest
from app.identity.consent import service
from app.identity.consent.rules import GivenKind
from app.identity.consent.schemas import GrantPublic
from app.identity.consent.views import grants
from app.identity.models import Grant
from app.identity.scopes import GRANTS_MANAGE
from app.identity.visibility import require_resident


async def add_grant(
    session: AsyncSession,
    actor: Actor,
    *,
    resident_id: uuid.UUID,
    grantee_account_id: uuid.UUID,
    scopes: Iterable[str],
    kind: GivenKind = "consent",
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> Grant:
    """Let a person see or do ``scopes`` with a resident, on behalf of ``actor``, and return the grant.

    From ``starts_at`` (default: now) to ``expires_at`` (default: until it is revoked).

    Raises ``NotFound``, ``Forbidden`` without ``grants:manage``, ``GrantExists`` if one of its kind is in force.
    """
    subject = await require_resident(await session.connection(), actor, resident_id, GRANTS_MANAGE)
    return await service.add_grant(
        session,
        actor,
        subject,
        grantee_account_id=grantee_account_id,
        scopes=scopes,
        kind=kind,
        starts_at=starts_at,
        expires_at=expires_at,
    )


async def revoke_grant(session: AsyncSession, actor: Actor, *, resident_id: uuid.UUID, grant_id: uuid.UUID) -> None:
    """End a grant at once, on behalf of whoever manages the resident's grants or of the person who holds it."""
    grant = await service.grant_of(session, resident_id, grant_id)
    if grant.grantee_account_id != actor.id:
        await require_resident(await session.connection(), actor, resident_id, GRANTS_MANAGE)
    await service.revoke_grant(session, actor, grant)


async def grants_in_force(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, language: str
) -> list[GrantPublic]:
    """Return the latest hundred grants of a resident that have not ended, told in ``language``.

    Raises ``NotFound``, ``Forbidden`` without ``grants:manage``.
    """
    await require_resident(connection, actor, resident_id, GRANTS_MANAGE)
    page = PageRequest(MAX_LIMIT, None)
    return (await grants(connection, actor, resident_id, page, language, ended=False)).items
