"""Planning a whole day: read visits and orders, ask the planner, keep what it proposes, carry it out as one."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.problems import NotFound
from app.dispatch import api as dispatch
from app.dispatch.api import Assignment, Plan, Worker
from app.policies.journeys.day_plans import rules
from app.policies.journeys.day_plans.models import STOPS, DayPlan
from app.policies.journeys.day_plans.problems import DayPlanAccepted, DayPlanStale
from app.policies.journeys.day_plans.rules import Item
from app.policies.journeys.day_plans.schemas import DayPlanCreate
from community import api as community
from eldercare import api as eldercare

_STOPS: Final = (
    sa.select(STOPS)
    .where(STOPS.c.day_plan_id == sa.bindparam("day_plan_id", type_=sa.Uuid), STOPS.c.account_id.is_not(None))
    # Whoever carries out two plans at once takes the calendars in one order. What is moved makes room for what is
    # before it: who is held up comes later.
    .order_by(STOPS.c.account_id, STOPS.c.starts_at.desc(), STOPS.c.id)
)


@dataclass(frozen=True, slots=True)
class Day:
    """What there is to plan, and everyone who could go; ``is_planned_anew``: they are busy with none of it."""

    items: list[Item]
    workers: list[Worker]
    is_planned_anew: bool


async def propose(actor: Actor, organization_id: uuid.UUID, data: DayPlanCreate) -> uuid.UUID:
    """Plan a day's visits and orders and return the proposal's id; nothing is changed by it.

    Planned is what nobody goes to yet; or, where somebody is held up, what they cannot be in time for any more. The
    planner works between two transactions: it may take seconds.
    """
    is_held_up = data.cause == "held_up"
    async with reading() as connection:
        found = await read(connection, actor, organization_id, data.day, without_own=is_held_up)
    plan = await (replanned(found) if is_held_up else _planned(found))
    async with unit_of_work() as session:
        kept = DayPlan(
            community_id=actor.community_id,
            organization_id=organization_id,
            day=data.day,
            cause=data.cause,
            created_by=actor.id,
        )
        session.add(kept)
        await keep(session, actor, kept, found, plan)
        return kept.id


async def read(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, day: date, *, without_own: bool
) -> Day:
    """Return what there is of a day; ``without_own``: to be planned anew, whoever goes already."""
    asked = (connection, actor, organization_id, day)
    visits, carers = await eldercare.visits_to_plan(*asked, without_own=without_own)
    orders, helpers = await community.orders_to_plan(*asked, without_own=without_own)
    items = [*(_item("visit", one) for one in visits), *(_item("order", one) for one in orders)]
    workers = rules.together(carers, helpers)
    if without_own:  # each leaves out its own only, and knows the other's by the calendar
        workers = [rules.without(worker, items) for worker in workers]
    return Day(items, workers, is_planned_anew=without_own)


def _item(kind: rules.Kind, one: Any) -> Item:
    names = ("id", "version", "resident_id", "starts_at", "ends_at", "is_ahead", "missing", "going", "asks")
    return Item(kind=kind, job=rules.marked(kind, one.job), **{name: getattr(one, name) for name in names})


async def _planned(found: Day) -> Plan:
    jobs = [one.open_job() for one in found.items if one.is_ahead and one.missing > 0]
    return await asyncio.to_thread(dispatch.plan, jobs, found.workers)


async def replanned(found: Day) -> Plan:
    """Return the smallest change after which everybody is in time again, whoever is held up."""
    now = clock.now()
    current = [Assignment(one.id, one.starts_at, one.ends_at, one.going) for one in found.items if one.going]
    under_way = {one.id for one in found.items if not one.is_ahead}
    overruns = {
        one.id: now + rules.GOES_ON for one in found.items if one.going and not one.is_ahead and one.ends_at <= now
    }
    jobs = [one.whole_job() for one in found.items]
    return await asyncio.to_thread(
        dispatch.replan, current, jobs, found.workers, overruns=overruns, in_progress=under_way
    )


async def keep(session: AsyncSession, actor: Actor, kept: DayPlan, found: Day, plan: Plan) -> None:
    """Keep what the planner proposes, with each visit and order as it was planned."""
    kept.travel = plan.travel
    await session.flush()
    items = {one.id: one for one in found.items}
    rows: list[dict[str, Any]] = []
    for assignment in plan.assignments:
        item = items[assignment.job_id]
        gone = [one for one in item.going if one not in assignment.workers] if found.is_planned_anew else []
        new = [one for one in assignment.workers if one not in item.going]
        # Who goes already, at another time, is the one whose time is changed.
        moved = [] if assignment.starts_at == item.starts_at or new else list(assignment.workers[:1])
        for place, account_id in enumerate([*new, *moved]):
            who = {"account_id": account_id, "replaces": gone[place] if place < len(gone) else None}
            rows.append(_stop(kept, item, assignment.starts_at, {**who, "reason": None, "skills": []}))
    for left in plan.unassigned:
        item = items[left.job_id]
        why = {"account_id": None, "replaces": None, "reason": left.reason, "skills": rules.unmarked(left.skills)}
        rows.append(_stop(kept, item, item.starts_at, why))
    if rows:
        await session.execute(sa.insert(STOPS), rows)
    await audit.record(session, actor, "day_plan:propose", object_id=kept.id)


def _stop(plan: DayPlan, item: Item, starts_at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    now = clock.now()
    return {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "day_plan_id": plan.id,
        "kind": item.kind,
        "item_id": item.id,
        "item_version": item.version,
        "resident_id": item.resident_id,
        "planned_at": item.starts_at,
        "starts_at": starts_at,
        "ends_at": starts_at + (item.ends_at - item.starts_at),
        **values,
    }


async def accept(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, day_plan_id: uuid.UUID) -> None:
    """Carry out a plan, all of it or nothing: calendars are booked, everybody concerned is told.

    Raises ``NotFound``, ``DayPlanAccepted``, ``DayPlanStale`` naming what changed, and what either domain refuses
    somebody for: ``CalendarTaken`` for who is somewhere else by now, ``CarerAbsent`` for who cannot come.
    """
    plan = await session.get(DayPlan, day_plan_id, with_for_update={"key_share": True}, populate_existing=True)
    if plan is None or plan.organization_id != organization_id:
        raise NotFound
    if plan.state != "proposed":
        raise DayPlanAccepted(plan_state=plan.state)
    stops = list(await session.execute(_STOPS, {"day_plan_id": plan.id}))
    visits = [stop for stop in stops if stop.kind == "visit"]
    orders = [stop for stop in stops if stop.kind == "order"]
    held = await eldercare.hold_visits(
        session, organization_id, _versions(visits), {stop.account_id for stop in visits}
    )
    changed = await community.hold_orders(session, organization_id, _versions(orders))
    if held.changed or changed or any(stop.starts_at <= clock.now() for stop in stops):
        raise DayPlanStale(visit_ids=sorted(map(str, held.changed)), order_ids=sorted(map(str, changed)))
    # Hours for orders are not asked of who is there for visits: that they can come at all is.
    await eldercare.require_present(session, [(stop.account_id, stop.starts_at, stop.ends_at) for stop in orders])
    for stop in stops:
        if stop.kind == "order":
            await community.send_to_order(session, actor, stop.item_id, stop.account_id, stop.starts_at)
        else:
            span = (stop.starts_at, stop.ends_at)
            await eldercare.send_to_visit(session, actor, stop.item_id, stop.account_id, span, stop.replaces)
    await eldercare.settle_visits(session, {stop.item_id for stop in visits})
    plan.state, plan.accepted_at, plan.accepted_by = "accepted", clock.now(), actor.id
    await session.flush()
    await audit.record(session, actor, "day_plan:accept", object_id=plan.id)


def _versions(stops: Sequence[sa.Row[Any]]) -> dict[uuid.UUID, int]:
    return {stop.item_id: stop.item_version for stop in stops}
