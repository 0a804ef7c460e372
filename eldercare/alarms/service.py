"""Raising alarms from signals, and standing them down again."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

import orjson
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.events import emit, emit_many
from app.core.parked_rows import stands_aside
from app.core.sealing import seal, unseal
from app.identity.api import close_break_glass, resident_accounts
from eldercare.alarms.models import (
    EVIDENCE_CONTEXT,
    NOTE_CONTEXT,
    OPEN_STATES,
    PLACE_CONTEXT,
    Alarm,
    AlarmEntry,
    AlarmKind,
    AlarmState,
    Severity,
    StoredSignal,
)
from eldercare.alarms.notices import ACCESS_ENDED, AGAIN, AGAIN_LATE, CLOSED, tell
from eldercare.alarms.problems import AlarmClosed
from eldercare.alarms.repository import (
    RAISED_FACTS,
    about,
    entry,
    find_signal,
    insert_alarms,
    insert_entries,
    insert_signals,
    lock_alarms,
    lock_open,
    move,
    reasons_for,
    told_accounts,
)
from eldercare.alarms.rules import (
    Action,
    AlarmSignal,
    Joined,
    Slot,
    Standing,
    Word,
    is_repetition,
    join,
    pressed_before,
    pressed_last,
    takes_back,
)
from eldercare.escalation.views import plans_in_force
from eldercare.events import AlarmCancelled, AlarmJoined, AlarmRaised, AlarmResolved
from eldercare.shifts.views import desk as desk_of
from notifications.api import Value

__all__ = [
    "AlarmKind",
    "AlarmSignal",
    "Severity",
    "Word",
    "close_alarm",
    "note",
    "raise_alarm",
    "raise_alarms",
    "stand_down",
]

LADDERS = "eldercare.ladders"
"""The wake-up channel of alarms whose next step is due."""

_TRIES = 4


async def raise_alarm(session: AsyncSession, actor: Actor, signal: AlarmSignal) -> Alarm:
    """Raise an alarm, or let the signal join the resident's open one, and return that alarm.

    A signal whose ``client_key`` was seen before changes nothing, if it is a repetition: the alarm it went into, even
    if that is over, is returned.
    """
    while signal.client_key is not None:
        known = await find_signal(session, signal.resident_id, signal.client_key)
        if known is None:
            break
        alarm, known_at = known
        if is_repetition(signal.occurred_at, known_at, alarm.closed_at, clock.now()):
            return alarm
        signal = replace(signal, client_key=uuid.uuid5(alarm.id, str(signal.client_key)))
    alarms = await raise_alarms(session, [signal], actor)
    return alarms[signal.slot]


async def raise_alarms(
    session: AsyncSession,
    signals: Sequence[AlarmSignal],
    actor: Actor | None = None,
    *,
    joining: Sequence[AlarmSignal] = (),
) -> dict[Slot, Alarm]:
    """Raise an alarm per resident (SOS and exercises apart) or join the open one; return them by their slot.

    Those of ``joining`` raise none: they join what is open where they belong, if anything is. Set-based: a morning's
    worth of signals costs a fixed number of statements plus one per alarm that was joined. Alarms are opened first and
    then locked, each in order: who has both to do in one transaction does it in one call, or two such transactions can
    wait for each other in a circle. Without an ``actor`` it is Hearthline itself that raises them.
    """
    by_slot = _by_slot([*signals, *joining])
    opened, joined = await _open_or_find(session, by_slot, {signal.slot for signal in signals}, actor)
    stored = {slot: [_stored(alarm, signal) for signal in by_slot[slot]] for slot, alarm in (opened | joined).items()}
    if stored:
        await insert_signals(session, [row for rows in stored.values() for row in rows])
    await _announce(session, opened, stored, actor)
    for slot, alarm in (opened | joined).items():
        following = by_slot[slot][1:] if slot in opened else by_slot[slot]
        for signal in following:
            if not signal.is_over:
                await _join(session, alarm, signal, actor)
    if opened or joined:
        wakeups.request(session, LADDERS)
    return opened | joined


def _by_slot(signals: Sequence[AlarmSignal]) -> dict[Slot, list[AlarmSignal]]:
    """Return the signals by where they belong, the worst first."""
    by_slot: defaultdict[Slot, list[AlarmSignal]] = defaultdict(list)
    for signal in sorted(signals, key=lambda signal: -signal.severity):
        by_slot[signal.slot].append(signal)
    return dict(by_slot)


async def join_alarm(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, signal: AlarmSignal) -> Alarm:
    """Let a signal join this alarm and return it; raises ``AlarmClosed`` if it is over."""
    (alarm,) = await lock_alarms(session, [alarm_id])
    if alarm.state not in OPEN_STATES:
        raise AlarmClosed
    await insert_signals(session, [_stored(alarm, signal)])
    await _join(session, alarm, signal, actor)
    wakeups.request(session, LADDERS)
    return alarm


async def note(session: AsyncSession, alarm_id: uuid.UUID, kind: str, data: Mapping[str, object]) -> bool:
    """Add a line to the timeline of an alarm that is still open; say whether it was. Nothing else changes."""
    alarms = await lock_alarms(session, [alarm_id])
    if not alarms or alarms[0].state not in OPEN_STATES:
        return False
    await insert_entries(session, [entry(alarms[0], kind, None, data)])
    return True


async def stand_down(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, *, word: Word, reason: str
) -> Alarm | None:
    """Resolve the resident's open alarm if ``word`` takes back all there is to it, and tell everyone who was told.

    Returns the alarm, or ``None`` if there is none or there is more to it. ``reason`` is a word for the timeline. No
    word of this kind speaks of an SOS or an exercise. Features give it through ``eldercare.signals``, which lets hints
    that the word says nothing of wait again.
    """
    slot = Slot(resident_id, is_test=False, stands_alone=False)
    alarm = (await lock_open(session, [slot])).get(slot)
    if alarm is None or not takes_back(word, await reasons_for(session, alarm.id)):
        return None
    return await close_alarm(session, actor, alarm, Action.STAND_DOWN, outcome=reason)


async def close_alarm(
    session: AsyncSession, actor: Actor, alarm: Alarm, action: Action, *, outcome: str, note: str | None = None
) -> Alarm:
    """End a locked alarm: the ladder stops, emergency access ends, and everyone who was told is told.

    Cancelling works only while the countdown runs and nobody was told. Raises ``AlarmClosed`` where ``action`` is not
    allowed any more.
    """
    now = clock.now()
    values = {
        "next_step_at": None,
        "closed_at": now,
        "closed_by": _id_of(actor),
        "outcome": outcome,
        "note": seal(note, NOTE_CONTEXT) if note else None,
    }
    in_countdown = (col(Alarm.countdown_until) > now, col(Alarm.step) == 0) if action == Action.CANCEL else ()
    closed = await move(session, alarm.id, action, values, *in_countdown)
    if closed is None:
        raise AlarmClosed
    await insert_entries(session, [entry(closed, closed.state, _id_of(actor), {"outcome": outcome})])
    if action == Action.CANCEL:
        await emit(session, AlarmCancelled(**about(closed)))
    else:
        await emit(session, AlarmResolved(**about(closed), outcome=outcome))
    await audit.record(
        session,
        actor,
        f"alarm:{action}",
        resident_id=closed.resident_id,
        object_id=closed.id,
        community_id=closed.community_id,
        details={"outcome": outcome},
    )
    told = [account_id for account_id in await told_accounts(session, closed.id) if account_id != actor.id]
    await tell(session, CLOSED, closed, told, "closed", variables={"outcome": outcome})
    await _end_access(session, closed)
    return closed


async def _end_access(session: AsyncSession, alarm: Alarm) -> None:
    """Close the emergency access the alarm opened, and tell the resident that there was one."""
    ended = await close_break_glass(session, alarm.id)
    if ended:
        account_id = await account_of(session, alarm)
        variables: dict[str, Value] = {"people": ended, "raised_at": alarm.raised_at}
        await tell(session, ACCESS_ENDED, alarm, [account_id], "access_ended", variables=variables)


async def account_of(session: AsyncSession, alarm: Alarm) -> uuid.UUID:
    """Return the account of the alarm's resident."""
    return (await resident_accounts(await session.connection(), [alarm.resident_id]))[alarm.resident_id]


async def _open_or_find(
    session: AsyncSession, signals: dict[Slot, list[AlarmSignal]], raising: set[Slot], actor: Actor | None
) -> tuple[dict[Slot, Alarm], dict[Slot, Alarm]]:
    """Return the alarms that were opened and those that were open already (locked), together one per slot.

    In a slot that is not among ``raising`` none is opened: it is left out unless one is open there.
    """
    homes = {slot.resident_id: signals[slot][0].community_id for slot in raising}
    plans = await plans_in_force(await session.connection(), homes) if homes else {}
    opened: dict[Slot, Alarm] = {}
    joined: dict[Slot, Alarm] = {}
    missing, looked_for = sorted(raising), signals.keys() - raising
    for _ in range(_TRIES):
        fresh = {slot: _alarm(signals[slot][0], plans[slot.resident_id], actor) for slot in missing}
        inserted = await insert_alarms(session, list(fresh.values()))
        new = {slot: alarm for slot, alarm in fresh.items() if alarm.id in inserted}
        opened |= new
        rest = [slot for slot in missing if slot not in new]
        if rest or looked_for:
            joined |= await lock_open(session, [*rest, *looked_for])
        # An alarm that kept us from opening ours may have been closed before we locked it: then ours is opened.
        missing, looked_for = [slot for slot in rest if slot not in joined], set()
        if not missing:
            break
    if missing:
        raise AlarmClosed("the alarm was closed while a signal joined it; try again")
    if opened:
        opened = await lock_open(session, opened)
    return opened, joined


def _alarm(signal: AlarmSignal, plan_id: uuid.UUID | None, actor: Actor | None) -> Alarm:
    now = clock.now()
    rings_at = now + signal.countdown if signal.countdown else now
    return Alarm(
        community_id=signal.community_id,
        resident_id=signal.resident_id,
        kind=signal.kind,
        severity=signal.severity,
        state=AlarmState.RAISED,
        is_test=signal.is_test,
        stands_alone=signal.slot.stands_alone,
        raised_at=now,
        raised_by=_id_of(actor),
        pressed_at=pressed_before(signal.kind, signal.occurred_at, now),
        countdown_until=rings_at if signal.countdown else None,
        plan_id=plan_id,
        next_step_at=rings_at,
        place=_place(signal, None),
    )


def _place(signal: AlarmSignal, before: str | None) -> str | None:
    """Return where it happened, sealed: where the signal says, unless what is known already is of later."""
    if signal.place is None:
        return before
    known = orjson.loads(unseal(before, PLACE_CONTEXT)).get("at") if before else None
    if known and datetime.fromisoformat(known) > signal.occurred_at:
        return before
    return seal(orjson.dumps(asdict(signal.place) | {"at": signal.occurred_at}).decode(), PLACE_CONTEXT)


def _stored(alarm: Alarm, signal: AlarmSignal) -> StoredSignal:
    origin_kind, origin_id = signal.origin or (None, None)
    rule_kind, rule_id = signal.rule or (None, None)
    evidence = dict(signal.evidence)
    return StoredSignal(
        alarm_id=alarm.id,
        resident_id=alarm.resident_id,
        kind=signal.kind,
        severity=signal.severity,
        is_hint=signal.is_hint,
        occurred_at=signal.occurred_at,
        origin_kind=origin_kind,
        origin_id=origin_id,
        rule_kind=rule_kind,
        rule_id=rule_id,
        client_key=signal.client_key,
        evidence=seal(orjson.dumps(evidence).decode(), EVIDENCE_CONTEXT) if evidence else None,
    )


async def _announce(
    session: AsyncSession,
    opened: dict[Slot, Alarm],
    stored: dict[Slot, list[StoredSignal]],
    actor: Actor | None,
) -> None:
    """Write the first line of each new alarm's timeline and emit its fact."""
    if not opened:
        return
    entries: list[AlarmEntry] = []
    for slot, alarm in opened.items():
        data = {"kind": alarm.kind, "severity": Severity(alarm.severity).label, "signal_id": str(stored[slot][0].id)}
        if alarm.countdown_until:
            data["countdown_until"] = alarm.countdown_until.isoformat()
        entries.append(entry(alarm, "raised", _id_of(actor), data))
    await insert_entries(session, entries)
    await emit_many(session, AlarmRaised, RAISED_FACTS, {"alarm_ids": [alarm.id for alarm in opened.values()]})
    if actor is not None:
        for alarm in opened.values():
            await audit.record(session, actor, action="alarm:raise", resident_id=alarm.resident_id, object_id=alarm.id)


async def _join(session: AsyncSession, alarm: Alarm, signal: AlarmSignal, actor: Actor | None) -> None:
    """Let a signal join a locked open alarm: it may get worse and call everybody again, never later."""
    before = AlarmState(alarm.state)
    now = clock.now()
    deadline = alarm.next_step_at
    if deadline is None:
        raise AlarmClosed
    # A step that failed is tried again within seconds, from where the alarm stands then: its deadline is the queue's.
    is_aside = stands_aside(deadline)
    standing = _standing(alarm, now if is_aside else deadline)
    joined = join(standing, signal.kind, signal.severity, signal.countdown, now)
    responder = alarm.acknowledged_by
    if joined.worse:
        alarm.kind, alarm.severity = signal.kind, joined.severity
    late = pressed_before(signal.kind, signal.occurred_at, now)
    if signal.kind == AlarmKind.SOS:
        alarm.pressed_at = pressed_last(alarm.pressed_at, late)
    alarm.place = _place(signal, alarm.place)
    alarm.step, alarm.round = joined.step, joined.round
    alarm.next_step_at = deadline if is_aside else joined.next_step_at
    alarm.countdown_until = joined.countdown_until
    alarm.updated_at = now  # whoever follows the resident live is told that there is more to it
    await session.flush()
    if joined.renewed and before != AlarmState.RAISED:
        await move(session, alarm.id, Action.RENEW, {"acknowledged_by": None, "acknowledged_at": None})
    await _record_joining(session, alarm, signal, joined, actor)
    if joined.renewed:
        resident = await account_of(session, alarm)
        desk = (await desk_of(await session.connection(), alarm.community_id, now, besides=resident)).reached(None)
        called = await told_accounts(session, alarm.id)
        again = [*([responder] if responder else []), *called, *desk]
        notice, when = (AGAIN, None) if late is None else (AGAIN_LATE, {"pressed_at": late})
        await tell(session, notice, alarm, again, f"{alarm.round}:again", variables=when)


def _standing(alarm: Alarm, next_step_at: datetime) -> Standing:
    return Standing(
        severity=Severity(alarm.severity),
        is_told=alarm.step > 0 or alarm.acknowledged_by is not None,
        step=alarm.step,
        round=alarm.round,
        next_step_at=next_step_at,
        countdown_until=alarm.countdown_until,
    )


async def _record_joining(
    session: AsyncSession, alarm: Alarm, signal: AlarmSignal, joined: Joined, actor: Actor | None
) -> None:
    data = {"kind": signal.kind, "severity": signal.severity.label, "renewed": joined.renewed}
    await insert_entries(session, [entry(alarm, "joined", _id_of(actor), data)])
    await emit(
        session,
        AlarmJoined(
            **about(alarm),
            kind=signal.kind,
            severity=signal.severity.label,
            renewed=joined.renewed,
        ),
    )
    if actor is not None:
        await audit.record(session, actor, action="alarm:join", resident_id=alarm.resident_id, object_id=alarm.id)


def _id_of(actor: Actor | None) -> uuid.UUID | None:
    return None if actor is None or actor.kind == "system" else actor.id
