"""From what recurs to visits: two weeks ahead, each once; and what a change does to those that lie ahead."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock, wakeups
from app.core.recurrence import Recurrence
from app.core.sealing import seal, unseal
from app.identity.api import local_calendar, people
from eldercare.check_ins.rules import CATCH_UP
from eldercare.tolerances.rules import Tolerances
from eldercare.visits import repository, rules
from eldercare.visits.models import CARE_PLANS, CONTENT, TASKS, TEMPLATES, VISITS
from eldercare.visits.rules import Length, Occurrence
from eldercare.visits.service import applying, cancelling, resuming, staffing

_INSTANT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("template_ids", type_=ARRAY(sa.Uuid))
_NOW = sa.bindparam("moment", type_=_INSTANT)
_ACTIVE = TEMPLATES.c.state == sa.literal("active", sa.Text)
_CHOSEN = (
    sa.select(TEMPLATES, CARE_PLANS.c.content)
    .join(CARE_PLANS, CARE_PLANS.c.id == TEMPLATES.c.care_plan_id)
    .where(TEMPLATES.c.id == sa.any_(_IDS), _ACTIVE)
    .order_by(TEMPLATES.c.id)
    .with_for_update(of=TEMPLATES, key_share=True)
)
_PLANNED = (
    sa.update(TEMPLATES)
    .where(TEMPLATES.c.id == sa.any_(_IDS), _ACTIVE)
    .values(
        planned_until=sa.bindparam("horizon", type_=_INSTANT),
        plan_at=sa.bindparam("again", type_=_INSTANT),
        updated_at=_NOW,
    )
)
_REVISED = (
    sa.update(TEMPLATES)
    .where(TEMPLATES.c.id == sa.any_(_IDS), _ACTIVE)
    .values(revision=TEMPLATES.c.revision + 1, planned_until=_NOW, plan_at=_NOW, updated_at=_NOW)
)
_ENDED = (
    sa.update(TEMPLATES)
    .where(TEMPLATES.c.id == sa.any_(_IDS), _ACTIVE)
    .values(
        state="ended",
        plan_at=None,
        ended_at=_NOW,
        end_reason=sa.bindparam("why", type_=sa.Text),
        updated_at=_NOW,
        version=TEMPLATES.c.version + 1,
    )
)
_REOPENED = (
    sa.update(TEMPLATES)
    .where(
        TEMPLATES.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        TEMPLATES.c.end_reason == sa.literal("closed", sa.Text),
    )
    .values(
        state="active",
        revision=TEMPLATES.c.revision + 1,
        planned_until=_NOW,
        plan_at=_NOW,
        ended_at=None,
        end_reason=None,
        updated_at=_NOW,
        version=TEMPLATES.c.version + 1,
    )
    .returning(TEMPLATES.c.id)
)
# What somebody called off, and what was begun or missed before its time, is not planned anew under a new revision.
_CHOSEN_TO_CANCEL = ("resident", "agency")
_CARRIED = (
    sa.update(VISITS)
    .where(
        VISITS.c.template_id == sa.any_(_IDS),
        TEMPLATES.c.id == VISITS.c.template_id,
        VISITS.c.occurrence_at >= _NOW,
        sa.or_(
            VISITS.c.state.in_([sa.literal(state, sa.Text) for state in ("in_progress", "completed", "missed")]),
            VISITS.c.cancel_reason.in_([sa.literal(reason, sa.Text) for reason in _CHOSEN_TO_CANCEL]),
        ),
    )
    .values(revision=TEMPLATES.c.revision, updated_at=_NOW)
)
_AHEAD_OF = (
    sa.select(VISITS)
    .where(
        VISITS.c.template_id == sa.any_(_IDS),
        VISITS.c.starts_at > _NOW,
        VISITS.c.state.in_([sa.literal(state, sa.Text) for state in (*rules.AGREED, "cancelled")]),
    )
    .order_by(VISITS.c.id)
    .with_for_update(key_share=True)
)
_EXTRA = (
    sa.select(VISITS)
    .where(
        VISITS.c.care_plan_id == sa.bindparam("care_plan_id", type_=sa.Uuid),
        VISITS.c.template_id.is_(None),
        VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.AGREED]),
    )
    .order_by(VISITS.c.id)
    .with_for_update(key_share=True)
)
_IDS_OF = sa.select(TEMPLATES.c.id).where(_ACTIVE).order_by(TEMPLATES.c.id)
_OF_PLAN = _IDS_OF.where(TEMPLATES.c.care_plan_id == sa.bindparam("care_plan_id", type_=sa.Uuid))
_OF_RESIDENTS = _IDS_OF.where(TEMPLATES.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))))
_FOLLOWING = _OF_RESIDENTS.where(TEMPLATES.c.time_zone.is_(None))
_HEEDING = _IDS_OF.where(
    TEMPLATES.c.community_id == sa.any_(sa.bindparam("community_ids", type_=ARRAY(sa.Uuid))),
    TEMPLATES.c.holidays != sa.literal("ignore", sa.Text),
)


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What recurs, the zone it goes by, and when it does in the stretch that is planned."""

    template: sa.Row[Any]
    time_zone: str
    occurrences: list[Occurrence]


async def plan_ahead(session: AsyncSession, template_ids: Sequence[uuid.UUID]) -> None:
    """Write the visits of what recurs up to the horizon; what exists already stays as it is."""
    now = clock.now()
    horizon = now + rules.HORIZON
    planned = await _agreed(session, template_ids, now)
    plans = {agreed.template.care_plan_id: applying.plan_of(agreed.template) for agreed in planned}
    carrying = await applying.of_plans(session, plans.values())
    for agreed in planned:
        content = _content_of(agreed.template)
        carried = carrying[agreed.template.care_plan_id, agreed.template.is_critical]
        await repository.insert_visits(session, [_visit(agreed, one, content, carried) for one in agreed.occurrences])
    await applying.align(session, plans.values())
    # Who is away is known to be: of what is planned meanwhile, and nobody's yet, nobody need be told that it is off.
    # And should something have stayed off though they are at home, it does not stay so for longer than a round.
    residents = {agreed.template.resident_id for agreed in planned}
    await resuming.follow_absences(session, residents, tells=False)
    binds = {"moment": now, "horizon": horizon, "again": now + rules.PLANNING_INTERVAL}
    await session.execute(_PLANNED, {"template_ids": list(template_ids), **binds})


async def realign(session: AsyncSession, template_ids: Sequence[uuid.UUID]) -> None:
    """Bring the visits ahead in line with what recurs now, and plan on from there.

    A visit that is still agreed stays, with its carers, and takes over what changed; one that somebody cancelled
    stays so. One that is agreed no longer is forgotten if nobody was assigned, and otherwise cancelled and told;
    agreed again by a later change, it is planned anew.
    """
    if not template_ids:
        return
    now = clock.now()
    rows = list(await session.execute(_AHEAD_OF, {"template_ids": list(template_ids), "moment": now}))
    # A visit that was moved to later is agreed by the time it was moved from, which may have passed.
    since = min([now, *(row.occurrence_at for row in rows)])
    for agreed in await _agreed(session, template_ids, now, since=since):
        await _realign(session, agreed, [row for row in rows if row.template_id == agreed.template.id])
    await session.execute(_REVISED, {"template_ids": list(template_ids), "moment": now})
    await session.execute(_CARRIED, {"template_ids": list(template_ids), "moment": now})
    await plan_ahead(session, template_ids)


async def _realign(session: AsyncSession, agreed: _Agreed, visits: Sequence[sa.Row[Any]]) -> None:
    template = agreed.template
    ends = {one.starts_at: one.ends_at for one in agreed.occurrences}
    kept = [visit for visit in visits if _still_agreed(visit, ends)]
    gone = [visit for visit in visits if visit not in kept and visit.state != "cancelled"]
    content = _content_of(template)
    for visit in kept:
        changed = content | {"tasks": _sealed_tasks(content["tasks"]), "time_zone": agreed.time_zone}
        await repository.change_visit(session, visit.id, revision=template.revision + 1, **changed)
    await cancelling.call_off(session, None, gone, "plan_changed")
    await staffing.settle(session, [visit.id for visit in kept if visit.state in rules.AHEAD])


def _still_agreed(visit: sa.Row[Any], ends: Mapping[datetime, datetime]) -> bool:
    if visit.occurrence_at not in ends:
        return False
    if visit.state == "cancelled" and visit.cancel_reason not in _CHOSEN_TO_CANCEL:
        return False
    was_moved = visit.starts_at != visit.occurrence_at
    return was_moved or visit.state == "cancelled" or bool(visit.ends_at == ends[visit.occurrence_at])


async def end_templates(
    session: AsyncSession, by: uuid.UUID | None, template_ids: Sequence[uuid.UUID], why: str = "ended"
) -> None:
    """End what recurs: visits nobody was assigned to are forgotten, the others cancelled and told."""
    if not template_ids:
        return
    now = clock.now()
    rows = await session.execute(_AHEAD_OF, {"template_ids": list(template_ids), "moment": now})
    ahead = [row for row in rows if row.state != "cancelled"]
    await session.execute(_ENDED, {"template_ids": list(template_ids), "moment": now, "why": why})
    await cancelling.call_off(session, by, ahead, "closed" if why == "closed" else "plan_ended")


async def cancel_extra_visits(session: AsyncSession, by: uuid.UUID | None, care_plan_id: uuid.UUID) -> None:
    """Cancel the visits ahead that do not recur."""
    rows = list(await session.execute(_EXTRA, {"care_plan_id": care_plan_id}))
    await cancelling.cancel(session, by, rows, "plan_ended")


async def templates_of_plan(session: AsyncSession, care_plan_id: uuid.UUID) -> list[uuid.UUID]:
    """Return what recurs under a plan."""
    return list(await session.scalars(_OF_PLAN, {"care_plan_id": care_plan_id}))


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """End what recurs for residents who are no longer here and cancel what lies ahead; carers are told."""
    if not resident_ids:
        return
    templates = list(await session.scalars(_OF_RESIDENTS, {"resident_ids": list(resident_ids)}))
    await end_templates(session, None, templates, "closed")
    await cancelling.cancel(session, None, await repository.lock_agreed(session, resident_ids), "closed")


async def reopen_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Let what recurs go on that ended only because the residents were closed."""
    if resident_ids:
        now = clock.now()
        reopened = list(await session.scalars(_REOPENED, {"resident_ids": list(resident_ids), "moment": now}))
        await session.execute(_CARRIED, {"template_ids": reopened, "moment": now})
        wakeups.request(session, repository.CHANNEL)


async def follow_moves(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Plan by the zone the residents live in now."""
    await realign(session, list(await session.scalars(_FOLLOWING, {"resident_ids": list(resident_ids)})))


async def follow_holidays(session: AsyncSession, community_ids: Sequence[uuid.UUID]) -> None:
    """Plan by the communities' new calendars."""
    await realign(session, list(await session.scalars(_HEEDING, {"community_ids": list(community_ids)})))


async def _agreed(
    session: AsyncSession, template_ids: Sequence[uuid.UUID], now: datetime, *, since: datetime | None = None
) -> list[_Agreed]:
    templates = list(await session.execute(_CHOSEN, {"template_ids": list(template_ids)}))
    connection = await session.connection()
    zones = await _zones(connection, templates)
    calendars = await _calendars(connection, templates, now, since or now)
    result = []
    for template in templates:
        start = now if template.planned_until is None else max(template.planned_until, now - CATCH_UP)
        start = start if since is None else since
        found = rules.visits_between(
            _recurrence(template),
            Length(template.duration, template.until),
            zones[template.id],
            start,
            max(start, now + rules.HORIZON),
            calendars.get(template.community_id, {}),
        )
        result.append(_Agreed(template, zones[template.id], found))
    return result


def _visit(agreed: _Agreed, one: Occurrence, content: Mapping[str, Any], carried: Tolerances) -> dict[str, Any]:
    template = agreed.template
    return {
        **content,
        "tasks": _sealed_tasks(content["tasks"]),
        "community_id": template.community_id,
        "resident_id": template.resident_id,
        "account_id": template.account_id,
        "organization_id": template.organization_id,
        "care_plan_id": template.care_plan_id,
        "template_id": template.id,
        "revision": template.revision,
        "occurrence_at": one.starts_at,
        "local_date": one.local_date,
        "time_zone": agreed.time_zone,
        "starts_at": one.starts_at,
        "ends_at": one.ends_at,
        **carried.values(),
        **rules.deadlines(one.starts_at, carried),
    }


def _recurrence(template: sa.Row[Any]) -> Recurrence:
    return Recurrence(
        times=(template.begins,),
        weekdays=frozenset(template.weekdays),
        starts_on=template.starts_on,
        ends_on=template.ends_on,
        rrule=template.rrule,
        holidays=template.holidays,
    )


async def _zones(connection: AsyncConnection, templates: Iterable[sa.Row[Any]]) -> dict[uuid.UUID, str]:
    """Return each template's zone: its own, or the one its resident lives in."""
    templates = list(templates)
    following = {template.account_id for template in templates if template.time_zone is None}
    at_home = await people(connection, following) if following else {}
    return {one.id: one.time_zone or at_home[one.account_id].time_zone for one in templates}


async def _calendars(
    connection: AsyncConnection, templates: Iterable[sa.Row[Any]], now: datetime, since: datetime
) -> dict[uuid.UUID, dict[date, bool]]:
    """Return the holidays and make-up workdays of the communities whose visits heed them."""
    heeding = {template.community_id for template in templates if template.holidays != "ignore"}
    first, last = (min(now, since) - 2 * CATCH_UP).date(), (now + rules.HORIZON + 2 * CATCH_UP).date()
    return {
        community_id: {day.day: day.is_workday for day in await local_calendar(connection, community_id, first, last)}
        for community_id in heeding
    }


def _content_of(template: sa.Row[Any]) -> dict[str, Any]:
    """Return what a visit takes over from what recurs, its tasks in the clear."""
    tasks: list[dict[str, str]] | None = None
    if template.content is not None:
        named = {str(task_id) for task_id in template.task_ids}
        known = orjson.loads(unseal(template.content, CONTENT))["tasks"]
        tasks = [task for task in known if not named or task["id"] in named]
    return {
        "flexibility": template.flexibility,
        "carers": template.carers,
        "is_critical": template.is_critical,
        "skills": template.skills,
        "preferred": template.preferred,
        "tasks": tasks,
    }


def _sealed_tasks(tasks: list[dict[str, str]] | None) -> str | None:
    return None if tasks is None else seal(orjson.dumps(tasks).decode(), TASKS)
