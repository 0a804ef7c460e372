"""Who is told of a connected home: its holder, and those the holder lets manage it."""

import uuid
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.api import resident_accounts
from community.homes import repository
from notifications.api import Notice, send


async def tell_managers(
    session: AsyncSession,
    notice: Notice,
    *,
    home_id: uuid.UUID,
    resident_id: uuid.UUID,
    community_id: uuid.UUID,
    occasion: str,
    data: Mapping[str, str] | None = None,
) -> None:
    """Write ``notice`` for the holder ``resident_id`` and whom they let manage the home, once per ``occasion``."""
    holders = await resident_accounts(await session.connection(), [resident_id])
    managers = await repository.managers_by_grant(session, resident_id)
    accounts = list(dict.fromkeys([*holders.values(), *managers]))
    await _send(
        session,
        notice,
        accounts,
        home_id=home_id,
        resident_id=resident_id,
        community_id=community_id,
        occasion=occasion,
        data=data,
    )


async def tell_resident(
    session: AsyncSession,
    notice: Notice,
    who: uuid.UUID,
    *,
    home_id: uuid.UUID,
    resident_id: uuid.UUID,
    community_id: uuid.UUID,
    occasion: str,
) -> None:
    """Write ``notice`` for the resident ``who`` about the home of the holder ``resident_id``."""
    accounts = await resident_accounts(await session.connection(), [who])
    managers = await repository.managers_by_grant(session, who)
    everybody = list(dict.fromkeys([*accounts.values(), *managers]))
    await _send(
        session,
        notice,
        everybody,
        home_id=home_id,
        resident_id=resident_id,
        community_id=community_id,
        occasion=occasion,
    )


async def _send(
    session: AsyncSession,
    notice: Notice,
    accounts: list[uuid.UUID],
    *,
    home_id: uuid.UUID,
    resident_id: uuid.UUID,
    community_id: uuid.UUID,
    occasion: str,
    data: Mapping[str, str] | None = None,
) -> None:
    if accounts:
        await send(
            session,
            notice,
            accounts,
            community_id=community_id,
            dedupe_key=f"home:{home_id}:{occasion}",
            variables={"resident": resident_id},
            about=resident_id,
            data={"home_id": str(home_id), **(data or {})},
        )
