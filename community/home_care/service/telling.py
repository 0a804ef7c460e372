"""Who is told that a home needs looking after: who manages it, and the operator of the community."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.api import (
    granted_accounts,
    members_of,
    operator_staff,
    organizations_serving,
    resident_accounts,
)
from community.home_care.access import MANAGE
from community.home_care.models import HomeOutage
from notifications.api import Notice, Value, send

_granted = granted_accounts(MANAGE).subquery("granted")
_MANAGERS: Final = sa.select(_granted.c.account_id).where(
    _granted.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
)


async def managers(session: AsyncSession, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return who manages a resident's home: whom they let, who serves them; without anybody, themselves."""
    connection = await session.connection()
    found = list(await session.scalars(_MANAGERS, {"resident_id": resident_id, "granted_at": clock.now()}))
    serving = (await organizations_serving(connection, [resident_id], MANAGE))[resident_id]
    for accounts in (await members_of(connection, sorted(serving), "coordinator")).values() if serving else ():
        found += accounts
    if not found:
        found = list((await resident_accounts(connection, [resident_id])).values())
    return list(dict.fromkeys(found))


async def tell_managers(
    session: AsyncSession, notice: Notice, home: Any, home_id: uuid.UUID, occasion: str, **more: Value
) -> None:
    """Write ``notice`` to who manages a home, whose row names resident and community; once for an ``occasion``."""
    accounts = await managers(session, home.resident_id)
    if not accounts:
        return
    await send(
        session,
        notice,
        accounts,
        community_id=home.community_id,
        dedupe_key=f"home:{home_id}:{occasion}",
        variables={"resident": home.resident_id, **more},
        about=home.resident_id,
        data={"home_id": str(home_id)},
    )


async def tell_operator(session: AsyncSession, notice: Notice, outage: HomeOutage) -> None:
    """Write ``notice`` of an outage to those who work for the operator."""
    staff = await operator_staff(await session.connection(), outage.community_id, "operator", "dispatcher")
    if staff:
        await send(
            session,
            notice,
            staff,
            community_id=outage.community_id,
            dedupe_key=f"home_outage:{outage.id}:{notice.key}",
            variables={"homes": outage.homes, "since": outage.since},
            data={"outage_id": str(outage.id)},
        )
