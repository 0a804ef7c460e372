"""What happens when a moment passes: nobody has arrived, nobody came, somebody has not left."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit_many
from eldercare.events import VisitMissed, VisitOverran
from eldercare.visits import repository, rules
from eldercare.visits.models import VISITS
from eldercare.visits.notices import CHECK_OUT_DUE, CHECK_OUT_OVERDUE, VISIT_LATE, VISIT_MISSED, VISIT_UNCOVERED
from eldercare.visits.service import alarming, suspending
from eldercare.visits.service.telling import Telling, agencies, tell_all

_CALLED: Final = 2
"""The step at which a carer is no longer asked, but called."""
_IDS = sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))
_NOW = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_TOUCHED: dict[str, Any] = {"updated_at": _NOW, "version": VISITS.c.version + 1}

_LATE = sa.update(VISITS).where(VISITS.c.id == sa.any_(_IDS)).values(late_at=None, **_TOUCHED).returning(*VISITS.c)
_STAFFED_BY = VISITS.c.starts_at - VISITS.c.staffed_before
_UNSTAFFED = (
    sa.update(VISITS)
    .where(VISITS.c.id == sa.any_(_IDS))
    # What was brought forward, as a carer cannot come, is asked for again in its usual time.
    .values(staff_by=sa.case((sa.and_(repository.IS_TO_BE_REPLACED, _STAFFED_BY > _NOW), _STAFFED_BY)), **_TOUCHED)
    .returning(*VISITS.c, repository.IS_TO_BE_REPLACED.label("is_to_be_replaced"))
)
_CHOSEN = sa.select(VISITS).where(VISITS.c.id == sa.any_(_IDS)).order_by(VISITS.c.id)
_OVERDUE = (
    sa.update(VISITS)
    .where(VISITS.c.id == sa.any_(_IDS), VISITS.c.state == sa.literal("in_progress", sa.Text))
    .values(
        overdue_at=_NOW
        + sa.case(
            (VISITS.c.overdue_step == 0, VISITS.c.check_out_after),
            else_=sa.literal(rules.CHECK_OUT_AGAIN, sa.Interval),
        ),
        overdue_step=VISITS.c.overdue_step + 1,
        **_TOUCHED,
    )
    .returning(*VISITS.c)
)


async def unstaffed(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell the agencies of visits that come near and have no carers, or one of two; the desk where time matters.

    So it is with one whose carer cannot come, as another agency said, while nobody decided who goes instead.
    """
    await suspending.suspend(session, ids)
    rows = list(await session.execute(_UNSTAFFED, {"visit_ids": list(ids), "moment": clock.now()}))
    visits = [row for row in rows if row.state == "planned" or (row.state in rules.AHEAD and row.is_to_be_replaced)]
    told = await agencies(session, visits, {visit.id for visit in visits if visit.is_critical})
    occasions = {visit.id: f"unstaffed:{visit.starts_at.isoformat()}:{visit.version}" for visit in visits}
    await tell_all(session, VISIT_UNCOVERED, [Telling(one.id, told[one.id], occasions[one.id]) for one in visits])


async def late(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Raise an alarm for everyone to whom nobody has come yet, and tell the agencies.

    Where one of two has come somebody is with the resident: of who is missing the agency hears, and the desk where time
    matters.
    """
    await suspending.suspend(session, ids)
    found = list(await session.execute(_LATE, {"visit_ids": list(ids), "moment": clock.now()}))
    visits = [visit for visit in found if visit.state in rules.AHEAD]
    short = [visit for visit in found if visit.state == "in_progress"]
    await alarming.nobody_yet(session, visits)
    told = await agencies(session, [*visits, *short], {visit.id for visit in short if visit.is_critical})
    await tell_all(
        session, VISIT_LATE, [Telling(one.id, told[one.id], f"late:{one.starts_at.isoformat()}") for one in visits]
    )
    await tell_all(session, VISIT_UNCOVERED, [Telling(one.id, told[one.id], f"missing:{one.version}") for one in short])


async def miss(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Raise an alarm for everyone to whom nobody came and who is not away, and tell the agencies."""
    await suspending.suspend(session, ids)
    missed = await repository.become(session, ids, "missed", closed_at=clock.now())
    if not missed:
        return
    binds = {"visit_ids": list(missed)}
    visits = list(await session.execute(_CHOSEN, binds))
    await emit_many(session, VisitMissed, repository.FACTS, binds)
    await alarming.nobody_came(session, visits)
    told = await agencies(session, visits)
    await tell_all(
        session, VISIT_MISSED, [Telling(one.id, told[one.id], f"missed:{one.starts_at.isoformat()}") for one in visits]
    )


async def overdue(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Look after carers who should have left: ask them first, then raise an alarm, and have them called till then.

    Of a visit that goes on with nobody there, the agency and the desk hear until somebody takes over or closes it.
    """
    rows = list(await session.execute(_OVERDUE, {"visit_ids": list(ids), "moment": clock.now()}))
    carers = await repository.carers_of(session, [visit.id for visit in rows])
    there = {visit.id: [one for one in carers[visit.id] if one.state == "present"] for visit in rows}
    await alarming.still_there(session, [one for one in rows if one.overdue_step == _CALLED and there[one.id]])
    asked = [visit for visit in rows if there[visit.id] and visit.overdue_step == 1]
    called = [visit for visit in rows if visit not in asked]
    await emit_many(session, VisitOverran, repository.FACTS_OF_AGENCY, {"visit_ids": [visit.id for visit in asked]})
    told = await agencies(session, called, {visit.id for visit in called})
    await tell_all(
        session,
        CHECK_OUT_DUE,
        [Telling(one.id, [who.account_id for who in there[one.id]], f"due:{one.overdue_at}") for one in asked],
    )
    await tell_all(
        session,
        CHECK_OUT_OVERDUE,
        [
            Telling(one.id, told[one.id], f"overdue:{who.id}:{one.overdue_step}", {"carer": who.account_id})
            for one in called
            for who in there[one.id]
        ],
    )
    uncovered = [one for one in called if not there[one.id]]
    occasions = {one.id: f"uncovered:{one.overdue_step}:{one.overdue_at}" for one in uncovered}
    await tell_all(session, VISIT_UNCOVERED, [Telling(one.id, told[one.id], occasions[one.id]) for one in uncovered])
