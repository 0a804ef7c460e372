"""Visits while a resident is away: off, neither late nor missed."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit_many
from eldercare.absences.problems import ResidentAway
from eldercare.absences.repository import away_until, hold
from eldercare.events import VisitSuspended
from eldercare.visits import repository, rules
from eldercare.visits.models import VISITS
from eldercare.visits.notices import VISITS_OFF
from eldercare.visits.service.cancelling import dismiss_carers
from eldercare.visits.service.telling import Telling, agencies, tell_all

_NOW = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_IS_AHEAD = VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.AHEAD])
_away_until = away_until(VISITS.c.resident_id, VISITS.c.starts_at, _NOW)

_HOLD = hold(VISITS, VISITS.c.starts_at).where(
    VISITS.c.id == sa.any_(sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))), _IS_AHEAD
)
_OFF = (
    sa.select(VISITS, _away_until.label("away_until"))
    .where(VISITS.c.id == sa.any_(sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))), _IS_AHEAD, _away_until.is_not(None))
    .order_by(VISITS.c.id)
    .with_for_update(key_share=True, of=VISITS)
)
_HOME = sa.select(
    away_until(sa.bindparam("resident_id", type_=sa.Uuid), sa.bindparam("at", type_=sa.DateTime(timezone=True)), _NOW)
)


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
    carers = await dismiss_carers(session, off, None, "suspended")
    await emit_many(session, VisitSuspended, repository.FACTS, {"visit_ids": list(off)})
    groups = [group for group in together(rows) if tells or any(carers[visit.id] for visit in group)]
    told = await agencies(session, [group[0] for group in groups])
    tellings = [
        Telling(
            group[0].id,
            [*(carer.account_id for visit in group for carer in carers[visit.id]), *told[group[0].id]],
            f"off:{group[0].version}",
            {"until": max(visit.away_until for visit in group)},
        )
        for group in groups
    ]
    await tell_all(session, VISITS_OFF, tellings)


async def require_home(session: AsyncSession, resident_id: uuid.UUID, at: datetime) -> None:
    """Raise ``ResidentAway`` if the resident is away then: nobody is sent."""
    until = await session.scalar(_HOME, {"resident_id": resident_id, "at": at, "moment": clock.now()})
    if until is not None:
        raise ResidentAway(until=until.isoformat())


def together(rows: Iterable[sa.Row[Any]]) -> list[list[sa.Row[Any]]]:
    """Return the visits of each resident by each agency, the first to come first."""
    groups: defaultdict[tuple[uuid.UUID, uuid.UUID], list[sa.Row[Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.starts_at):
        groups[row.resident_id, row.organization_id].append(row)
    return list(groups.values())
