"""Somebody is held up: what they would be late for is planned anew, and changed at once if nobody has to be asked."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, failures, stopping
from app.core.access import system_actor
from app.core.database import reading, unit_of_work
from app.core.due import Due
from app.core.leases import Held, Lease
from app.core.problems import Conflict
from app.core.retrying import retrying
from app.core.wall_time import zone
from app.dispatch.api import Plan
from app.identity.api import community, members_of
from app.policies.journeys.day_plans import notices, service
from app.policies.journeys.day_plans.models import PLANS, DayPlan
from app.policies.journeys.day_plans.service import Day
from community.events import OrderOverran
from eldercare.events import VisitOverran
from notifications.api import Notice, Value, send

LEASE: Final = Lease(Due("policies.plan_anew", DayPlan, "plan_at"), timedelta(minutes=2))
_LONG_OVER: Final = timedelta(days=1)
"""A local day may end half a day after the same day of UTC."""

log = structlog.get_logger(__name__)


async def follow(session: AsyncSession, events: Sequence[OrderOverran | VisitOverran]) -> None:
    """Have the days planned anew of organizations whose people are held up."""
    now = clock.now()
    connection = await session.connection()
    for organization_id, community_id in sorted({(event.organization_id, event.community_id) for event in events}):
        place = await community(connection, community_id)
        values = {
            "id": clock.new_id(),
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "community_id": community_id,
            "organization_id": organization_id,
            "day": now.astimezone(zone(place.time_zone)).date(),
            "state": "wanted",
            "cause": "held_up",
            "travel": timedelta(),
            "plan_at": now,
            "fence": 0,
        }
        wanted = insert(PLANS).values(values)
        # Whoever plans already does not know of this yet, and what could not be planned may be of another day by now.
        await session.execute(
            wanted.on_conflict_do_update(
                index_elements=["organization_id"],
                index_where=sa.text("state = 'wanted'"),
                set_={
                    "day": wanted.excluded.day,
                    "plan_at": now,
                    "lease_until": None,
                    "fence": PLANS.c.fence + 1,
                    "updated_at": now,
                    "version": PLANS.c.version + 1,
                },
            )
        )


async def run() -> int:
    """Plan what is wanted and return how much that was; asked to stop, it takes up nothing further."""
    total = 0
    while not stopping.requested():
        async with LEASE.holding(1) as held:
            if not held:
                break
            try:
                await _plan(held[0])
            except Exception as error:
                if failures.is_excused(error):
                    raise
                # One organization's oddity must not keep the others' days from being planned.
                log.error("day_not_planned", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
                await _put_off(held[0])
            total += 1
    return total


async def _put_off(held: Held) -> None:
    """Plan a day again that could not be planned, until it is over; its coordinators hear that they see to it."""
    async with unit_of_work() as session:
        if held.id not in await LEASE.finish(session, [held]):
            return
        kept = await session.get_one(DayPlan, held.id, populate_existing=True)
        now = clock.now()
        if kept.day < now.date() - _LONG_OVER:
            await session.delete(kept)
            return
        kept.plan_at = now + failures.backoff(kept.fence)
        await _tell(session, kept, notices.NOT_PLANNED)


async def _plan(held: Held) -> None:
    async with reading() as connection:
        row = (await connection.execute(sa.select(PLANS).where(PLANS.c.id == held.id))).one()
        actor = system_actor(row.community_id)
        found = await service.read(connection, actor, row.organization_id, row.day, without_own=True)
    plan = await service.replanned(found)
    async with unit_of_work() as session:
        if held.id not in await LEASE.finish(session, [held]):
            return
        kept = await session.get_one(DayPlan, held.id, populate_existing=True)
        if not plan.assignments and not plan.unassigned:  # everybody is in time all the same
            await session.delete(kept)
            return
        kept.state, kept.plan_at = "proposed", None
        await service.keep(session, actor, kept, found, plan)
        changes = {"changed": len(plan.assignments), "open": len(plan.unassigned)}
        await _tell(session, kept, notices.HELD_UP, changes)
    if _is_settled(found, plan):
        await _carry_out(row.community_id, row.organization_id, held.id)


def _is_settled(found: Day, plan: Plan) -> bool:
    """Say whether nobody has to be asked, and somebody was found for all of it."""
    asks = {one.id for one in found.items if one.asks}
    return not plan.unassigned and not any(one.job_id in asks for one in plan.assignments)


async def _carry_out(community_id: uuid.UUID, organization_id: uuid.UUID, day_plan_id: uuid.UUID) -> None:
    async def attempt() -> None:
        async with unit_of_work() as session:
            await service.accept(session, system_actor(community_id), organization_id, day_plan_id)

    try:
        await retrying(attempt)
    except Conflict as refusal:  # something changed meanwhile: the proposal is there for people to look at
        log.info("day_plan_not_carried_out", code=refusal.code)


async def _tell(
    session: AsyncSession, kept: DayPlan, notice: Notice, variables: Mapping[str, Value] = MappingProxyType({})
) -> None:
    connection = await session.connection()
    told = (await members_of(connection, [kept.organization_id], "coordinator"))[kept.organization_id]
    await send(
        session,
        notice,
        told,
        community_id=kept.community_id,
        dedupe_key=f"{notice.key}:{kept.id}",
        variables=variables,
        data={"day_plan_id": str(kept.id), "organization_id": str(kept.organization_id)},
    )
