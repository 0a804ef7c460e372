"""Calling for what homes notice, each of it once, and ending what the home itself can say is over."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import system_actor
from eldercare.absences.rules import away_at
from eldercare.absences.views import times_away
from eldercare.home_watch import repository, rules
from eldercare.home_watch.rules import Known, Notice, Settled
from eldercare.outings.views import in_remote_care
from eldercare.signals import service as signals
from eldercare.signals.repository import take_turns

OUTCOME: Final = "settled_at_home"


async def home_noticed(session: AsyncSession, notices: Sequence[Notice]) -> list[Notice]:
    """Call for what homes noticed, or keep it as a hint where it may be nothing; return what concerned nobody.

    That is what says only that nobody moves of a resident who is away, and what is no hazard where nobody agreed to be
    called. Told of again it changes nothing, nor does what the home has taken back meanwhile, whatever came first.
    """
    if not notices:
        return []
    residents = {one.resident_id for one in notices}
    await take_turns(session, residents)  # all of them before anything is read that another may be writing
    known = await repository.known(session, {one.incident_id for one in notices})
    new = _new(notices, known)
    if not new:
        return []
    await repository.note_noticed(session, new, frozenset(one.id for one in new if rules.is_hint(one)))
    standing = [one for one in new if not _is_over(one, known)]
    concerning = await _concerning(session, standing)
    given = [rules.signal(one) for one in concerning]
    hints = [one for one in given if one.is_hint]
    await signals.hint(session, hints, beside=[one for one in given if not one.is_hint])
    return [one for one in standing if one not in concerning]


async def home_settled(session: AsyncSession, settled: Sequence[Settled]) -> None:
    """End the alarms of what is over at home, as far as a home can say so and nothing else keeps them open.

    Hints wait no more. Smoke, gas, water, a fall, an SOS, cold and heat are ended by whoever has looked.
    """
    if not settled:
        return
    await take_turns(session, {one.resident_id for one in settled})
    await repository.note_settled(session, settled)
    known = await repository.known(session, {one.incident_id for one in settled})
    ended = [
        one
        for one in sorted(settled, key=lambda one: (one.resident_id, one.incident_id))  # in one order: each is a lock
        if rules.is_over(one.kind, known[one.incident_id].noticed_at, known[one.incident_id].settled_at)
    ]
    over = await repository.over(session, {one.resident_id for one in ended})
    for one in ended:
        await signals.withdraw(session, one.resident_id, rules.ORIGIN, [one.incident_id])
        word = rules.taken_back(one, over.get(one.resident_id, frozenset()))
        await signals.stand_down(session, system_actor(one.community_id), one.resident_id, word=word, reason=OUTCOME)


def _new(notices: Sequence[Notice], known: dict[uuid.UUID, Known]) -> list[Notice]:
    """Return what says more than is known, the worst of each incident."""
    worst: dict[uuid.UUID, Notice] = {}
    for one in sorted(notices, key=lambda one: (one.severity, one.noticed_at)):
        if rules.is_new(one, known.get(one.incident_id)):
            worst[one.incident_id] = one
    return list(worst.values())


def _is_over(notice: Notice, known: dict[uuid.UUID, Known]) -> bool:
    before = known.get(notice.incident_id)
    return before is not None and rules.is_over(notice.kind, notice.noticed_at, before.settled_at)


async def _concerning(session: AsyncSession, notices: Sequence[Notice]) -> list[Notice]:
    if not notices:
        return []
    connection = await session.connection()
    residents = {one.resident_id for one in notices}
    in_care = await in_remote_care(connection, residents)
    away = await times_away(connection, residents, min(one.noticed_at for one in notices))
    return [
        one
        for one in notices
        if rules.concerns(
            one,
            is_in_care=one.resident_id in in_care,
            is_away=away_at(away.get(one.resident_id, []), one.noticed_at) is not None,
        )
    ]
