"""Carers who cannot come: from when until when, and that nobody waits for them meanwhile."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import NotFound
from eldercare.carer_absences.models import CarerAbsence
from eldercare.carer_absences.repository import lock_carers
from eldercare.carer_absences.schemas import LONGEST_ABSENCE, CarerAbsenceCreate
from eldercare.events import CarerAbsenceChanged
from eldercare.visits import repository, rules
from eldercare.visits.models import CARERS, VISITS
from eldercare.visits.service import replacing, staffing
from eldercare.visits.service.rosters import require_carers

LONGEST: Final = LONGEST_ABSENCE
_SOON: Final = timedelta(hours=24)
"""What is left without anybody and begins within a day is told at once; what is later is told in its time."""

_INSTANT = sa.DateTime(timezone=True)
_given = (
    sa.func.unnest(
        sa.bindparam("account_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("begins", type_=ARRAY(_INSTANT)),
        sa.bindparam("ends", type_=ARRAY(_INSTANT)),
    )
    .table_valued(sa.column("account_id", sa.Uuid), sa.column("begins", _INSTANT), sa.column("ends", _INSTANT))
    .render_derived("given")
)
_LEFT_BY = (
    sa.select(VISITS.c.id, VISITS.c.organization_id, CARERS.c.account_id, CARERS.c.id.label("carer_id"))
    .select_from(
        _given.join(CARERS, CARERS.c.account_id == _given.c.account_id).join(VISITS, VISITS.c.id == CARERS.c.visit_id)
    )
    .where(
        VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.AHEAD]),
        CARERS.c.state.in_([sa.literal(state, sa.Text) for state in ("assigned", "en_route")]),
        CARERS.c.starts_at < _given.c.ends,
        # No visit is as long: the carer's own index is not gone through from the beginning.
        CARERS.c.starts_at > _given.c.begins - sa.literal(2 * rules.LONGEST, sa.Interval),
        VISITS.c.ends_at > _given.c.begins,
    )
    .distinct()
    .order_by(VISITS.c.id, CARERS.c.account_id)
)


async def add(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: CarerAbsenceCreate
) -> CarerAbsence:
    """Write down that a carer cannot come, take them off the agency's visits in that time, and return it.

    Raises ``NotACarer``.
    """
    await require_carers(session, organization_id, [data.account_id])
    absence = CarerAbsence(
        community_id=actor.community_id, organization_id=organization_id, created_by=actor.id, **data.model_dump()
    )
    session.add(absence)
    await session.flush()
    await _enforce(session, actor, [absence])
    await audit.record(session, actor, "carer_absence:add", object_id=absence.id)
    return absence


async def propose(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    account_ids: Sequence[uuid.UUID],
    span: tuple[datetime, datetime],
    route_plan_id: uuid.UUID,
) -> None:
    """Keep with a proposal who cannot come; it counts once the proposal is accepted. Raises ``NotACarer``."""
    if not account_ids or span[0] >= span[1]:
        return
    await require_carers(session, organization_id, account_ids)
    session.add_all(
        CarerAbsence(
            community_id=actor.community_id,
            organization_id=organization_id,
            account_id=account_id,
            state="proposed",
            starts_at=span[0],
            ends_at=span[1],
            route_plan_id=route_plan_id,
            created_by=actor.id,
        )
        for account_id in account_ids
    )
    await session.flush()


async def hold(
    session: AsyncSession, route_plan_id: uuid.UUID, visit_ids: Collection[uuid.UUID], sent: Collection[uuid.UUID]
) -> tuple[dict[uuid.UUID, sa.Row[Any]], list[CarerAbsence]]:
    """Lock what carrying out a proposal touches, once and in one order; return ``visit_ids`` and who cannot come.

    That is its visits and those of its absent carers; then these, whoever is ``sent``, and who makes its visits so far.
    """
    absences = list(
        await session.scalars(
            sa.select(CarerAbsence)
            .where(col(CarerAbsence.route_plan_id) == route_plan_id, col(CarerAbsence.state) == "proposed")
            .order_by(col(CarerAbsence.id))
            .with_for_update()
        )
    )
    left = [row.id for row in await session.execute(_LEFT_BY, _binds(absences))] if absences else []
    visits = await repository.lock_visits(session, {*visit_ids, *left})
    going = await repository.carers_of(session, visit_ids)
    making = {carer.account_id for carers in going.values() for carer in carers}
    await lock_carers(session, {one.account_id for one in absences}, {*sent, *making})
    return {visit_id: visit for visit_id, visit in visits.items() if visit_id in visit_ids}, absences


async def confirm(session: AsyncSession, actor: Actor, absences: Sequence[CarerAbsence]) -> None:
    """Let the absences of a proposal count, and take those carers off whatever they were to do meanwhile."""
    for absence in absences:
        absence.state = "in_force"
    await session.flush()
    await _enforce(session, actor, absences)


async def remove(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, absence_id: uuid.UUID) -> None:
    """Let a carer be sent again from now on; whom they were taken from stays with others. Raises ``NotFound``.

    Other agencies need not decide any more who goes instead of them.
    """
    absence = await session.get(CarerAbsence, absence_id, with_for_update=True)
    now = clock.now()
    if (
        absence is None
        or absence.organization_id != organization_id
        or absence.state != "in_force"
        or absence.ends_at <= now
    ):
        raise NotFound
    if absence.starts_at < now:
        absence.ends_at = now
    else:
        absence.state = "withdrawn"
    await session.flush()
    await _tell(session, absence)
    await replacing.withdraw(session, absence.account_id)
    await audit.record(session, actor, "carer_absence:remove", object_id=absence.id)


async def _tell(session: AsyncSession, absence: CarerAbsence) -> None:
    await emit(
        session,
        CarerAbsenceChanged(
            aggregate_id=absence.id,
            community_id=absence.community_id,
            organization_id=absence.organization_id,
            account_id=absence.account_id,
        ),
    )


async def _enforce(session: AsyncSession, actor: Actor, absences: Sequence[CarerAbsence]) -> None:
    """Take absent carers off what lies ahead of them; what is under way is theirs to leave.

    Another agency's visits stay with them until that agency decides who goes instead: it is told. Visits are locked
    before carers, as whoever assigns does; then it is looked whether they were sent somewhere meanwhile: from there on
    nobody sends them.
    """
    if not absences:
        return
    for absence in absences:
        await _tell(session, absence)
    binds = _binds(absences)
    await repository.lock_visits(session, [row.id for row in await session.execute(_LEFT_BY, binds)])
    await lock_carers(session, {one.account_id for one in absences})
    left = list(await session.execute(_LEFT_BY, binds))
    visits = await repository.lock_visits(session, {row.id for row in left})
    soon = clock.now() + _SOON
    for row in left:
        visit = visits[row.id]
        if row.organization_id == absences[0].organization_id:
            await staffing.take_off(session, actor.id, visit, row.account_id, is_sudden=visit.starts_at < soon)
    elsewhere = [row for row in left if row.organization_id != absences[0].organization_id]
    await replacing.ask(session, [(visits[row.id], row.carer_id, row.account_id) for row in elsewhere])


def _binds(absences: Sequence[CarerAbsence]) -> dict[str, Any]:
    return {
        "account_ids": [one.account_id for one in absences],
        "begins": [one.starts_at for one in absences],
        "ends": [one.ends_at for one in absences],
    }
