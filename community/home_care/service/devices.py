"""Devices that are silent while their home is heard: who manages the home hears of it, once for each silence."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import connection_of
from community.home_care import notices
from community.home_care.models import CARES
from community.home_care.repository import Key
from community.home_care.rules.acts import Raise
from community.home_care.rules.settings import Settings
from community.home_care.rules.silences import LEAST_DEVICE, Listening, device_limit
from community.home_care.service.raising import raise_all, settle_all
from community.home_care.service.telling import tell_managers
from community.home_care.views import looking
from community.home_devices.models import DEVICES

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_FALL_SILENT: Final = (
    sa.update(DEVICES).where(DEVICES.c.id == sa.any_(_IDS)).values(silent_since=DEVICES.c.last_seen_at)
)
_HEARD: Final = sa.update(DEVICES).where(DEVICES.c.id == sa.any_(_IDS)).values(silent_since=None)
_SETTINGS: Final = sa.select(CARES.c.home_id, CARES.c.settings).where(CARES.c.home_id == sa.any_(_IDS))


async def look(
    session: AsyncSession, heard: Mapping[uuid.UUID, datetime | None], listening: Listening, now: datetime
) -> None:
    """Look at the devices of homes that are heard: which are silent, and which are heard again."""
    if not heard:
        return
    doubtful = await looking.doubtful_devices(connection_of(session), list(heard), now - LEAST_DEVICE)
    silent = [row for row in doubtful if row.silent_since is None and _is_silent(row, heard, listening)]
    again = [row for row in doubtful if row.silent_since is not None]
    if silent:
        await session.execute(_FALL_SILENT, {"ids": [row.id for row in silent]})
        await _tell(session, silent, now)
    if again:
        await session.execute(_HEARD, {"ids": [row.id for row in again]})
        await settle_all(session, [_key(row) for row in again if row.calls_by], now)


def _is_silent(row: Any, heard: Mapping[uuid.UUID, datetime | None], listening: Listening) -> bool:
    """Say whether a device is silent longer than it ever is while its hub went on being heard."""
    until = heard[row.home_id]
    return until is not None and listening.between(row.last_seen_at, until) > device_limit(row.heard_every)


def _key(row: Any) -> Key:
    return row.home_id, "sos_button_silent", uuid.UUID(row.calls_by)


async def _tell(session: AsyncSession, silent: Sequence[Any], now: datetime) -> None:
    calling = [row for row in silent if row.calls_by]
    ids = {"ids": list({row.home_id for row in calling})}
    settings = {row.home_id: Settings.of(row.settings) for row in await session.execute(_SETTINGS, ids)}
    raised = {
        _key(row): Raise(
            "sos_button_silent",
            "medium",
            now,
            uuid.UUID(row.calls_by),
            explanation={"last_heard_at": row.last_seen_at.isoformat(), "device_id": str(row.id)},
        )
        for row in calling
        if settings[row.home_id].watches("sos_button_silent")
    }
    await raise_all(session, {row.home_id: row for row in calling}, raised)
    by_home: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in silent:
        by_home[row.home_id].append(row)
    for home_id, rows in by_home.items():
        occasion = f"devices:{rows[0].id}:{rows[0].last_seen_at.timestamp():.0f}"
        await tell_managers(session, notices.DEVICES_SILENT, rows[0], home_id, occasion, devices=len(rows))
