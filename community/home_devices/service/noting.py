"""What devices say of themselves is noted: when they were last heard, their battery, their radio, their firmware."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from community.home_devices import notices
from community.home_devices.repository import describing
from community.home_devices.schemas import DeviceFact
from community.homes.service.telling import tell_managers


async def note_device_facts(session: AsyncSession, facts: Sequence[DeviceFact]) -> None:
    """Write down what devices said of themselves; of a battery that is low it is told once until it is replaced."""
    if not facts:
        return
    joined: dict[uuid.UUID, DeviceFact] = {}
    for fact in sorted(facts, key=lambda one: one.seen_at):
        joined[fact.device_id] = _joined(joined.get(fact.device_id), fact)
    for row in await describing.note(session, list(joined.values())):
        await tell_managers(
            session,
            notices.BATTERY_LOW,
            home_id=row.home_id,
            resident_id=row.resident_id,
            community_id=row.community_id,
            occasion=f"battery:{row.id}:{row.battery_told_at.isoformat()}",
            data={"device_id": str(row.id)},
        )


def _joined(before: DeviceFact | None, fact: DeviceFact) -> DeviceFact:
    if before is None:
        return _bounded(fact)
    now = _bounded(fact)
    return DeviceFact(
        fact.device_id,
        fact.seen_at,
        before.battery if now.battery is None else now.battery,
        before.link_quality if now.link_quality is None else now.link_quality,
        now.sw_version or before.sw_version,
    )


def _bounded(fact: DeviceFact) -> DeviceFact:
    battery = None if fact.battery is None else min(max(fact.battery, 0), 100)
    quality = None if fact.link_quality is None else min(max(fact.link_quality, -32_768), 32_767)
    return DeviceFact(fact.device_id, fact.seen_at, battery, quality, fact.sw_version and fact.sw_version[:255])
