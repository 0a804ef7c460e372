"""Who is told what of a day out: the resident, whoever planned it and may still know of it, and who comes along."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.api import granted_accounts
from community.attractions.models import ATTRACTIONS
from community.itineraries import repository
from community.itineraries.models import Itinerary, ItineraryStop
from community.ticket_orders.access import READ
from notifications.api import Notice, Value, send

_granted = granted_accounts(READ).subquery("granted")
_MAY_STILL: Final = sa.select(_granted.c.account_id).where(
    _granted.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    _granted.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
)
_NAME: Final = sa.select(ATTRACTIONS.c.name).where(ATTRACTIONS.c.id == sa.bindparam("attraction_id", type_=sa.Uuid))


async def tell(
    session: AsyncSession, notice: Notice, row: Itinerary, stop: ItineraryStop, occasion: str, **more: Value
) -> None:
    """Write ``notice`` about a stop for everybody concerned; under one ``occasion`` each gets it once."""
    name: dict[str, str] = await session.scalar(_NAME, {"attraction_id": stop.attraction_id}) or {}
    fallback = next(iter(name.values()), "—")
    variables: dict[str, Value] = {
        "resident": row.resident_id,
        "starts_at": stop.enters_at,
        "name_en": name.get("en", fallback),
        "name_zh": name.get("zh-CN", fallback),
    }
    await send(
        session,
        notice,
        await concerned(session, row),
        community_id=row.community_id,
        dedupe_key=f"itinerary:{row.id}:{occasion}",
        variables=variables | more,
        about=row.resident_id,
        data=_data(row, stop),
    )


async def concerned(session: AsyncSession, row: Itinerary) -> list[uuid.UUID]:
    """Return who is on the way, or planned it for them."""
    found = [row.account_id]
    if row.planned_by != row.account_id:
        binds = {"resident_id": row.resident_id, "account_id": row.planned_by, "granted_at": clock.now()}
        found += list(await session.scalars(_MAY_STILL, binds))
    found += (await repository.along(session, [row.id]))[row.id]
    return list(dict.fromkeys(found))


def _data(row: Itinerary, stop: ItineraryStop) -> dict[str, Any]:
    return {"itinerary_id": str(row.id), "stop_id": str(stop.id), "resident_id": str(row.resident_id)}
