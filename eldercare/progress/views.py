"""The SQL that reads how help comes: who was told and what came of it, who is next, and all alarms one may see."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import Forbidden, NotFound
from app.core.tables import table_of
from app.identity.api import (
    account_name,
    actor_binds,
    operator_staff,
    people,
    require_resident,
    resident_accounts,
    resident_name,
    visible_residents,
)
from eldercare.alarms.access import AlarmSubject, require_alarm, shows
from eldercare.alarms.models import OPEN_STATES, Alarm, AlarmEntry, AlarmNotice, AlarmState
from eldercare.alarms.rules.words import Cause
from eldercare.alarms.schemas import AlarmPublic
from eldercare.alarms.views import alarm_public, explanation, signal_causes
from eldercare.care_circle.views import circle_of
from eldercare.escalation.rules import next_rung
from eldercare.escalation.views import steps_of
from eldercare.progress import rules
from eldercare.progress.schemas import AlarmLogItem, AlarmProgress, NextStep, Part, Reached, Told, Who, WhoKind
from eldercare.rota.views import on_call_members
from notifications.api import DeliveryStanding, standings

_alarms = table_of(Alarm)
_entries = table_of(AlarmEntry)
_notices = table_of(AlarmNotice)
_alarm_id = sa.bindparam("alarm_id", type_=sa.Uuid)
_BESIDES = ("community_id", "plan_id")

_ALARM = sa.select(
    *(_alarms.c[name] for name in (*AlarmPublic.model_fields, *_BESIDES)),
    resident_name(_alarms.c.resident_id).label("resident_name"),
).where(_alarms.c.id == _alarm_id)
_NOTICES = (
    sa.select(_notices)
    .where(_notices.c.alarm_id == _alarm_id)
    .order_by(_notices.c.round, _notices.c.step, _notices.c.told_at, _notices.c.id)
)
_ACTED = (
    sa.select(_entries.c.kind, _entries.c.actor_id, _entries.c.at)
    .where(_entries.c.alarm_id == _alarm_id, _entries.c.actor_id.is_not(None))
    .order_by(_entries.c.id)
)

_states = sa.bindparam("states", type_=ARRAY(sa.Text))
_LOG = audit.traced_each(
    sa.select(
        *(_alarms.c[name] for name in AlarmPublic.model_fields),
        resident_name(_alarms.c.resident_id).label("resident_name"),
        account_name(_alarms.c.acknowledged_by).label("holder_name"),
        signal_causes(_alarms.c.id).label("causes"),
    )
    .where(
        _alarms.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _alarms.c.state == sa.any_(_states),
        # Two ways to say it: by the first those of few people are found, the second leaves out emergency access.
        _alarms.c.resident_id.in_(visible_residents("alarms:read")),
        shows("alarms:read"),
        after((_alarms.c.raised_at, _alarms.c.id), ("after_at", "after_id"), descending=True),
    )
    .order_by(_alarms.c.raised_at.desc(), _alarms.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer)),
    "alarm:list",
)
_LOG_CURSOR = "eldercare.alarm_log"
_OPEN = sorted(state.value for state in OPEN_STATES)
_PAST = sorted(state.value for state in AlarmState if state not in OPEN_STATES)


async def alarm_log(connection: AsyncConnection, actor: Actor, part: Part, page: PageRequest) -> Page[AlarmLogItem]:
    """Return the alarms the actor may see, open or past, the latest first; each resident's reading is traced."""
    at, last_id = decode_cursor(_LOG_CURSOR, page.cursor) if page.cursor else (None, None)
    binds = {
        "community_id": actor.community_id,
        "states": _OPEN if part == "open" else _PAST,
        "limit": page.limit + 1,
        "after_at": datetime.fromisoformat(at) if at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    binds |= actor_binds(actor, "alarms:read") | audit.trace_each_binds(actor, shown=page.limit)
    rows = (await connection.execute(_LOG, binds)).all()
    items = [
        AlarmLogItem(
            **alarm_public(row).model_dump(),
            resident_name=row.resident_name,
            holder_name=row.holder_name,
            explanation=explanation(Cause(*cause) for cause in row.causes or ()),
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_LOG_CURSOR, rows, page.limit, ("raised_at", "id")))


async def alarm_progress(connection: AsyncConnection, actor: Actor, subject: AlarmSubject) -> AlarmProgress:
    """Return how help comes to an alarm, as far as the actor may know who helps; what others read is traced."""
    alarm = (await connection.execute(_ALARM, {"alarm_id": subject.id})).one_or_none()
    if alarm is None:
        raise NotFound
    is_own = actor.resident_id == subject.resident_id
    if not is_own:
        await audit.record(
            connection,
            actor,
            "alarm:progress",
            resident_id=subject.resident_id,
            object_id=subject.id,
            community_id=subject.community_id,
        )
    notices = (await connection.execute(_NOTICES, {"alarm_id": subject.id})).all()
    acted = (await connection.execute(_ACTED, {"alarm_id": subject.id})).all()
    state = AlarmState(alarm.state)
    helpers = await _helpers(connection, actor, alarm, [row.account_id for row in notices], acted)
    named = dict.fromkeys([*(row.actor_id for row in acted), alarm.raised_by, alarm.acknowledged_by, alarm.closed_by])
    return AlarmProgress(
        alarm_id=alarm.id,
        resident_id=alarm.resident_id,
        resident_name=alarm.resident_name,
        state=alarm.state,
        version=alarm.version,
        acts=rules.acts(
            rules.Standing(
                state,
                is_mine=alarm.acknowledged_by == actor.id,
                may_respond=not is_own and await _may_respond(connection, actor, subject.id),
                may_cancel=is_own,
                is_counting_down=rules.is_counting_down(alarm.countdown_until, alarm.step, clock.now()),
            )
        ),
        holder=helpers.who(alarm.acknowledged_by) if alarm.acknowledged_by and state in OPEN_STATES else None,
        held_since=alarm.acknowledged_at if state in OPEN_STATES else None,
        told=_told(alarm, notices, acted, await _reached(connection, notices), helpers),
        next=await _next(connection, alarm, state, helpers),
        people=[
            helpers.who(account_id) for account_id in named if account_id is not None and helpers.is_person(account_id)
        ],
    )


@dataclass(frozen=True, slots=True)
class _Helpers:
    """Who the accounts around an alarm are to its resident, and whose names the reader may know."""

    reader: uuid.UUID
    resident: uuid.UUID | None
    circle: Mapping[uuid.UUID, Any]
    desk: frozenset[uuid.UUID]
    names: Mapping[uuid.UUID, str]
    open_names: frozenset[uuid.UUID]
    sees_circle: bool

    def is_person(self, account_id: uuid.UUID) -> bool:
        return account_id in self.names

    def who(self, account_id: uuid.UUID) -> Who:
        member = self.circle.get(account_id)
        is_told = self.sees_circle or account_id in self.open_names or account_id == self.reader
        shown = member if self.sees_circle or account_id == self.reader else None
        return Who(
            account_id=account_id,
            kind=self._kind(account_id),
            name=self.names.get(account_id) if is_told else None,
            relationship=shown.relationship if shown else None,
            has_key=shown.has_key if shown else None,
        )

    def _kind(self, account_id: uuid.UUID) -> WhoKind:
        if account_id == self.reader:
            return "me"
        if account_id == self.resident:
            return "resident"
        if account_id in self.circle:
            return "circle"
        return "desk" if account_id in self.desk else "organization"


async def _helpers(
    connection: AsyncConnection, actor: Actor, alarm: Any, told: Iterable[uuid.UUID], acted: Iterable[Any]
) -> _Helpers:
    circle = {
        member.account_id: member
        for member in await circle_of(connection, alarm.resident_id)
        if member.state == "accepted"
    }
    resident = (await resident_accounts(connection, [alarm.resident_id])).get(alarm.resident_id)
    # Whoever was told hears who has it and how it ended: these names are everybody's who sees the alarm.
    answered = {row.actor_id for row in acted} | {alarm.acknowledged_by, alarm.closed_by, alarm.raised_by}
    everybody = {*told, *answered, *circle, resident} - {None}
    known = await people(connection, everybody)
    return _Helpers(
        reader=actor.id,
        resident=resident,
        circle=circle,
        desk=frozenset(await operator_staff(connection, alarm.community_id, "dispatcher", "operator")),
        names={account_id: person.name for account_id, person in known.items()},
        open_names=frozenset({*answered, resident} - {None}),
        sees_circle=await _sees_circle(connection, actor, alarm.resident_id),
    )


async def _sees_circle(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> bool:
    try:
        await require_resident(connection, actor, resident_id, "circle:read")
    except (Forbidden, NotFound):
        return False
    return True


async def _may_respond(connection: AsyncConnection, actor: Actor, alarm_id: uuid.UUID) -> bool:
    try:
        await require_alarm(connection, actor, alarm_id, "alarms:respond")
    except (Forbidden, NotFound):
        return False
    return True


async def _reached(connection: AsyncConnection, notices: Iterable[Any]) -> dict[uuid.UUID, list[DeliveryStanding]]:
    """Return of each notice's delivery how it stands, with what went in its place; deliveries are kept for a time."""
    ids = [row.delivery_id for row in notices if row.delivery_id is not None]
    by_notice: defaultdict[uuid.UUID, list[DeliveryStanding]] = defaultdict(list)
    for standing in await standings(connection, ids):
        by_notice[standing.notice_id].append(standing)
    return {standing.id: found for found in by_notice.values() for standing in found}


def _told(
    alarm: Any,
    notices: Iterable[Any],
    acted: Iterable[Any],
    reached: Mapping[uuid.UUID, list[DeliveryStanding]],
    helpers: _Helpers,
) -> list[Told]:
    groups: dict[tuple[int, int, uuid.UUID, bool], list[Any]] = {}
    for row in notices:
        groups.setdefault((row.round, row.step, row.account_id, row.is_beside), []).append(row)
    last = {(account_id): (round_number, step) for round_number, step, account_id, _ in groups}
    acts = list(acted)
    found = []
    for (round_number, step, account_id, is_beside), rows in groups.items():
        channels = _channels(rows, reached)
        # Told again later, what they did since is what came of that.
        is_last = last[account_id] == (round_number, step)
        did = [one.kind for one in acts if one.actor_id == account_id and one.at >= rows[0].told_at] if is_last else []
        over = rules.is_over((round_number, step), (alarm.round, alarm.step), AlarmState(alarm.state))
        came = rules.came_of_it([channel.state for channel in channels], did, is_over=over)
        found.append(
            Told(
                who=helpers.who(account_id),
                round=round_number,
                step=step,
                told_at=rows[0].told_at,
                is_beside=is_beside,
                came_of_it=came,
                channels=channels,
            )
        )
    return found


def _channels(rows: Iterable[Any], reached: Mapping[uuid.UUID, list[DeliveryStanding]]) -> list[Reached]:
    found: dict[uuid.UUID, Reached] = {}
    for row in rows:
        known = reached.get(row.delivery_id, []) if row.delivery_id else []
        for one in known:
            state = rules.reach(
                one.state, has_arrived=one.delivered_at is not None, is_opened=one.opened_at is not None
            )
            found[one.id] = Reached(
                channel=one.channel, state=state, at=one.opened_at or one.delivered_at or one.settled_at
            )
        if not known:
            found[row.id] = Reached(channel=row.channel, state=row.outcome, at=row.settled_at)
    return list(found.values())


async def _next(connection: AsyncConnection, alarm: Any, state: AlarmState, helpers: _Helpers) -> NextStep | None:
    if state not in OPEN_STATES:
        return None
    at = alarm_public(alarm).next_step_at
    if state != AlarmState.RAISED:
        return NextStep(at=at, kind="lapse", whom=None, who=[])
    steps = (await steps_of(connection, {alarm.plan_id}))[alarm.plan_id]
    step = next_rung(steps, alarm.step, alarm.round).step
    accounts: list[uuid.UUID] = []
    if step.target_kind in ("circle", "circle_member"):
        now = clock.now()
        on_call = (await on_call_members(connection, [alarm.resident_id], now)).get(alarm.resident_id, [])
        if step.target_order is not None:
            on_call = on_call[step.target_order - 1 : step.target_order]
        elif step.target_id is not None:
            on_call = [member for member in on_call if member.member_id == step.target_id]
        accounts = [member.account_id for member in on_call]
    return NextStep(at=at, kind="tell", whom=step.target_kind, who=[helpers.who(account_id) for account_id in accounts])
