"""Deadlines that have come: each is looked at with how things stand now, and becomes an incident or nothing."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.home_care import repository
from community.home_care.models import HOME_WATCHES
from community.home_care.repository import Key
from community.home_care.rules.acts import RANK, Raise
from community.home_care.rules.checks import Standing, Verdict, Watched, check
from community.home_care.service.noticing import surroundings_of
from community.home_care.service.raising import raise_all, settle_all
from community.home_devices.models import DEVICES, ENTITIES
from community.home_states.models import STATES

_somebody = (
    sa.select(sa.true())
    .select_from(
        ENTITIES.join(DEVICES, DEVICES.c.id == ENTITIES.c.device_id).join(STATES, STATES.c.entity_id == ENTITIES.c.id)
    )
    .where(
        DEVICES.c.home_id == HOME_WATCHES.c.home_id,
        DEVICES.c.room_id == HOME_WATCHES.c.room_id,
        ENTITIES.c.role.in_(("motion", "presence")),
        STATES.c.state == "on",
        STATES.c.is_available,
    )
    .correlate(HOME_WATCHES)
    .exists()
)
_own = ENTITIES.alias("own")
_LOADED: Final = (
    sa.select(
        *(HOME_WATCHES.c[name] for name in ("id", "home_id", "kind", "source_id")),
        *(HOME_WATCHES.c[name] for name in ("entity_id", "room_id", "started_at")),
        *(STATES.c[name] for name in ("state", "number", "reported_at", "is_available")),
        _own.c.unit,
        _somebody.label("is_somebody_there"),
    )
    .select_from(
        HOME_WATCHES.outerjoin(STATES, STATES.c.entity_id == HOME_WATCHES.c.entity_id).outerjoin(
            _own, _own.c.id == HOME_WATCHES.c.entity_id
        )
    )
    .where(HOME_WATCHES.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(HOME_WATCHES.c.check_at, HOME_WATCHES.c.id)
)
_FORGET: Final = sa.delete(HOME_WATCHES).where(HOME_WATCHES.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
_later = (
    sa.func.unnest(
        sa.bindparam("ids", type_=ARRAY(sa.Uuid)), sa.bindparam("ats", type_=ARRAY(sa.DateTime(timezone=True)))
    )
    .table_valued("id", "at")
    .render_derived("later")
)
_LATER: Final = sa.update(HOME_WATCHES).where(HOME_WATCHES.c.id == _later.c.id).values(check_at=_later.c.at)


async def look(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Look at what has gone on until its deadline."""
    now = clock.now()
    rows = (await session.execute(_LOADED, {"ids": list(ids)})).all()
    homes = await repository.surroundings(session, {row.home_id for row in rows})
    raised: dict[Key, Raise] = {}
    ended: list[Key] = []
    later: dict[uuid.UUID, Any] = {}
    for row in rows:
        verdict = _verdict(row, homes[row.home_id])
        if verdict.again_at is not None:
            later[row.id] = verdict.again_at
        elif verdict.ends is not None:
            ended.append((row.home_id, verdict.ends, row.source_id))
        elif verdict.incident is not None:
            key = (row.home_id, verdict.incident.kind, row.source_id)
            if key not in raised or RANK[verdict.incident.severity] > RANK[raised[key].severity]:
                raised[key] = verdict.incident
    await raise_all(session, homes, raised)
    await settle_all(session, ended, now)
    if later:
        await session.execute(_LATER, {"ids": list(later), "ats": list(later.values())})
    done = [row.id for row in rows if row.id not in later]
    if done:
        await session.execute(_FORGET, {"ids": done})


def _verdict(row: Any, home: Any) -> Verdict:
    if home.state != "active":
        return Verdict()
    standing = Standing(
        home=surroundings_of(home, {}),
        state=row.state if row.is_available else None,
        number=row.number,
        unit=row.unit,
        reported_at=row.reported_at,
        is_somebody_there=row.is_somebody_there,
        moved_at=home.moved_at,
    )
    return check(Watched(row.kind, row.entity_id, row.room_id, row.started_at), standing, clock.now())
