"""Who hears of a gate whose clock is wrong, and of entries that do not fit: the attraction's coordinators."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.api import members_of, operator_staff
from community.gates import notices
from community.gates.models import Gate
from notifications.api import send


async def tell_clock(session: AsyncSession, gate: Gate, ahead: int) -> None:
    """Tell the coordinators, once a day, that a gate's clock is so many seconds ahead (or, below zero, behind)."""
    await send(
        session,
        notices.CLOCK_WRONG,
        await _coordinators(session, gate),
        community_id=gate.community_id,
        dedupe_key=f"gate:{gate.id}:clock:{clock.now().date().isoformat()}",
        variables={
            "gate": gate.name,
            "minutes": round(abs(ahead) / 60),
            "side": "ahead" if ahead > 0 else "behind",
        },
        data={"gate_id": str(gate.id)},
    )


async def tell_conflicts(session: AsyncSession, gate: Gate, count: int, first_scan: uuid.UUID) -> None:
    """Tell the coordinators of entries that do not fit what was sold."""
    await send(
        session,
        notices.CONFLICTS_FOUND,
        await _coordinators(session, gate),
        community_id=gate.community_id,
        dedupe_key=f"gate:{gate.id}:conflicts:{first_scan}",
        variables={"gate": gate.name, "count": count},
        data={"gate_id": str(gate.id), "attraction_id": str(gate.attraction_id)},
    )


async def _coordinators(session: AsyncSession, gate: Gate) -> list[uuid.UUID]:
    connection = await session.connection()
    found = (await members_of(connection, [gate.organization_id], "coordinator"))[gate.organization_id]
    return found or await operator_staff(connection, gate.community_id, "operator")
