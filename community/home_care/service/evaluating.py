"""Homes are looked at every few minutes, many at once: what is silent, whose morning is too quiet, what has ended."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import connection_of
from community.home_care.models import CARES, HOME_WATCHES
from community.home_care.repository import Key
from community.home_care.rules.acts import Raise
from community.home_care.rules.looks import IDLE, Look, look
from community.home_care.service import devices, silences
from community.home_care.service.raising import raise_all, settle_all, tell_of_what_stays
from community.home_care.views import looking

_next = (
    sa.func.unnest(
        sa.bindparam("ids", type_=ARRAY(sa.Uuid)), sa.bindparam("ats", type_=ARRAY(sa.DateTime(timezone=True)))
    )
    .table_valued("id", "at")
    .render_derived("next")
)
_LATER: Final = sa.update(CARES).where(CARES.c.id == _next.c.id).values(evaluate_at=_next.c.at)
_FORGET: Final = sa.delete(HOME_WATCHES).where(
    HOME_WATCHES.c.home_id == sa.any_(sa.bindparam("home_ids", type_=ARRAY(sa.Uuid)))
)


async def evaluate(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Look at homes, act on what is found, and say when each is looked at again."""
    now = clock.now()
    connection = connection_of(session)
    rows = await looking.snapshots(connection, ids)
    active = [row for row in rows if row.state == "active"]
    await _let_go(session, [row for row in rows if row.state != "active"], now)
    if not active:
        return
    listening = await looking.listening(connection, now)
    incidents = await looking.open_incidents(connection, [row.home_id for row in active])
    looks = [
        (row, look(looking.snapshot_of(row, incidents.get(row.home_id, ())), now, listening.between)) for row in active
    ]
    await _act(session, looks, now)
    heard = {row.home_id: row.last_seen_at for row, one in looks if row.silence_id is None and not one.fell_silent}
    await devices.look(session, heard, listening, now)
    await session.execute(_LATER, {"ids": [row.id for row, _ in looks], "ats": [one.next_at for _, one in looks]})


async def _act(session: AsyncSession, looks: Sequence[tuple[Any, Look]], now: datetime) -> None:
    homes = {row.home_id: row for row, _ in looks}
    raised: dict[Key, Raise] = {
        (row.home_id, "no_motion", row.home_id): one.no_motion for row, one in looks if one.no_motion is not None
    }
    await raise_all(session, homes, raised)
    ended = [(row.home_id, gone.kind, gone.source_id) for row, one in looks for gone in one.ended]
    await settle_all(session, ended, now)
    await tell_of_what_stays(session, list(homes), now)
    await silences.begin(session, [row for row, one in looks if one.fell_silent], now)
    await silences.end(session, [row.silence_id for row, one in looks if one.heard_again], now)


async def _let_go(session: AsyncSession, rows: Sequence[Any], now: datetime) -> None:
    """Nothing is noticed in homes that wait or are closed: what went on there is over, and nobody is told more."""
    if not rows:
        return
    home_ids = [row.home_id for row in rows]
    incidents = await looking.open_incidents(connection_of(session), home_ids)
    await settle_all(
        session, [(home_id, one.kind, one.source_id) for home_id, found in incidents.items() for one in found], now
    )
    await session.execute(_FORGET, {"home_ids": home_ids})
    await silences.drop(session, home_ids, now)
    await session.execute(_LATER, {"ids": [row.id for row in rows], "ats": [now + IDLE] * len(rows)})
