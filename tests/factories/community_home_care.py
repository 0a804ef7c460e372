"""Homes that are watched, what their entities report, and how they stood before: really committed."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.core import clock
from app.core.clock import id_floor
from app.core.database import unit_of_work
from community.home_care import jobs
from community.home_care.service import notice
from community.home_devices.models import HomeEntity
from community.home_states.models import HomeReading, HomeState
from community.home_states.schemas import StateChange
from community.homes.models import Home, HomeRoom
from tests.factories import community_homes as homes


async def watched(home: Home) -> None:
    """Let the worker begin to watch a home."""
    assert await jobs.adopt() >= 1


async def entity(home: Home, role: str, *, room: HomeRoom | None = None, **values: Any) -> HomeEntity:
    """Insert a device with one entity of a role."""
    device = await homes.device(home, room=room)
    return await homes.entity(device, role=role, **values)


def change(
    of: HomeEntity,
    new: str | None,
    *,
    old: str | None = None,
    room: HomeRoom | None = None,
    number: float | None = None,
    at: datetime | None = None,
    is_fresh: bool = True,
) -> StateChange:
    """Return that an entity says ``new``; unless told otherwise it said the other of on and off before."""
    before = {"on": "off", "off": "on"}.get(new or "") if old is None else old
    return StateChange(
        home_id=of.home_id,
        community_id=of.community_id,
        resident_id=of.resident_id,
        entity_id=of.id,
        device_id=of.device_id,
        component=of.component,
        device_class=of.device_class,
        role=of.role,
        room_id=room.id if room else None,
        attribute="state",
        old=before,
        new=new,
        number=number,
        at=at or clock.now(),
        is_fresh=is_fresh,
    )


async def stand(one: StateChange, *, is_available: bool = True) -> None:
    """Store how the entity of a change stands from now on."""
    async with unit_of_work() as session:
        await session.merge(
            HomeState(
                entity_id=one.entity_id,
                home_id=one.home_id,
                resident_id=one.resident_id,
                state=one.new,
                number=one.number,
                attributes={},
                is_available=is_available,
                changed_at=one.at,
                reported_at=one.at,
                is_fresh=one.is_fresh,
            )
        )


async def report(*changes: StateChange) -> None:
    """Store changes and let care in the home notice them, as the inbox does: in one unit of work."""
    for one in changes:
        await stand(one)
    async with unit_of_work() as session:
        await notice(session, changes)


async def readings(of: HomeEntity, said: Iterable[tuple[datetime, str]]) -> None:
    """Insert what an entity said at instants."""
    async with unit_of_work() as session:
        for at, state in said:
            number = uuid.UUID(int=id_floor(at).int + clock.new_id().int % 2**60)
            session.add(
                HomeReading(
                    id=number, home_id=of.home_id, resident_id=of.resident_id, entity_id=of.id, state=state, at=at
                )
            )
