"""When Hearthline itself was away: signs of life, and the gaps between them."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import unit_of_work
from app.core.tables import table_of
from eldercare.check_ins.models import Heartbeat, Outage
from eldercare.check_ins.rules import OUTAGE

WORKER = "worker"
API = "api"

_beats = table_of(Heartbeat)
_outages = table_of(Outage)
_part = sa.bindparam("of_part", type_=sa.Text)

_FIRST = insert(_beats).on_conflict_do_nothing()
_LAST = sa.select(_beats.c.beaten_at).where(_beats.c.part == _part).with_for_update()
_BEAT = (
    sa.update(_beats)
    .where(_beats.c.part == _part)
    .values(beaten_at=sa.func.greatest(_beats.c.beaten_at, sa.bindparam("at", type_=sa.DateTime(timezone=True))))
)


_LONGER = (
    sa.update(_outages)
    .where(_outages.c.part == _part, _outages.c.started_at == sa.bindparam("since", type_=sa.DateTime(timezone=True)))
    .values(ended_at=sa.bindparam("at", type_=sa.DateTime(timezone=True)))
    .returning(_outages.c.id)
)


async def beat(part: str = WORKER) -> None:
    """Say that ``part`` is alive now; a silence longer than ``rules.OUTAGE`` before it is remembered as an outage."""
    now = clock.now()
    async with unit_of_work() as session:
        await session.execute(_FIRST, {"part": part, "beaten_at": now})
        await _remember_silence(session, part, now)
        await session.execute(_BEAT, {"of_part": part, "at": now})


async def watch(part: str) -> None:
    """Remember the silence of another part while it lasts; one that never gave a sign of life is not missed."""
    async with unit_of_work() as session:
        await _remember_silence(session, part, clock.now())


async def _remember_silence(session: AsyncSession, part: str, now: datetime) -> None:
    last = await session.scalar(_LAST, {"of_part": part})
    if last is None or now - last <= OUTAGE:
        return
    # The lock on the heartbeat makes those who notice the same silence take turns.
    if await session.scalar(_LONGER, {"of_part": part, "since": last, "at": now}) is None:
        silence = {"id": clock.new_id(), "part": part, "started_at": last, "ended_at": now}
        await session.execute(sa.insert(_outages), silence)
