"""Support looks on as somebody: begun with a reason they are told, ended by hand, by the clock or by signing out."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import NotFound
from app.core.sealing import seal
from app.identity.events import ViewingBegan
from app.identity.models import Account
from app.identity.second_factor.problems import SecondFactorNeeded
from app.identity.sessions import tokens
from app.identity.viewing import repository, rules
from app.identity.viewing.models import SupportViewing
from app.identity.viewing.problems import NotToBeViewed, ViewingGoesOn
from app.identity.viewing.schemas import ViewingBegun

REASON: Final = "identity_viewing.reason"


async def begin(session: AsyncSession, actor: Actor, account_id: uuid.UUID, reason: str) -> ViewingBegun:
    """Begin to look on as a person of the operator's community, who is told at once.

    Raises ``NotFound``, ``SecondFactorNeeded`` in a session that has shown none, ``NotToBeViewed``, and
    ``ViewingGoesOn`` while the operator looks on as anybody.
    """
    if not actor.second_factor or actor.session_id is None:
        raise SecondFactorNeeded
    account = await session.get(Account, account_id)
    if account is None or account.community_id != actor.community_id or account.state != "active":
        raise NotFound
    if account.id == actor.id or not await repository.may_be_viewed(session, account.id):
        raise NotToBeViewed
    now = clock.now()
    await repository.settle(session, actor.id, now)
    if await repository.going_on(session, actor.id) is not None:
        raise ViewingGoesOn
    row = SupportViewing(
        community_id=actor.community_id,
        viewer_id=actor.id,
        account_id=account.id,
        session_id=actor.session_id,
        reason=seal(reason, REASON),
        started_at=now,
        ends_at=now + rules.LASTS,
    )
    session.add(row)
    await session.flush()
    await _record(session, actor, row, "viewing:begin")
    await emit(session, ViewingBegan(aggregate_id=account.id, community_id=actor.community_id, viewing_id=row.id))
    token, lifetime = tokens.issue(
        actor.id, actor.session_id, actor.community_id, viewing_id=row.id, lifetime=rules.LASTS
    )
    return ViewingBegun(
        id=row.id,
        account_id=account.id,
        name=account.name,
        started_at=row.started_at,
        ends_at=row.ends_at,
        access_token=token,
        expires_in=int(lifetime.total_seconds()),
    )


async def end(session: AsyncSession, actor: Actor, viewing_id: uuid.UUID) -> None:
    """Stop looking on; one that is over already is nothing to stop. Raises ``NotFound`` for another's."""
    row = await repository.own(session, actor.id, viewing_id)
    if row is None:
        raise NotFound
    if row.ended_at is not None:
        return
    row.ended_at = min(row.ends_at, clock.now())
    await session.flush()
    await _record(session, actor, row, "viewing:end")


async def _record(session: AsyncSession, actor: Actor, row: SupportViewing, action: str) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=await repository.resident_of(session, row.account_id),
        object_id=row.id,
        details={"account": str(row.account_id)},
    )
