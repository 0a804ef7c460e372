"""What happens when a moment passes: nobody has arrived, nobody came, somebody has not left."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit_many
from eldercare.events import VisitMissed
from eldercare.visits import repository, rules
from eldercare.visits.models import VISITS
from eldercare.visits.notices import CHECK_OUT_DUE, CHECK_OUT_OVERDUE, VISIT_LATE, VISIT_MISSED, VISIT_UNCOVERED
from eldercare.visits.service import alarming, suspending
from eldercare.visits.service.telling import agency, tell

_CALLED: Final = 2
"""The step at which a carer is no longer asked, but called."""
_IDS = sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))
_NOW = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_TOUCHED: dict[str, Any] = {"updated_at": _NOW, "version": VISITS.c.version + 1}

_LATE = sa.update(VISITS).where(VISITS.c.id == sa.any_(_IDS)).values(late_at=None, **_TOUCHED).returning(*VISITS.c)
_UNSTAFFED = (
    sa.update(VISITS).where(VISITS.c.id == sa.any_(_IDS)).values(staff_by=None, **_TOUCHED).returning(*VISITS.c)
)
_CHOSEN = sa.select(VISITS).where(VISITS.c.id == sa.any_(_IDS)).order_by(VISITS.c.id)
_OVERDUE = (
    sa.update(VISITS)
    .where(VISITS.c.id == sa.any_(_IDS), VISITS.c.state == sa.literal("in_progress", sa.Text))
    .values(
        overdue_at=_NOW
        + sa.case(
            (VISITS.c.overdue_step == 0, sa.literal(rules.CHECK_OUT_AFTER, sa.Interval)),
            else_=sa.literal(rules.CHECK_OUT_AGAIN, sa.Interval),
        ),
        overdue_step=VISITS.c.overdue_step + 1,
        **_TOUCHED,
    )
    .returning(*VISITS.c)
)


async def unstaffed(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell the agencies of visits that come near and have no carers, or one of two; the desk where time matters."""
    await suspending.suspend(session, ids)
    for visit in await session.execute(_UNSTAFFED, {"visit_ids": list(ids), "moment": clock.now()}):
        if visit.state == "planned":
            occasion = f"unstaffed:{visit.starts_at.isoformat()}:{visit.version}"
            told = await agency(session, visit, with_desk=visit.is_critical)
            await tell(session, VISIT_UNCOVERED, visit, told, occasion)


async def late(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Raise an alarm for everyone to whom nobody has come yet, and tell the agencies.

    Where one of two has come somebody is with the resident: of who is missing the agency hears, and the desk where time
    matters.
    """
    await suspending.suspend(session, ids)
    found = list(await session.execute(_LATE, {"visit_ids": list(ids), "moment": clock.now()}))
    visits = [visit for visit in found if visit.state in rules.AHEAD]
    await alarming.nobody_yet(session, visits)
    for visit in visits:
        await tell(session, VISIT_LATE, visit, await agency(session, visit), f"late:{visit.starts_at.isoformat()}")
    for visit in found:
        if visit.state == "in_progress":
            told = await agency(session, visit, with_desk=visit.is_critical)
            await tell(session, VISIT_UNCOVERED, visit, told, f"missing:{visit.version}")


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
    for visit in visits:
        told = await agency(session, visit)
        await tell(session, VISIT_MISSED, visit, told, f"missed:{visit.starts_at.isoformat()}")


async def overdue(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Look after carers who should have left: ask them first, then raise an alarm, and have them called till then.

    Of a visit that goes on with nobody there, the agency and the desk hear until somebody takes over or closes it.
    """
    rows = list(await session.execute(_OVERDUE, {"visit_ids": list(ids), "moment": clock.now()}))
    carers = await repository.carers_of(session, [visit.id for visit in rows])
    there_still = [visit for visit in rows if visit.overdue_step == _CALLED and _present(carers[visit.id])]
    await alarming.still_there(session, there_still)
    for visit in rows:
        there = _present(carers[visit.id])
        step = visit.overdue_step
        if there and step == 1:
            await tell(session, CHECK_OUT_DUE, visit, [carer.account_id for carer in there], f"due:{visit.overdue_at}")
            continue
        told = await agency(session, visit, with_desk=True)
        for carer in there:
            occasion = f"overdue:{carer.id}:{step}"
            await tell(session, CHECK_OUT_OVERDUE, visit, told, occasion, carer=carer.account_id)
        if not there:
            await tell(session, VISIT_UNCOVERED, visit, told, f"uncovered:{step}:{visit.overdue_at}")


def _present(carers: Sequence[sa.Row[Any]]) -> list[sa.Row[Any]]:
    return [carer for carer in carers if carer.state == "present"]
