"""Putting small things together: several within some hours are one alarm, and any alarm is told of them."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.sealing import seal, unseal
from app.core.settings import settings
from eldercare.alarms import service as alarms
from eldercare.alarms.models import Alarm
from eldercare.alarms.rules import Reason, Slot, Word, call_together, speaks_of
from eldercare.alarms.service import AlarmSignal, Severity, raise_alarms
from eldercare.signals import repository
from eldercare.signals.models import HINT_EVIDENCE_CONTEXT, Hint

__all__ = ["hint", "stand_down", "tell_alarms", "withdraw"]


async def hint(session: AsyncSession, hints: Sequence[AlarmSignal], *, beside: Sequence[AlarmSignal] = ()) -> None:
    """Take things that by themselves call nobody.

    Where an alarm about the resident is open, they join it. Where other things that call nobody by themselves happened
    within ``HEARTHLINE_SIGNALS_WITHIN_HOURS``, all of them together are one alarm. Otherwise they wait so long for one.
    Each names its origin, by which it is taken once, and keeps the rule it came by and its evidence, so that the alarm
    it becomes part of can say by which rules it came. What happened ``beside`` them and does call somebody is raised
    with them, so that all these alarms are locked in one order. To be called before anything that locks an alarm.
    """
    residents = {one.resident_id for one in (*hints, *beside)}
    if not residents:
        return
    await repository.take_turns(session, residents)
    if hints:
        await repository.keep(session, [_hint(one) for one in hints])
    await _tell(session, residents, beside)


async def stand_down(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, *, word: Word, reason: str
) -> Alarm | None:
    """Resolve the resident's open alarm as ``alarms.service.stand_down`` does, and return the same.

    Of what had joined it the word says nothing: such hints wait again for whatever else happens within their hours. To
    be called before anything that locks an alarm.
    """
    await repository.take_turns(session, [resident_id])
    closed = await alarms.stand_down(session, actor, resident_id, word=word, reason=reason)
    if closed is None:
        return None
    joined = await repository.told_to(session, resident_id, closed.id)
    left = [row.id for row in joined if not speaks_of(word, Reason(row.kind, row.origin_id, row.occurred_at))]
    if left:
        await repository.release(session, left)
    return closed


async def tell_alarms(session: AsyncSession, resident_ids: Iterable[uuid.UUID]) -> None:
    """Let what waits of these residents join the alarms that were raised about them, as far as these are open."""
    residents = set(resident_ids)
    await repository.take_turns(session, residents)
    await _tell(session, residents)


async def withdraw(
    session: AsyncSession, resident_id: uuid.UUID, origin_kind: str, origin_ids: Sequence[uuid.UUID]
) -> None:
    """Take back what turned out to be nothing: it waits no more. What an alarm was told of stays its signal.

    To be called before anything that locks an alarm.
    """
    await repository.take_turns(session, [resident_id])
    await repository.withdraw(session, resident_id, origin_kind, origin_ids)


async def _tell(session: AsyncSession, residents: set[uuid.UUID], beside: Sequence[AlarmSignal] = ()) -> None:
    """Let what waits join the open alarms, and those ``beside`` it; what only waits is one alarm if it calls somebody.

    All in one call, whether it joins or raises: so alarms are locked in one order.
    """
    since = clock.now() - timedelta(hours=settings().signals.within_hours)
    waiting: defaultdict[uuid.UUID, dict[uuid.UUID, AlarmSignal]] = defaultdict(dict)
    for row in await repository.waiting(session, residents, since):
        waiting[row.resident_id][row.id] = _signal(row)
    raising, joining = list(beside), list[AlarmSignal]()
    for hints in waiting.values():
        (raising if call_together(one.kind for one in hints.values()) else joining).extend(hints.values())
    if not (raising or joining):
        return
    alarms_by_slot = await raise_alarms(session, raising, joining=joining)
    told = {
        hint_id: alarms_by_slot[signal.slot].id
        for hints in waiting.values()
        for hint_id, signal in hints.items()
        if signal.slot in alarms_by_slot
    }
    if told:
        await repository.tell(session, told)


def _hint(signal: AlarmSignal) -> Hint:
    if signal.origin is None or signal.slot != Slot(signal.resident_id, is_test=False, stands_alone=False):
        raise ValueError("a hint is about a resident and names what it came from")
    origin_kind, origin_id = signal.origin
    rule_kind, rule_id = signal.rule or (None, None)
    evidence = dict(signal.evidence)
    return Hint(
        community_id=signal.community_id,
        resident_id=signal.resident_id,
        kind=signal.kind,
        occurred_at=signal.occurred_at,
        origin_kind=origin_kind,
        origin_id=origin_id,
        rule_kind=rule_kind,
        rule_id=rule_id,
        evidence=seal(orjson.dumps(evidence).decode(), HINT_EVIDENCE_CONTEXT) if evidence else None,
    )


def _signal(row: Any) -> AlarmSignal:
    return AlarmSignal(
        kind=row.kind,
        severity=Severity.LOW,
        community_id=row.community_id,
        resident_id=row.resident_id,
        occurred_at=row.occurred_at,
        origin=(row.origin_kind, row.origin_id),
        rule=(row.rule_kind, row.rule_id) if row.rule_kind else None,
        evidence=orjson.loads(unseal(row.evidence, HINT_EVIDENCE_CONTEXT)) if row.evidence else {},
        is_hint=True,
    )
