"""Every home is watched from the minute it is connected; and how long our gateways listened is written down."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.home_care.models import CARES, LISTENING
from community.home_care.service.learning import next_learning
from community.homes.models import HOMES

BATCH: Final = 1000
_NEW: Final = (
    sa.select(HOMES.c.id, HOMES.c.resident_id, HOMES.c.community_id, HOMES.c.time_zone)
    .where(HOMES.c.state == "active", ~sa.exists().where(CARES.c.home_id == HOMES.c.id))
    .limit(BATCH)
)
_LISTENED: Final = (
    insert(LISTENING)
    .values(
        {
            name: sa.bindparam(f"given_{name}", type_=LISTENING.c[name].type)
            for name in ("id", "created_at", "updated_at", "version", "gateway", "since", "until")
        }
    )
    .on_conflict_do_update(
        index_elements=["gateway", "since"],
        set_={"until": sa.bindparam("given_until", type_=sa.DateTime(timezone=True))},
    )
)


async def adopt(session: AsyncSession) -> int:
    """Begin to watch homes that are connected and not watched yet; return how many."""
    now = clock.now()
    rows = [
        {
            "id": clock.new_id(),
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "home_id": home.id,
            "resident_id": home.resident_id,
            "community_id": home.community_id,
            "settings": {},
            "settings_version": 1,
            "usual": {},
            "evaluate_at": now + timedelta(minutes=1),
            "learn_at": next_learning(now, ZoneInfo(home.time_zone)),
        }
        for home in await session.execute(_NEW)
    ]
    if rows:
        await session.execute(insert(CARES).values(rows).on_conflict_do_nothing())
    return len(rows)


async def listened(session: AsyncSession, gateway: str, since: datetime) -> None:
    """Write down that a gateway, connected since an instant, still is."""
    now = clock.now()
    given = {"id": clock.new_id(), "created_at": now, "updated_at": now, "version": 1}
    given |= {"gateway": gateway, "since": since, "until": now}
    await session.execute(_LISTENED, {f"given_{name}": value for name, value in given.items()})
