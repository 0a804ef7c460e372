"""Answering an alarm: taking it, going there, being there, ending it."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import Forbidden, NotFound
from app.identity.api import actor_by_phone
from eldercare.alarms.access import require_alarm
from eldercare.alarms.models import OPEN_STATES, Alarm, AlarmState
from eldercare.alarms.notices import HELP_IS_COMING, LAPSED, TAKEN, tell
from eldercare.alarms.problems import (
    AlarmAlreadyAcknowledged,
    AlarmAlreadyOnScene,
    AlarmClosed,
    AlarmNotYours,
    CalledAgain,
    CountdownOver,
)
from eldercare.alarms.repository import about, called_again, entry, insert_entries, lock_alarms, move, told_accounts
from eldercare.alarms.rules import PROGRESS_WITHIN, TRANSITIONS, Action
from eldercare.alarms.service import LADDERS, account_of, close_alarm
from eldercare.events import AlarmAcknowledged, AlarmLapsed, AlarmProgressed
from eldercare.response.rules import answered, read_acknowledgement
from eldercare.response.views import open_alarms_told_to

PhoneOutcome = Literal["acknowledged", "taken", "closed", "refused"]
ReplyOutcome = Literal["acknowledged", "taken", "closed", "refused", "ambiguous", "nothing_open"]


async def acknowledge(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, *, take_over: bool = False) -> Alarm:
    """Take an alarm: the ladder stops, until it shows that nothing follows. Taking it twice changes nothing.

    Raises ``AlarmClosed``, and ``AlarmAlreadyAcknowledged`` if another person has it, unless ``take_over`` is given
    and that person is not with the resident yet.
    """
    alarm = await _locked(session, alarm_id)
    if alarm.state == AlarmState.RAISED:
        return await _take(session, actor, alarm, Action.ACKNOWLEDGE)
    if alarm.acknowledged_by == actor.id:
        return alarm
    if not take_over:
        raise AlarmAlreadyAcknowledged(acknowledged_by=str(alarm.acknowledged_by))
    if alarm.state == AlarmState.ON_SCENE:
        raise AlarmAlreadyOnScene(acknowledged_by=str(alarm.acknowledged_by))
    return await _take(session, actor, alarm, Action.TAKE_OVER)


async def release(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID) -> Alarm:
    """Give back an alarm the actor has taken: the next people are told at once, and everyone told hears that nobody
    has it.

    Raises ``AlarmClosed``, ``AlarmNotYours``, ``AlarmAlreadyOnScene`` for who is with the resident: they end it.
    """
    alarm = await held_by(session, alarm_id, actor.id)
    values = {"acknowledged_by": None, "acknowledged_at": None, "next_step_at": clock.now()}
    released = await move(session, alarm.id, Action.RELEASE, values, col(Alarm.acknowledged_by) == actor.id)
    if released is None:
        raise AlarmNotYours
    await _record(session, actor, released, "released")
    await emit(session, AlarmLapsed(**about(released)))
    others = [account_id for account_id in await told_accounts(session, released.id) if account_id != actor.id]
    await tell(session, LAPSED, released, others, f"released:{clock.now().isoformat()}")
    wakeups.request(session, LADDERS)
    return released


async def take_from(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, holder_id: uuid.UUID) -> Alarm:
    """Take an alarm from who has it, as both have agreed; raises as ``release``."""
    return await _take(session, actor, await held_by(session, alarm_id, holder_id), Action.TAKE_OVER)


async def held_by(session: AsyncSession, alarm_id: uuid.UUID, holder_id: uuid.UUID) -> Alarm:
    """Return an open alarm, locked, that the account has taken and is not at the scene of; raises as ``release``."""
    alarm = await _locked(session, alarm_id)
    if alarm.acknowledged_by != holder_id:
        raise AlarmNotYours(acknowledged_by=str(alarm.acknowledged_by) if alarm.acknowledged_by else None)
    if alarm.state == AlarmState.ON_SCENE:
        raise AlarmAlreadyOnScene
    return alarm


async def acknowledge_by_phone(session: AsyncSession, account_id: uuid.UUID, alarm_id: uuid.UUID) -> PhoneOutcome:
    """Take an alarm for whoever answered a message or a call about it, and say what came of it.

    "refused" where the person may not answer it, or would have to sign in first.
    """
    connection = await session.connection()
    actor = await actor_by_phone(connection, account_id)
    if actor is None:
        return "refused"
    try:
        subject = await require_alarm(connection, actor, alarm_id, "alarms:respond")
        await acknowledge(session, actor, subject.id)
    except AlarmClosed:
        return "closed"
    except AlarmAlreadyAcknowledged:
        return "taken"
    except (NotFound, Forbidden):
        return "refused"
    return "acknowledged"


async def acknowledge_reply(session: AsyncSession, account_ids: Sequence[uuid.UUID], text: str) -> ReplyOutcome | None:
    """Take the alarm that a text message from a number that serves ``account_ids`` says is taken.

    ``None`` if it says no such thing. Where alarms about several residents or of several accounts could be meant,
    nothing changes ("ambiguous"); without any it is "nothing_open".
    """
    reply = read_acknowledgement(text)
    if reply is None:
        return None
    told = await open_alarms_told_to(await session.connection(), account_ids)
    if not told:
        return "nothing_open"
    meant = answered(told, reply.code)
    return "ambiguous" if meant is None else await acknowledge_by_phone(session, meant.account_id, meant.alarm_id)


async def depart(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, *, holder: uuid.UUID | None = None) -> Alarm:
    """Say that somebody is on the way, taking the alarm first if nobody has; saying it twice changes nothing.

    Raises ``AlarmClosed``, ``AlarmAlreadyOnScene``, and ``AlarmAlreadyAcknowledged`` if another person has it, unless
    ``holder`` names them: whoever sets out beside them would set them on the way instead.
    """
    alarm = await _taken(session, actor, alarm_id)
    if alarm.state == AlarmState.ON_SCENE:
        raise AlarmAlreadyOnScene
    _require_meant(actor, alarm, holder)
    if alarm.state == AlarmState.EN_ROUTE:
        return alarm
    return await _progress(session, actor, alarm, Action.DEPART, {"en_route_at": clock.now()})


async def arrive(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, *, holder: uuid.UUID | None = None) -> Alarm:
    """Say that somebody is with the resident. Once somebody is, it changes nothing.

    Raises ``AlarmClosed``, and ``AlarmAlreadyAcknowledged`` as ``depart`` does.
    """
    alarm = await _taken(session, actor, alarm_id)
    if alarm.state == AlarmState.ON_SCENE:
        return alarm
    _require_meant(actor, alarm, holder)
    first = sa.func.coalesce(col(Alarm.on_scene_at), clock.now())
    return await _progress(session, actor, alarm, Action.ARRIVE, {"on_scene_at": first})


async def resolve(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, *, outcome: str, note: str | None) -> Alarm:
    """End an alarm and tell everyone who was told; raises ``AlarmClosed``."""
    alarm = await _taken(session, actor, alarm_id)
    return await close_alarm(session, actor, alarm, Action.RESOLVE, outcome=outcome, note=note)


async def cancel(
    session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, *, sos_ids: Sequence[uuid.UUID] = ()
) -> Alarm:
    """Take one's own alarm back while its countdown runs, before anybody was told.

    ``sos_ids`` are the calls for help that are meant: whoever called again since is still to be helped, whichever of
    them came first. Raises ``Forbidden`` for anybody but the resident, ``CalledAgain``, ``CountdownOver`` later,
    ``AlarmClosed`` once it is over.
    """
    (alarm,) = await lock_alarms(session, [alarm_id])
    if actor.resident_id != alarm.resident_id:
        raise Forbidden("only the resident can take their alarm back")
    if alarm.state == AlarmState.CANCELLED:
        return alarm
    if alarm.state not in OPEN_STATES:
        raise AlarmClosed
    if sos_ids and await called_again(session, alarm.id, sos_ids):
        raise CalledAgain
    try:
        return await close_alarm(session, actor, alarm, Action.CANCEL, outcome="cancelled")
    except AlarmClosed:
        raise CountdownOver from None


async def _locked(session: AsyncSession, alarm_id: uuid.UUID) -> Alarm:
    (alarm,) = await lock_alarms(session, [alarm_id])
    if alarm.state not in OPEN_STATES:
        raise AlarmClosed(outcome=alarm.outcome)
    return alarm


async def _taken(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID) -> Alarm:
    alarm = await _locked(session, alarm_id)
    return await _take(session, actor, alarm, Action.ACKNOWLEDGE) if alarm.state == AlarmState.RAISED else alarm


def _require_meant(actor: Actor, alarm: Alarm, holder: uuid.UUID | None) -> None:
    if alarm.acknowledged_by not in (actor.id, holder):
        raise AlarmAlreadyAcknowledged(acknowledged_by=str(alarm.acknowledged_by))


async def _take(session: AsyncSession, actor: Actor, alarm: Alarm, action: Action) -> Alarm:
    now = clock.now()
    before = alarm.acknowledged_by
    queued = col(Alarm.desk_queued_at)
    values = {
        "acknowledged_by": actor.id,
        "acknowledged_at": now,
        "first_acknowledged_at": sa.func.coalesce(col(Alarm.first_acknowledged_at), now),
        "desk_taken_at": sa.case((queued.is_not(None), sa.func.coalesce(col(Alarm.desk_taken_at), now))),
    }
    taken = await _moved(session, alarm, action, values, now)
    data = {"from": str(before)} if before else None
    await _record(session, actor, taken, "taken_over" if before else "acknowledged", data)
    await emit(session, AlarmAcknowledged(**about(taken), account_id=actor.id))
    others = [account_id for account_id in await told_accounts(session, taken.id) if account_id != actor.id]
    occasion = f"taken:{actor.id}:{now.isoformat()}"
    await tell(session, TAKEN, taken, others, occasion, variables={"responder": actor.id})
    resident = await account_of(session, taken)
    await tell(session, HELP_IS_COMING, taken, [resident], occasion, variables={"responder": actor.id})
    return taken


async def _progress(
    session: AsyncSession, actor: Actor, alarm: Alarm, action: Action, values: Mapping[str, Any]
) -> Alarm:
    moved = await _moved(session, alarm, action, values, clock.now())
    await _record(session, actor, moved, moved.state)
    state: Literal["en_route", "on_scene"] = "on_scene" if moved.state == AlarmState.ON_SCENE else "en_route"
    await emit(session, AlarmProgressed(**about(moved), account_id=actor.id, state=state))
    return moved


async def _moved(
    session: AsyncSession, alarm: Alarm, action: Action, values: Mapping[str, Any], now: datetime
) -> Alarm:
    """Move the alarm and set the deadline by which something must follow."""
    deadline = now + PROGRESS_WITHIN[TRANSITIONS[action].target]
    moved = await move(session, alarm.id, action, {**values, "next_step_at": deadline})
    if moved is None:
        raise AlarmClosed
    return moved


async def _record(
    session: AsyncSession, actor: Actor, alarm: Alarm, kind: str, data: Mapping[str, object] | None = None
) -> None:
    await insert_entries(session, [entry(alarm, kind, actor.id, data)])
    await audit.record(
        session,
        actor,
        f"alarm:{kind}",
        resident_id=alarm.resident_id,
        object_id=alarm.id,
        community_id=alarm.community_id,
    )
