"""Visits of residents who are back before the time: planned again, with those who were to come, if it can be."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit_many
from app.core.problems import Problem
from app.reservations import api as reservations
from app.reservations.api import CalendarTaken
from eldercare.absences.repository import away_until
from eldercare.carer_absences.problems import CarerAbsent
from eldercare.carer_absences.repository import lock_carers
from eldercare.events import VisitResumed
from eldercare.visits import repository, rules
from eldercare.visits.models import VISITS
from eldercare.visits.notices import VISITS_AGAIN, VISITS_NOT_AGAIN, VISITS_ON
from eldercare.visits.problems import AgencyDoesNotServe, AlreadyAssigned, CarerUnsuitable, NotACarer, VisitFull
from eldercare.visits.service import staffing
from eldercare.visits.service.suspending import suspend, together
from eldercare.visits.service.telling import Telling, agencies, tell_all
from eldercare.visits.service.workforce import KIND, obstacles

Reason = Literal["left", "no_agreement", "absent", "busy", "skill", "hours", "rest", "too_much", "travel"]
"""Why somebody does not go again: no carer of the agency, which no longer serves; cannot come; rules of the planner."""

_REFUSALS: Final[dict[type[Problem], Reason]] = {
    NotACarer: "left",
    AgencyDoesNotServe: "no_agreement",
    CarerAbsent: "absent",
    CalendarTaken: "busy",
}
_NOW = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_OF_RESIDENTS = VISITS.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)))
_AHEAD = sa.select(VISITS.c.id).where(
    _OF_RESIDENTS, VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.AHEAD])
)
_ON = (
    sa.select(VISITS)
    .where(
        _OF_RESIDENTS,
        VISITS.c.state == sa.literal("suspended", sa.Text),
        # Whoever is back just before its time is heard of a while after it.
        VISITS.c.starts_at > _NOW - sa.literal(rules.RESUMED_WITHIN, sa.Interval),
        away_until(VISITS.c.resident_id, VISITS.c.starts_at, _NOW).is_(None),
    )
    .order_by(VISITS.c.id)
    .with_for_update(key_share=True, of=VISITS)
)


@dataclass(frozen=True, slots=True)
class _Former:
    """Somebody who made a visit before it went off, and why they do not make it again (empty: they do)."""

    visit: sa.Row[Any]
    account_id: uuid.UUID
    why_not: Reason | None


async def follow_absences(session: AsyncSession, resident_ids: Collection[uuid.UUID], *, tells: bool = True) -> None:
    """Bring the residents' visits in line with when they are away; said twice it changes nothing.

    What goes off is told as ``suspend`` tells it; of what is planned again the agencies hear in any case.
    """
    ahead = await session.scalars(_AHEAD, {"resident_ids": list(resident_ids)})
    await suspend(session, list(ahead), tells=tells)
    await _resume(session, resident_ids)


async def _resume(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> None:
    """Plan the suspended visits again to whose time the residents are at home, and send whoever was to come before.

    One whose time has come has its deadlines all the same: somebody came, or it is late and then missed.
    """
    rows = list(await session.execute(_ON, {"resident_ids": list(resident_ids), "moment": clock.now()}))
    if not rows:
        return
    ids = [row.id for row in rows]
    starts_at = VISITS.c.starts_at
    await repository.become(
        session,
        ids,
        "planned",
        staff_by=starts_at - VISITS.c.staffed_before,
        late_at=starts_at + VISITS.c.late_after,
        miss_at=starts_at + VISITS.c.missed_after,
    )
    await emit_many(session, VisitResumed, repository.FACTS, {"visit_ids": ids})
    formers = await _send_again(session, await repository.lock_visits(session, ids))
    await staffing.settle(session, sorted({one.visit.id for one in formers if one.why_not is None}))
    await _tell(session, list((await repository.lock_visits(session, ids)).values()), formers)


async def _send_again(session: AsyncSession, visits: dict[uuid.UUID, sa.Row[Any]]) -> list[_Former]:
    """Assign the former carers of locked visits again, each if nothing speaks against it; return who they were.

    Carers are locked, and their calendars taken, in the order in which everybody does it.
    """
    now = clock.now()
    rows = [row for row in await repository.former_carers(session, visits) if visits[row.visit_id].ends_at > now]
    if not rows:
        return []
    await lock_carers(session, (), {row.account_id for row in rows})
    calendars = await reservations.resources_of(
        await session.connection(), KIND, sorted({row.account_id for row in rows})
    )
    rows.sort(key=lambda row: (calendars[row.account_id], visits[row.visit_id].starts_at, row.id))
    formers = []
    for row in rows:
        visit = visits[row.visit_id]
        try:
            # What was done for one of them is undone where a rule speaks against it.
            async with session.begin_nested():
                await session.connection()  # the savepoint is set by the first use of it, and hot statements go past
                await _assign(session, visit, row)
        except (AlreadyAssigned, VisitFull):
            continue
        except CarerUnsuitable as refused:
            formers.append(_Former(visit, row.account_id, refused.extensions["obstacles"][0]))
        except tuple(_REFUSALS) as refused:
            formers.append(_Former(visit, row.account_id, _REFUSALS[type(refused)]))
        else:
            formers.append(_Former(visit, row.account_id, None))
    return formers


async def _assign(session: AsyncSession, visit: sa.Row[Any], former: sa.Row[Any]) -> None:
    """Assign somebody again by the rules of ``staffing.assign``, despite what was set aside for them then."""
    by, account_id = former.assigned_by, former.account_id
    await staffing.check_carers(session, visit.organization_id, [visit.resident_id], [account_id])
    staffing.check_room(visit, (await repository.carers_of(session, [visit.id]))[visit.id], account_id)
    wanted = [(visit, account_id, *staffing.span_of(visit, clock.now()))]
    (reservation_id,) = await staffing.take_calendars(session, by, wanted)
    found = await obstacles(await session.connection(), visit, account_id)
    against = [one for one in found if one not in former.despite]
    if against:
        raise CarerUnsuitable(obstacles=against)
    await staffing.enlist(session, by, visit, account_id, reservation_id, despite=found, tells=False)


async def _tell(session: AsyncSession, visits: Sequence[sa.Row[Any]], formers: Sequence[_Former]) -> None:
    """Tell carers that they go again, and agencies of what needs somebody, and why whoever came before does not."""
    groups = together(visits)
    told = await agencies(session, [group[0] for group in groups])
    needing = {group[0].id: [one for one in group if one.state == "planned"] for group in groups}
    need, again, not_again = [], [], []
    for group in groups:
        first, of_group = group[0], {visit.id for visit in group}
        whom = told[first.id]
        if needing[first.id]:
            need.append(Telling(needing[first.id][0].id, whom, f"on:{first.version}"))
        else:
            again.append(Telling(first.id, whom, f"again:{first.version}", {"visits": len(group)}))
        of_carers: defaultdict[tuple[uuid.UUID, Reason | None], list[sa.Row[Any]]] = defaultdict(list)
        for one in sorted(formers, key=lambda one: one.visit.starts_at):
            if one.visit.id in of_group:
                of_carers[one.account_id, one.why_not].append(one.visit)
        for (account_id, why_not), theirs in of_carers.items():
            about: dict[str, Any] = {"visits": len(theirs)}
            occasion = f"again:{account_id}:{why_not}:{theirs[0].version}"
            if why_not is None:
                again.append(Telling(theirs[0].id, [account_id], occasion, about))
            else:
                about |= {"carer": account_id, "reason": why_not}
                not_again.append(Telling(theirs[0].id, whom, occasion, about))
    await tell_all(session, VISITS_ON, need)
    await tell_all(session, VISITS_AGAIN, again)
    await tell_all(session, VISITS_NOT_AGAIN, not_again)
