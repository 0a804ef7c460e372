"""How a card changes: verified, refused or removed, and who hears of it."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.identity.api import community, granted_accounts, operator_staff, resident_accounts
from community.citizen_cards import rules
from community.citizen_cards.access import MANAGE
from community.citizen_cards.models import CardClaim, CitizenCard
from community.citizen_cards.problems import CardNotPending
from notifications.api import Notice, Value, send

_granted = granted_accounts(MANAGE).subquery("granted")
_MAY_STILL: Final = sa.select(_granted.c.account_id).where(
    _granted.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    _granted.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
)


async def verify(session: AsyncSession, row: CitizenCard, by: uuid.UUID | None, last_day: date | None) -> None:
    """Let a locked card count from now on, as far as it has not ended; raises ``CardNotPending``."""
    if not rules.may("verify", row.state):
        raise CardNotPending(card_state=row.state)
    now = clock.now()
    row.last_day, row.valid_until = last_day, await end_of(session, row.community_id, last_day)
    row.state, row.verified_at, row.verified_by, row.verify_by = "verified", now, by, None
    row.warn_at = rules.warn_at(row.valid_until, now)
    await session.flush()


async def end(session: AsyncSession, row: CitizenCard, step: rules.Ending, reason: rules.CloseReason) -> None:
    """End a locked card; nothing is left of its number. Raises ``CardNotPending``."""
    if not rules.may(step, row.state):
        raise CardNotPending(card_state=row.state)
    row.state = "refused" if step == "refuse" else "removed"
    row.number = row.digest = row.verify_by = row.warn_at = None
    row.closed_at, row.close_reason = clock.now(), reason
    await session.flush()


async def close_claim(session: AsyncSession, row: CardClaim, state: rules.ClaimState, by: uuid.UUID | None) -> None:
    """End an open, locked claim; nothing is left of its number."""
    row.state, row.decided_by, row.closed_at = state, by, clock.now()
    row.number = row.digest = row.decide_by = None
    await session.flush()


async def end_of(session: AsyncSession, community_id: uuid.UUID, last_day: date | None) -> datetime | None:
    """Return when a last day ends where the community is."""
    if last_day is None:
        return None
    return rules.ends_at(last_day, (await community(await session.connection(), community_id)).time_zone)


async def put_on_record(session: AsyncSession, actor: Actor, action: str, row: CitizenCard | CardClaim) -> None:
    """Put what somebody did with a card on record."""
    await audit.record(
        session, actor, action, resident_id=row.resident_id, object_id=row.id, community_id=row.community_id
    )


async def tell(
    session: AsyncSession, notice: Notice, row: CitizenCard | CardClaim, linked_by: uuid.UUID, **more: Value
) -> None:
    """Tell a card's holder of it, and whoever linked it for them and may still keep their profile."""
    connection = await session.connection()
    told = [(await resident_accounts(connection, [row.resident_id]))[row.resident_id]]
    binds = {"resident_id": row.resident_id, "account_id": linked_by, "granted_at": clock.now()}
    told += [one for one in await session.scalars(_MAY_STILL, binds) if one not in told]
    about: dict[str, Value] = {"resident": row.resident_id}
    await send(
        session,
        notice,
        told,
        community_id=row.community_id,
        dedupe_key=f"card:{row.id}:{notice.key}:{row.version}",
        variables=about | more,
        about=row.resident_id,
        data={"card_id": str(row.id), "resident_id": str(row.resident_id)},
    )


async def tell_operators(
    session: AsyncSession, notice: Notice, community_ids: Iterable[uuid.UUID], occasion: str
) -> None:
    """Tell the operators of communities that something waits for them; under one ``occasion`` once."""
    for community_id in sorted(community_ids):
        told = await operator_staff(await session.connection(), community_id, "operator")
        await send(session, notice, told, community_id=community_id, dedupe_key=f"{notice.key}:{occasion}")
