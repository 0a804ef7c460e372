"""Raising alarms for what was found at homes, each once, and ending those of closed doors once somebody is heard."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import system_actor
from eldercare.absences.rules import away_at
from eldercare.absences.views import times_away
from eldercare.alarms.models import AlarmKind
from eldercare.alarms.repository import find_by_client_key
from eldercare.alarms.service import raise_alarms
from eldercare.home_help import rules, views
from eldercare.home_help.rules import Finding
from eldercare.signals.repository import take_turns
from eldercare.signals.service import stand_down


async def resident_unwell(session: AsyncSession, findings: Sequence[Finding]) -> None:
    """Raise an alarm for everyone who was found unwell; told of again, however late, it changes nothing.

    Who was seen is there, whatever was stated of a stay away.
    """
    await _raise(session, AlarmKind.FOUND_UNWELL, findings)


async def nobody_answered(session: AsyncSession, findings: Sequence[Finding]) -> list[Finding]:
    """Raise an alarm for everyone who did not answer the door, and return the findings of who was away by then.

    For these nobody is called, nor for who said that all is well after a door stayed closed of which is told late. Told
    of again it changes nothing.
    """
    residents = {one.resident_id for one in findings}
    since = min(one.found_at for one in findings)
    connection = await session.connection()
    away = await times_away(connection, residents, since)
    heard = await views.heard_since(connection, residents, since)
    absent = [one for one in findings if away_at(away.get(one.resident_id, []), one.found_at)]
    there = [
        one
        for one in findings
        if one not in absent and (one.resident_id not in heard or heard[one.resident_id] < one.found_at)
    ]
    await _raise(session, AlarmKind.NO_ANSWER_AT_DOOR, there)
    return absent


async def resident_let_in(session: AsyncSession, lets: Mapping[uuid.UUID, tuple[uuid.UUID, datetime]]) -> None:
    """End the alarms of closed doors of residents who have let somebody in since: resident → order and when."""
    await _end(session, lets, "let_in")


async def heard_from(session: AsyncSession, check_in_ids: Sequence[uuid.UUID]) -> None:
    """End the alarms of closed doors of residents who said since that all is well."""
    words = await views.all_clears(await session.connection(), check_in_ids)
    await _end(session, words, "heard_from")


async def _raise(session: AsyncSession, kind: AlarmKind, findings: Sequence[Finding]) -> None:
    new = [
        one
        for one in sorted(findings, key=lambda finding: finding.id)  # in one order: each is a lock
        if await find_by_client_key(session, one.resident_id, rules.key(one, kind)) is None
    ]
    if new:
        await raise_alarms(session, [rules.signal(one, kind) for one in new])


async def _end(session: AsyncSession, words: Mapping[uuid.UUID, tuple[uuid.UUID, datetime]], reason: str) -> None:
    open_for = await views.with_closed_door(await session.connection(), words)
    if not open_for:
        return
    await take_turns(session, open_for)  # all of them before any alarm is locked
    for resident_id in sorted(open_for):
        answers, given_at = words[resident_id]
        actor = system_actor(open_for[resident_id])
        await stand_down(session, actor, resident_id, word=rules.heard(answers, given_at), reason=reason)
