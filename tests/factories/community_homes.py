"""Connected homes with their rooms, devices and entities, really committed."""

import secrets
from collections.abc import Sequence
from typing import Any, Final

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Resident
from community.home_devices.models import HomeDevice, HomeEntity
from community.homes.models import Home, HomeResident, HomeRoom

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"


def key() -> str:
    """Return a key as a home has."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))


async def home(of: Resident, *, others: Sequence[Resident] = (), **values: Any) -> Home:
    """Insert a connected home that all agreed to who live there; the broker knows nothing of it."""
    now = clock.now()
    given: dict[str, Any] = {"name": "Home", "time_zone": "Asia/Shanghai", "household_id": of.household_id} | values
    row = Home(community_id=of.community_id, resident_id=of.id, key=given.pop("key", None) or key(), **given)
    async with unit_of_work() as session:
        session.add(row)
        await session.flush()
        session.add_all(
            HomeResident(home_id=row.id, resident_id=one.id, asked_at=now, agreed_at=now, agreed_by=one.account_id)
            for one in (of, *others)
        )
    return row


async def room(of: Home, *, name: str = "Kitchen", kind: str = "kitchen") -> HomeRoom:
    """Insert a room of a home."""
    row = HomeRoom(home_id=of.id, resident_id=of.resident_id, name=name, kind=kind)
    async with unit_of_work() as session:
        session.add(row)
    return row


async def device(of: Home, *, room: HomeRoom | None = None, **values: Any) -> HomeDevice:
    """Insert a device of a home, known by one identifier of its own."""
    given: dict[str, Any] = {"identifiers": [f"device_{clock.new_id().hex}"], "name": "Sensor"} | values
    row = HomeDevice(
        community_id=of.community_id,
        resident_id=of.resident_id,
        home_id=of.id,
        room_id=room.id if room else None,
        **given,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def entity(of: HomeDevice, component: str = "binary_sensor", **values: Any) -> HomeEntity:
    """Insert an entity of a device: unless told otherwise it says ``ON`` or ``OFF`` at ``<its key>/state``."""
    name = values.get("key") or f"entity_{clock.new_id().hex}"
    given: dict[str, Any] = {
        "key": name,
        "unique_id": name,
        "name": "Motion",
        "config": {"state_topic": f"{name}/state", "unique_id": name},
        "discovery_topic": f"homeassistant/{component}/{name}/config",
    } | values
    row = HomeEntity(
        community_id=of.community_id,
        resident_id=of.resident_id,
        home_id=of.home_id,
        device_id=of.id,
        component=component,
        **given,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row
