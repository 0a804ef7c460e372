"""Plans: agreed, changed as a new version, ended; and what a resident's move or leaving does to them."""

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.core.tables import table_of
from app.identity.api import ResidentSubject, not_to_be_called
from eldercare.absences.problems import ResidentClosed
from eldercare.alarms.service import Severity
from eldercare.check_ins import repository
from eldercare.check_ins.models import CheckInPlan, CheckInSchedule
from eldercare.check_ins.problems import ChannelNotSuitable, PlanEnded
from eldercare.check_ins.schemas import PlanWrite
from eldercare.check_ins.service import planning, telling

_plans = table_of(CheckInPlan)
_schedules = table_of(CheckInSchedule)

_residents = sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))
_ACTIVE = sa.select(_plans.c.id, _plans.c.resident_id).where(_plans.c.state == "active").order_by(_plans.c.id)
_LOCKED = _ACTIVE.with_for_update(of=_plans, key_share=True)
_OF_RESIDENTS = _LOCKED.where(_plans.c.resident_id == sa.any_(_residents))
_FOLLOWING = _OF_RESIDENTS.join(_schedules, _schedules.c.id == _plans.c.schedule_id).where(
    _schedules.c.time_zone.is_(None)
)
_HEEDING = _LOCKED.join(_schedules, _schedules.c.id == _plans.c.schedule_id).where(
    _plans.c.community_id == sa.any_(sa.bindparam("community_ids", type_=ARRAY(sa.Uuid))),
    _schedules.c.holidays != "ignore",
)
_CALLED = (
    sa.select(CheckInPlan)
    .join(CheckInSchedule, _schedules.c.id == _plans.c.schedule_id)
    .where(_plans.c.resident_id == sa.any_(_residents), _plans.c.state == "active", _schedules.c.channel == "voice")
    .order_by(_plans.c.id)
    .with_for_update(of=_plans)
)
_moment = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_CLOSE = (
    sa.update(_plans)
    .where(_plans.c.resident_id == sa.any_(_residents), _plans.c.state == "active")
    .values(state="ended", plan_at=None, ended_at=_moment, end_reason="closed", version=_plans.c.version + 1)
)
_REOPEN = (
    sa.update(_plans)
    .where(_plans.c.resident_id == sa.any_(_residents), _plans.c.end_reason == "closed")
    .values(
        state="active",
        planned_until=_moment,
        plan_at=_moment,
        ended_at=None,
        end_reason=None,
        version=_plans.c.version + 1,
    )
)


async def create_plan(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: PlanWrite) -> CheckInPlan:
    """Agree a plan and plan its first days; raises ``ResidentClosed``, ``ChannelNotSuitable`` or ``Malformed``."""
    if subject.state != "active":
        raise ResidentClosed
    await _check_channel(session, subject, data)
    await _check_told(session, subject.resident_id, data.told)
    now = clock.now()
    plan = CheckInPlan(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        schedule_id=clock.new_id(),
        plan_at=now,
    )
    session.add(plan)
    await session.flush()
    await _set_schedule(session, actor, plan, data, number=1)
    await planning.plan_ahead(session, [plan.id])
    await _record(session, actor, "check_in_plan:create", plan)
    return plan


async def change_plan(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    plan_id: uuid.UUID,
    data: PlanWrite,
    if_match: int | None,
) -> CheckInPlan:
    """Give a plan a new version from now on: what lies ahead is planned anew, what was asked stays as it was.

    Raises ``NotFound``, ``StaleVersion``, ``PlanEnded``, ``ChannelNotSuitable``, ``Malformed``.
    """
    plan = await _lock(session, subject.resident_id, plan_id)
    check_version(plan, if_match)
    if plan.state != "active":
        raise PlanEnded
    await _check_channel(session, subject, data)
    await _check_told(session, subject.resident_id, data.told)
    last = await session.scalar(sa.select(sa.func.max(_schedules.c.number)).where(_schedules.c.plan_id == plan_id))
    plan.schedule_id = clock.new_id()
    await _set_schedule(session, actor, plan, data, number=(last or 0) + 1)
    await planning.begin_anew(session, {plan.id: plan.resident_id})
    await planning.plan_ahead(session, [plan.id])
    await _record(session, actor, "check_in_plan:change", plan)
    return plan


async def end_plan(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, plan_id: uuid.UUID, if_match: int | None
) -> None:
    """End a plan; ending an ended one changes nothing. Raises ``NotFound``, ``StaleVersion``."""
    plan = await _lock(session, subject.resident_id, plan_id)
    if plan.state == "ended":
        return
    check_version(plan, if_match)
    plan.state, plan.plan_at, plan.end_reason = "ended", None, "ended"
    plan.ended_at, plan.ended_by = clock.now(), actor.id
    await session.flush()
    await planning.forget_unasked(session, {plan.id: plan.resident_id})
    await _record(session, actor, "check_in_plan:end", plan)


async def replan_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Plan anew, from the next check-in on, the plans that follow the zone their residents live in."""
    await _replan(session, _FOLLOWING, {"resident_ids": list(resident_ids)})


async def replan_communities(session: AsyncSession, community_ids: Sequence[uuid.UUID]) -> None:
    """Plan anew the plans that heed their community's calendar."""
    await _replan(session, _HEEDING, {"community_ids": list(community_ids)})


async def follow_needs(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Ask by app, or by text message where there is none, whom a plan would call although they cannot be called.

    The plan gets a new version from now on. Whom neither reaches could not be asked: that raises an alarm at the desk.
    """
    called = (await session.scalars(_CALLED, {"resident_ids": list(resident_ids)})).all()
    if not called:
        return
    deaf = await not_to_be_called(await session.connection(), {plan.account_id for plan in called})
    changed = [plan for plan in called if plan.account_id in deaf]
    for plan in changed:
        agreed = await session.get_one(CheckInSchedule, plan.schedule_id)
        plan.schedule_id = clock.new_id()
        actor = system_actor(plan.community_id)
        anew = {
            "id": plan.schedule_id,
            "number": agreed.number + 1,
            "valid_from": clock.now(),
            "created_by": actor.id,
            "channel": "app",
        }
        session.add(CheckInSchedule(**agreed.model_dump() | anew))
        await session.flush()
        await _record(session, actor, "check_in_plan:follow_needs", plan)
    if changed:
        await planning.begin_anew(session, {plan.id: plan.resident_id for plan in changed})


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """End all plans of residents who are no longer here; what is open is excused, what lies ahead forgotten."""
    if not resident_ids:
        return
    now = clock.now()
    found = {
        row.id: row.resident_id for row in await session.execute(_OF_RESIDENTS, {"resident_ids": list(resident_ids)})
    }
    await session.execute(_CLOSE, {"resident_ids": list(resident_ids), "moment": now})
    if found:
        await planning.forget_ahead(session, found)
        await repository.excuse_all(session, list(set(found.values())), "closed", now)


async def reopen_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Let the plans go on that were ended only because their residents were closed."""
    if resident_ids:
        await session.execute(_REOPEN, {"resident_ids": list(resident_ids), "moment": clock.now()})


async def _replan(session: AsyncSession, statement: sa.Select[Any], binds: dict[str, Any]) -> None:
    found = {row.id: row.resident_id for row in await session.execute(statement, binds)}
    if found:
        await planning.begin_anew(session, found)


async def _lock(session: AsyncSession, resident_id: uuid.UUID, plan_id: uuid.UUID) -> CheckInPlan:
    plan = await session.get(CheckInPlan, plan_id, with_for_update=True)
    if plan is None or plan.resident_id != resident_id:
        raise NotFound
    return plan


async def _set_schedule(
    session: AsyncSession, actor: Actor, plan: CheckInPlan, data: PlanWrite, *, number: int
) -> None:
    session.add(
        CheckInSchedule(
            id=plan.schedule_id,
            plan_id=plan.id,
            resident_id=plan.resident_id,
            number=number,
            valid_from=clock.now(),
            created_by=actor.id,
            channel=data.channel,
            times=data.wall_times(),
            weekdays=sorted(data.weekdays),
            rrule=data.rrule,
            starts_on=data.starts_on,
            ends_on=data.ends_on,
            holidays=data.holidays,
            time_zone=data.time_zone,
            answer_window=data.answer_window,
            reminders=sorted(data.reminders),
            questions=[question.model_dump() for question in data.questions],
            told=data.told,
            severity=Severity[data.severity.upper()],
            passive_before=data.passive_before,
            passive_wait=data.passive_wait,
        )
    )
    await session.flush()


async def _check_channel(session: AsyncSession, subject: ResidentSubject, data: PlanWrite) -> None:
    if data.channel == "voice" and await not_to_be_called(await session.connection(), [subject.account_id]):
        detail = "the resident cannot be called"
        raise ChannelNotSuitable(errors=[FieldError("/body/channel", detail, ChannelNotSuitable.code)])


async def _check_told(session: AsyncSession, resident_id: uuid.UUID, told: Sequence[uuid.UUID]) -> None:
    """Refuse to tell anybody whom the resident has not let into the circle."""
    if not told:
        return
    circle = await telling.circle_accounts(session, resident_id)
    errors = [
        FieldError(f"/body/told/{index}", "not a member of the care circle", "not_in_circle")
        for index, account_id in enumerate(told)
        if account_id not in circle
    ]
    if errors:
        raise Malformed(errors=errors)


async def _record(session: AsyncSession, actor: Actor, action: str, plan: CheckInPlan) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=plan.resident_id,
        object_id=plan.id,
        community_id=plan.community_id,
    )
