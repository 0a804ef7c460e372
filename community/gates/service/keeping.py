"""Which gates an attraction has, and what opens them beside tickets."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.problems import Conflict, StaleVersion
from app.core.routing import check_version
from community.gates import repository
from community.gates.access import AtAttraction
from community.gates.models import Gate, GateRules
from community.gates.schemas import GateCreate, GateRulesWrite, GateWrite


async def add_gate(session: AsyncSession, at: AtAttraction, data: GateCreate) -> Gate:
    """Add a gate to an attraction; raises ``Conflict`` if it has one of this name."""
    row = Gate(
        community_id=at.community_id,
        organization_id=at.organization_id,
        attraction_id=at.attraction_id,
        name=data.name,
    )
    if not await repository.add(session, row):
        raise Conflict("there is a gate of this name")
    await audit.record(session, at.actor, "gate:add", object_id=row.id)
    return row


async def set_gate(session: AsyncSession, at: AtAttraction, data: GateWrite, if_match: int | None) -> Gate:
    """Call a gate otherwise, or put it aside; raises ``NotFound``, ``StaleVersion``, ``Conflict`` for a name that is
    taken.
    """
    row = await repository.locked_gate(session, at.id)
    check_version(row, if_match)
    row.name, row.is_active = data.name, data.is_active
    await session.flush()
    await audit.record(session, at.actor, "gate:set", object_id=row.id)
    return row


async def set_rules(session: AsyncSession, at: AtAttraction, data: GateRulesWrite, if_match: int | None) -> None:
    """Say what opens an attraction's gates beside tickets; raises ``StaleVersion``."""
    row = await repository.locked_rules(session, at.attraction_id)
    if row is None:
        if if_match not in (None, 0):
            raise StaleVersion
        row = GateRules(
            community_id=at.community_id,
            organization_id=at.organization_id,
            attraction_id=at.attraction_id,
            **data.model_dump(),
        )
        if not await repository.add(session, row):
            raise StaleVersion
    else:
        check_version(row, if_match)
        row.free_entitlements, row.admits_companion = data.free_entitlements, data.admits_companion
        await session.flush()
    await audit.record(session, at.actor, "gate_rules:set", object_id=at.attraction_id)
