"""Climbing: telling the next people of each alarm whose time has come, until somebody answers."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock, wakeups
from app.core.events import emit
from app.core.parked_rows import stands_aside
from app.identity.api import (
    close_break_glass_of,
    duty_desk,
    open_break_glass,
    organization_members,
    organizations_serving,
    resident_accounts,
    widen_break_glass,
)
from eldercare.alarms.models import Alarm, AlarmKind, AlarmNotice, AlarmState, Severity
from eldercare.alarms.notices import ACCESS_OPENED, LAPSED, STEP, STEP_LATE, tell
from eldercare.alarms.repository import (
    about,
    entry,
    insert_entries,
    insert_notices,
    lock_alarms,
    move,
    told_accounts,
)
from eldercare.alarms.rules import BREAK_GLASS_FROM, BREAK_GLASS_LASTS, Action, lateness, reply_code
from eldercare.alarms.service import LADDERS, account_of
from eldercare.care_circle.views import OnCall, accepted_accounts
from eldercare.escalation.rules import SERVED, Rung, Step, next_rung
from eldercare.escalation.views import steps_of
from eldercare.events import AlarmJoined, AlarmLapsed, AlarmRaised, AlarmUnanswered, CircleMemberLeft
from eldercare.ladders.repository import (
    Settled,
    engaged_otherwise,
    is_on_it,
    kinds_about,
    open_about,
    open_beside,
    settle_notices,
    told_of_rung,
    unreached_steps,
)
from eldercare.rota.views import on_call_members
from eldercare.shifts.rules import Desk
from eldercare.shifts.views import desk as desk_of
from notifications.api import Channel
from notifications.events import DeliverySettled

UNANSWERED = Counter("hearthline_alarms_unanswered", "Rounds of an alarm in which not even the duty desk was reachable")
BREAK_GLASS_SCOPES = frozenset(
    {"profile:read", "contacts:read", "check_ins:read", "alarms:read", "alarms:respond", "circle:read"}
)
_SEARCH_SCOPE = "location:read"
"""Whoever looks for somebody who has wandered off needs to know where they were last."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _People:
    """Who can be told at this instant, looked up once per batch."""

    connection: AsyncConnection
    circles: dict[uuid.UUID, list[OnCall]]
    residents: dict[uuid.UUID, uuid.UUID]
    serving: dict[uuid.UUID, set[uuid.UUID]]
    desks: dict[uuid.UUID, Desk] = field(default_factory=dict)
    organizations: dict[tuple[uuid.UUID, str], list[uuid.UUID]] = field(default_factory=dict)

    async def of(self, alarm: Alarm, step: Step) -> list[uuid.UUID]:
        """Return the accounts a step tells of an alarm: never the resident's own, wherever they work."""
        circle = self.circles.get(alarm.resident_id, [])
        match step.target_kind:
            case "circle":
                return [member.account_id for member in circle]
            case "circle_member" if step.target_order is not None:
                return [member.account_id for member in circle[step.target_order - 1 : step.target_order]]
            case "circle_member":
                return [member.account_id for member in circle if member.member_id == step.target_id]
            case "organization" if step.target_id in self.serving[alarm.resident_id]:
                members = await self._organization(step.target_id, step.target_role or "coordinator")
                return [account_id for account_id in members if account_id != self.residents.get(alarm.resident_id)]
            case "duty_desk":
                return (await self.desk(alarm)).reached(_waited_at_desk(alarm))
            case _:
                return []

    async def desk(self, alarm: Alarm) -> Desk:
        """Return who can be told of an alarm at the desk."""
        if alarm.community_id not in self.desks:
            self.desks[alarm.community_id] = await desk_of(self.connection, alarm.community_id, clock.now())
        desk, resident = self.desks[alarm.community_id], self.residents.get(alarm.resident_id)
        if resident not in desk.people():
            return desk
        # A resident who works at the desk is not left alone with their own alarm.
        return await desk_of(self.connection, alarm.community_id, clock.now(), besides=resident)

    async def patience(self, alarm: Alarm, step: Step) -> timedelta:
        """Return how long those a step tells have to answer."""
        if step.target_kind != "duty_desk":
            return step.wait
        return (await self.desk(alarm)).patience(_waited_at_desk(alarm), step.wait)

    async def phoned(self, alarm: Alarm, step: Step) -> frozenset[uuid.UUID]:
        """Return who of those a step tells is phoned, whatever its channels are."""
        return (await self.desk(alarm)).phoned() if step.target_kind == "duty_desk" else frozenset()

    async def _organization(self, organization_id: uuid.UUID, role: str) -> list[uuid.UUID]:
        key = (organization_id, role)
        if key not in self.organizations:
            self.organizations[key] = await organization_members(self.connection, organization_id, role)
        return self.organizations[key]


def _waited_at_desk(alarm: Alarm) -> timedelta | None:
    return clock.now() - alarm.desk_queued_at if alarm.desk_queued_at else None


async def climb(session: AsyncSession, alarm_ids: Sequence[uuid.UUID]) -> None:
    """Take each alarm to its next rung: tell those people, and set when to look at it again."""
    alarms = await lock_alarms(session, alarm_ids)
    connection = await session.connection()
    steps = await steps_of(connection, {alarm.plan_id for alarm in alarms})
    residents = {alarm.resident_id for alarm in alarms}
    people = _People(
        connection,
        await on_call_members(connection, residents, clock.now()),
        await resident_accounts(connection, residents),
        # A plan may name whom it likes, and agreements end: whoever does not serve the resident is not let in by it.
        await organizations_serving(connection, residents, SERVED),
    )
    for alarm in alarms:
        await _climb_one(session, alarm, steps[alarm.plan_id], people)
    await session.flush()


async def _climb_one(session: AsyncSession, alarm: Alarm, steps: Sequence[Step], people: _People) -> None:
    now = clock.now()
    late = lateness(alarm.next_step_at, now) if alarm.next_step_at else None
    if alarm.state != AlarmState.RAISED:
        await _lapse(session, alarm)
    rung = next_rung(steps, alarm.step, alarm.round)
    told = await _tell_people(session, alarm, rung, people, late)
    while not told and not rung.is_last:
        rung = next_rung(steps, rung.step.position, rung.round)
        told = await _tell_people(session, alarm, rung, people, late)
    if not told:
        told = await _tell_whole_desk(session, alarm, rung)
    if not told:
        await _report_unanswered(session, alarm, rung)
        told = await _tell_whole_circle(session, alarm, rung)
    if alarm.stands_alone and not alarm.step:
        told += await _tell_engaged(session, alarm, rung, people)
    alarm.step, alarm.round = rung.step.position, rung.round
    alarm.next_step_at = now + await people.patience(alarm, rung.step)
    if rung.step.target_kind == "duty_desk" and alarm.desk_queued_at is None:
        alarm.desk_queued_at = now
    if told and Severity(alarm.severity) >= BREAK_GLASS_FROM and not alarm.is_test:
        await _open_access(session, alarm, told, people.residents[alarm.resident_id])


async def _lapse(session: AsyncSession, alarm: Alarm) -> None:
    """End an acknowledgement that nothing followed, and say so to everyone: the ladder climbs on."""
    before, holder = alarm.state, alarm.acknowledged_by
    if await move(session, alarm.id, Action.LAPSE, {"acknowledged_by": None, "acknowledged_at": None}) is None:
        return
    await insert_entries(session, [entry(alarm, "lapsed", holder, {"from": before})])
    await emit(session, AlarmLapsed(**about(alarm)))
    everyone = [*([holder] if holder else []), *await told_accounts(session, alarm.id)]
    await tell(session, LAPSED, alarm, everyone, f"lapsed:{clock.now().isoformat()}")


async def _tell_people(
    session: AsyncSession, alarm: Alarm, rung: Rung, people: _People, late: int | None
) -> list[uuid.UUID]:
    """Tell those a rung is for at this instant and return who could be."""
    accounts = await people.of(alarm, rung.step)
    return await _tell_rung(session, alarm, rung, accounts, late, phoned=await people.phoned(alarm, rung.step))


async def _tell_rung(
    session: AsyncSession,
    alarm: Alarm,
    rung: Rung,
    people: Sequence[uuid.UUID],
    late: int | None,
    *,
    phoned: frozenset[uuid.UUID] = frozenset(),
    is_beside: bool = False,
) -> list[uuid.UUID]:
    """Tell the people of a rung and return who could be; writes down who was told or that the rung is skipped.

    Those told ``is_beside`` it are not whom it is for: it is left at once if it reaches none of its own.
    """
    accounts = list(dict.fromkeys(people))
    notices: list[AlarmNotice] = []
    told: list[uuid.UUID] = []
    late_call = {"pressed_at": alarm.pressed_at} if alarm.pressed_at else None
    for account_id in accounts:
        channels = dict.fromkeys([*rung.step.channels, *(["voice"] if account_id in phoned else [])])
        deliveries = await tell(
            session,
            STEP_LATE if late_call else STEP,
            alarm,
            [account_id],
            f"{rung.round}:{rung.step.position}",
            variables={**(late_call or {"raised_at": alarm.raised_at}), "code": reply_code(alarm.id, account_id)},
            channels=cast("list[Channel]", list(channels)),
            is_awaited=True,
        )
        told += [account_id] if deliveries else []
        notices += _notices(alarm, rung, account_id, deliveries, is_beside=is_beside)
    await insert_notices(session, notices)
    data: dict[str, object] = {
        "step": rung.step.position,
        "round": rung.round,
        "target": rung.step.target_kind,
        "account_ids": [str(account_id) for account_id in told],
    }
    if late is not None:
        data["late_seconds"] = late
    await insert_entries(session, [entry(alarm, "told" if told else "skipped", data=data)])
    return told


async def _tell_engaged(session: AsyncSession, alarm: Alarm, rung: Rung, people: _People) -> list[uuid.UUID]:
    """Tell at once whoever is busy with another alarm about the same resident, and the desk with them.

    An SOS stands alone, and those on the way for something smaller must not hear of it last. Who was told then but
    belongs neither to the circle nor to the desk any more is not called again, and gets no emergency access.
    """
    engaged = await engaged_otherwise(session, alarm)
    if not engaged:
        return []
    desk = await people.desk(alarm)
    near = desk.people() | set(await accepted_accounts(people.connection, alarm.resident_id))
    still = [account_id for account_id, is_on_it in engaged if is_on_it or account_id in near]
    told = await told_of_rung(session, alarm.id, rung.round, rung.step.position)
    resident = people.residents.get(alarm.resident_id)
    others = [one for one in (*still, *desk.reached(None)) if one not in told and one != resident]
    return await _tell_rung(session, alarm, rung, others, None, is_beside=True) if others else []


async def _tell_whole_desk(session: AsyncSession, alarm: Alarm, rung: Rung) -> list[uuid.UUID]:
    """Tell everybody else who works at the desk, on shift or not, as nobody who was told can be reached."""
    connection, resident = await session.connection(), await account_of(session, alarm)
    everyone = await duty_desk(connection, alarm.community_id, besides=resident)
    told = await told_of_rung(session, alarm.id, rung.round, rung.step.position)
    others = [account_id for account_id in everyone if account_id not in told]
    return await _tell_rung(session, alarm, rung, others, None) if others else []


async def _tell_whole_circle(session: AsyncSession, alarm: Alarm, rung: Rung) -> list[uuid.UUID]:
    """Tell the resident's circle at whatever hour, as nobody at the desk can be: better awake than not there.

    Once per round: where their phones are silent, too, the next round tells them again.
    """
    circle = await accepted_accounts(await session.connection(), alarm.resident_id)
    told = await told_of_rung(session, alarm.id, rung.round, rung.step.position)
    others = [account_id for account_id in circle if account_id not in told]
    return await _tell_rung(session, alarm, rung, others, None) if others else []


def _notices(
    alarm: Alarm, rung: Rung, account_id: uuid.UUID, deliveries: Iterable[uuid.UUID], *, is_beside: bool
) -> list[AlarmNotice]:
    def notice(delivery_id: uuid.UUID | None, outcome: str) -> AlarmNotice:
        return AlarmNotice(
            alarm_id=alarm.id,
            resident_id=alarm.resident_id,
            account_id=account_id,
            round=rung.round,
            step=rung.step.position,
            is_beside=is_beside,
            delivery_id=delivery_id,
            outcome=outcome,
            settled_at=None if delivery_id else clock.now(),
        )

    return [notice(delivery_id, "pending") for delivery_id in deliveries] or [notice(None, "unreachable")]


async def _report_unanswered(session: AsyncSession, alarm: Alarm, rung: Rung) -> None:
    _count_unanswered(alarm)
    log.error("alarm_unanswered", alarm_id=str(alarm.id), community_id=str(alarm.community_id), round=rung.round)
    await insert_entries(session, [entry(alarm, "unanswered", data={"round": rung.round})])
    await emit(session, AlarmUnanswered(**about(alarm)))


def _count_unanswered(alarm: Alarm) -> None:
    if not alarm.is_test:
        UNANSWERED.inc()


async def _open_access(session: AsyncSession, alarm: Alarm, told: Sequence[uuid.UUID], resident: uuid.UUID) -> None:
    """Let those who are told see what helpers need to know, and tell the resident that they can."""
    # Not the alarm's kind: that is its worst signal's. And an SOS stands beside the alarm of who has wandered off.
    kinds = await kinds_about(session, alarm.resident_id)
    await open_break_glass(
        session,
        community_id=alarm.community_id,
        resident_id=alarm.resident_id,
        alarm_id=alarm.id,
        account_ids=told,
        scopes=BREAK_GLASS_SCOPES | ({_SEARCH_SCOPE} if AlarmKind.WANDERING in kinds else set()),
        expires_at=clock.now() + BREAK_GLASS_LASTS,
    )
    # Once per alarm, and of whoever will be called: the grants name them, and the end says how many they were.
    await tell(session, ACCESS_OPENED, alarm, [resident], "access_opened", variables={"raised_at": alarm.raised_at})


async def help_searching(session: AsyncSession, facts: Sequence[AlarmRaised | AlarmJoined]) -> None:
    """Let those who have emergency access already see where the resident was once it is about a search, too.

    Also those who have it because of another open alarm: whoever is on the way for an SOS looks for the same person.
    """
    about_search = [fact.aggregate_id for fact in facts if fact.kind == AlarmKind.WANDERING]
    if not about_search:
        return
    # Whoever is climbing one of them now has read what it is about: their access is there when the lock is ours.
    alarms = await lock_alarms(session, await open_beside(session, about_search))
    for alarm in alarms:
        await widen_break_glass(session, alarm.id, _SEARCH_SCOPE)


async def let_go(session: AsyncSession, facts: Sequence[CircleMemberLeft]) -> None:
    """End the emergency access of whoever left the circle, unless they are on the way or sit at the desk, too."""
    # Whoever is climbing now may let them in yet, as they were in the circle when it was looked who is to be told.
    await lock_alarms(session, await open_about(session, {fact.resident_id for fact in facts}))
    for fact in facts:
        desk = await duty_desk(await session.connection(), fact.community_id)
        if fact.account_id not in desk and not await is_on_it(session, fact.resident_id, fact.account_id):
            await close_break_glass_of(session, fact.resident_id, fact.account_id)


async def learn(session: AsyncSession, facts: Sequence[DeliverySettled]) -> None:
    """Note what became of deliveries; a step of which nothing arrived, or nothing is known to have, is left at once.

    A push that a provider took counts only until the time for its receipt is over: then the next people are told. The
    last step is not left: there the whole circle is told, and the desk again in its time.
    """
    settled = [
        Settled(fact.delivery_id, fact.channel, fact.outcome, fact.occurred_at)
        for fact in facts
        if fact.is_final or fact.has_reached
    ]
    if not settled:
        return
    await settle_notices(session, settled)
    lost = [fact for fact in facts if fact.is_final and not fact.has_reached]
    failed = sorted({fact.aggregate_id for fact in lost})
    alarms = {alarm.id: alarm for alarm in await lock_alarms(session, failed)} if failed else {}
    if not alarms:
        return
    steps = await steps_of(await session.connection(), {alarm.plan_id for alarm in alarms.values()})
    now = clock.now()
    for alarm_id in await unreached_steps(session, list(alarms), [fact.delivery_id for fact in lost]):
        alarm = alarms[alarm_id]
        last = steps[alarm.plan_id][-1]
        data = {"step": alarm.step, "round": alarm.round}
        await insert_entries(session, [entry(alarm, "unreached", data=data)])
        if alarm.step >= last.position:
            # Rushing from one round at the desk to the next would reach nobody either.
            log.error("alarm_desk_unreached", alarm_id=str(alarm.id), community_id=str(alarm.community_id))
            _count_unanswered(alarm)
            rung = Rung(last, alarm.round, is_last=True)
            await _tell_whole_desk(session, alarm, rung)
            await _tell_whole_circle(session, alarm, rung)
        elif alarm.next_step_at is not None and not stands_aside(alarm.next_step_at):
            alarm.next_step_at = min(alarm.next_step_at, now)
            wakeups.request(session, LADDERS)
    await session.flush()
