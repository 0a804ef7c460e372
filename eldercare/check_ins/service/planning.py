"""Planning: from what was agreed to rows that fall due, 48 hours ahead, each moment once."""

import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock, wakeups
from app.core.recurrence import Recurrence, occurrences
from app.core.tables import table_of
from app.identity.api import local_calendar, people
from eldercare.check_ins import rules
from eldercare.check_ins.models import CheckIn, CheckInPlan, CheckInSchedule
from eldercare.check_ins.service.silence import silent_among

CHANNEL: Final = "eldercare.check_in_plans"
"""The wake-up channel of plans and check-ins that may be due now."""

_plans = table_of(CheckInPlan)
_schedules = table_of(CheckInSchedule)
_check_ins = table_of(CheckIn)

_INSTANT = sa.DateTime(timezone=True)
_plan_ids = sa.bindparam("plan_ids", type_=ARRAY(sa.Uuid))
_now = sa.bindparam("moment", type_=_INSTANT)

_CHOSEN = (
    sa.select(
        _plans.c.id,
        _plans.c.community_id,
        _plans.c.resident_id,
        _plans.c.account_id,
        _plans.c.planned_until,
        _plans.c.schedule_id,
        *(
            _schedules.c[name]
            for name in (
                *("channel", "times", "weekdays", "rrule", "starts_on", "ends_on", "holidays", "time_zone"),
                *("passive_before", "passive_wait"),
            )
        ),
    )
    .join(_schedules, _schedules.c.id == _plans.c.schedule_id)
    .where(_plans.c.id == sa.any_(_plan_ids), _plans.c.state == "active")
)
_INSERT = insert(_check_ins).on_conflict_do_nothing()
_PLANNED = (
    sa.update(_plans)
    .where(_plans.c.id == sa.any_(_plan_ids), _plans.c.state == "active")
    .values(
        planned_until=sa.bindparam("horizon", type_=_INSTANT),
        plan_at=sa.bindparam("again", type_=_INSTANT),
        updated_at=_now,
    )
)
_FORGET = sa.delete(_check_ins).where(
    _check_ins.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
    _check_ins.c.plan_id == sa.any_(_plan_ids),
    _check_ins.c.state == "scheduled",
    _check_ins.c.due_at > _now,
)
_FORGET_UNASKED = sa.delete(_check_ins).where(
    _check_ins.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
    _check_ins.c.plan_id == sa.any_(_plan_ids),
    _check_ins.c.state == "scheduled",
    _check_ins.c.next_prompt_at > _now,
)
_BEGIN_ANEW = (
    sa.update(_plans)
    .where(_plans.c.id == sa.any_(_plan_ids), _plans.c.state == "active")
    .values(planned_until=_now, plan_at=_now, updated_at=_now)
)


async def plan_ahead(session: AsyncSession, plan_ids: Sequence[uuid.UUID]) -> None:
    """Write the check-ins of the plans up to the horizon; what exists already stays as it is."""
    now = clock.now()
    connection = await session.connection()
    plans = (await connection.execute(_CHOSEN, {"plan_ids": list(plan_ids)})).all()
    zones = await _zones(connection, plans)
    calendars = await _calendars(connection, plans, now)
    silent = await silent_among(session, {plan.resident_id for plan in plans if plan.passive_wait is not None})
    planned = [
        row
        for plan in plans
        for row in _check_ins_of(
            plan,
            zones[plan.id],
            calendars.get(plan.community_id, {}),
            now,
            is_home_silent=plan.resident_id in silent,
        )
    ]
    if planned:
        await connection.execute(_INSERT, planned)
    binds = {"moment": now, "horizon": now + rules.HORIZON, "again": now + rules.PLANNING_INTERVAL}
    await connection.execute(_PLANNED, {"plan_ids": list(plan_ids), **binds})
    wakeups.request(session, CHANNEL)


async def begin_anew(session: AsyncSession, plans: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Take back what is planned ahead for ``plans`` (id → resident) and make them due for planning from now on."""
    await forget_ahead(session, plans)
    await session.execute(_BEGIN_ANEW, {"plan_ids": list(plans), "moment": clock.now()})
    wakeups.request(session, CHANNEL)


async def forget_ahead(session: AsyncSession, plans: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Delete the check-ins of ``plans`` (id → resident) that lie ahead: nobody was asked, so nothing is lost."""
    residents = list(set(plans.values()))
    await session.execute(_FORGET, {"plan_ids": list(plans), "resident_ids": residents, "moment": clock.now()})


async def forget_unasked(session: AsyncSession, plans: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Delete the check-ins of ``plans`` (id → resident) of which nobody is asked yet, due or not: they are over."""
    residents = list(set(plans.values()))
    binds = {"plan_ids": list(plans), "resident_ids": residents, "moment": clock.now()}
    await session.execute(_FORGET_UNASKED, binds)


async def _zones(connection: AsyncConnection, plans: Iterable[sa.Row[Any]]) -> dict[uuid.UUID, str]:
    """Return each plan's zone: its own, or the one its resident lives in."""
    plans = list(plans)
    following = {plan.account_id for plan in plans if plan.time_zone is None}
    at_home = await people(connection, following) if following else {}
    return {plan.id: plan.time_zone or at_home[plan.account_id].time_zone for plan in plans}


async def _calendars(
    connection: AsyncConnection, plans: Iterable[sa.Row[Any]], now: datetime
) -> dict[uuid.UUID, dict[date, bool]]:
    """Return the holidays and make-up workdays of the communities whose plans heed them."""
    heeding = {plan.community_id for plan in plans if plan.holidays != "ignore"}
    first, last = (now - 2 * rules.HORIZON).date(), (now + 3 * rules.HORIZON).date()
    return {
        community_id: {day.day: day.is_workday for day in await local_calendar(connection, community_id, first, last)}
        for community_id in heeding
    }


def _check_ins_of(
    plan: sa.Row[Any], time_zone: str, calendar: Mapping[date, bool], now: datetime, *, is_home_silent: bool
) -> Iterable[dict[str, Any]]:
    recurrence = Recurrence(
        times=tuple(plan.times),
        weekdays=frozenset(plan.weekdays),
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
        rrule=plan.rrule,
        holidays=plan.holidays,
    )
    start, end = rules.planning_range(plan.planned_until, now)
    for occurrence in occurrences(recurrence, time_zone, start, end, calendar):
        since, until = rules.passive_window(occurrence.due_at, plan.passive_before, plan.passive_wait)
        yield {
            "id": clock.new_id(),
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "community_id": plan.community_id,
            "resident_id": plan.resident_id,
            "account_id": plan.account_id,
            "plan_id": plan.id,
            "schedule_id": plan.schedule_id,
            "due_at": occurrence.due_at,
            "local_date": occurrence.local_date,
            "channel": plan.channel,
            "state": "scheduled",
            "round": 1,
            "reply_code": f"{secrets.randbelow(10_000):04}",
            "passive_from": since,
            "passive_until": until,
            "next_prompt_at": rules.asks_at(occurrence.due_at, until, is_home_silent=is_home_silent),
            "reminders_sent": 0,
            "late": False,
        }
