"""Visits while a resident is away: off, neither late nor missed; planned again if they are back by then."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit_many
from eldercare.absences.problems import ResidentAway
from eldercare.absences.repository import away_until, hold
from eldercare.events import VisitResumed, VisitSuspended
from eldercare.visits import repository, rules
from eldercare.visits.models import VISITS
from eldercare.visits.notices import VISITS_OFF, VISITS_ON
from eldercare.visits.service.cancelling import dismiss_carers
from eldercare.visits.service.telling import agency, tell

_NOW = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_OF_RESIDENTS = VISITS.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)))
_IS_AHEAD = VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.AHEAD])
_away_until = away_until(VISITS.c.resident_id, VISITS.c.starts_at, _NOW)

_AHEAD = sa.select(VISITS.c.id).where(_OF_RESIDENTS, _IS_AHEAD)
_HOLD = hold(VISITS, VISITS.c.starts_at).where(
    VISITS.c.id == sa.any_(sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))), _IS_AHEAD
)
_OFF = (
    sa.select(VISITS, _away_until.label("away_until"))
    .where(VISITS.c.id == sa.any_(sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))), _IS_AHEAD, _away_until.is_not(None))
    .order_by(VISITS.c.id)
    .with_for_update(key_share=True, of=VISITS)
)
_ON = (
    sa.select(VISITS)
    .where(
        _OF_RESIDENTS,
        VISITS.c.state == sa.literal("suspended", sa.Text),
        # Whoever is back just before its time is heard of a while after it.
        VISITS.c.starts_at > _NOW - sa.literal(rules.RESUMED_WITHIN, sa.Interval),
        _away_until.is_(None),
    )
    .order_by(VISITS.c.id)
    .with_for_update(key_share=True, of=VISITS)
)
_HOME = sa.select(
    away_until(sa.bindparam("resident_id", type_=sa.Uuid), sa.bindparam("at", type_=sa.DateTime(timezone=True)), _NOW)
)


async def follow_absences(session: AsyncSession, resident_ids: Collection[uuid.UUID], *, tells: bool = True) -> None:
    """Bring the residents' visits in line with when they are away; said twice it changes nothing.

    What goes off is told as ``suspend`` tells it; of what is planned again the agencies hear in any case.
    """
    ahead = await session.scalars(_AHEAD, {"resident_ids": list(resident_ids)})
    await suspend(session, list(ahead), tells=tells)
    await _resume(session, resident_ids)


async def suspend(session: AsyncSession, visit_ids: Sequence[uuid.UUID], *, tells: bool = True) -> None:
    """Suspend those of the visits ahead to whose time their residents are away: their carers are free again.

    Carers and agencies are told, each once of all that is off for a resident; unless it ``tells``, only where somebody
    was to come.
    """
    if not (await session.scalars(_HOLD, {"visit_ids": list(visit_ids)})).all():
        return
    # Read anew: an absence may have ended while it was waited for.
    rows = list(await session.execute(_OFF, {"visit_ids": list(visit_ids), "moment": clock.now()}))
    if not rows:
        return
    off = await repository.become(session, [row.id for row in rows], "suspended")
    carers = await dismiss_carers(session, off, None)
    await emit_many(session, VisitSuspended, repository.FACTS, {"visit_ids": list(off)})
    for visits in _together(rows):
        told = [carer.account_id for visit in visits for carer in carers[visit.id]]
        if told or tells:
            told += await agency(session, visits[0])
            until = max(visit.away_until for visit in visits)
            await tell(session, VISITS_OFF, visits[0], told, f"off:{visits[0].version}", until=until)


async def require_home(session: AsyncSession, resident_id: uuid.UUID, at: datetime) -> None:
    """Raise ``ResidentAway`` if the resident is away then: nobody is sent."""
    until = await session.scalar(_HOME, {"resident_id": resident_id, "at": at, "moment": clock.now()})
    if until is not None:
        raise ResidentAway(until=until.isoformat())


async def _resume(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> None:
    """Plan the suspended visits again to whose time the residents are at home; the agencies are told.

    One whose time has come has its deadlines all the same: somebody came, or it is late and then missed.
    """
    rows = list(await session.execute(_ON, {"resident_ids": list(resident_ids), "moment": clock.now()}))
    if not rows:
        return
    for row in rows:
        await repository.become(
            session,
            [row.id],
            "planned",
            staff_by=rules.staff_by(row.starts_at),
            late_at=rules.late_at(row.starts_at),
            miss_at=rules.missed_at(row.starts_at, is_critical=row.is_critical),
        )
    await emit_many(session, VisitResumed, repository.FACTS, {"visit_ids": [row.id for row in rows]})
    for visits in _together(rows):
        await tell(session, VISITS_ON, visits[0], await agency(session, visits[0]), f"on:{visits[0].version}")


def _together(rows: Iterable[sa.Row[Any]]) -> list[list[sa.Row[Any]]]:
    """Return the visits of each resident by each agency, the first to come first."""
    groups: defaultdict[tuple[uuid.UUID, uuid.UUID], list[sa.Row[Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.starts_at):
        groups[row.resident_id, row.organization_id].append(row)
    return list(groups.values())
