"""Releasing what waited: one message as itself, several as one, and what is stale not at all."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from app.identity import api as identity
from notifications.delivery.rules import LANES, wake_channel
from notifications.delivery.service import send_many
from notifications.digests import repository
from notifications.digests.notices import DIGEST
from notifications.preferences.rules import NOTHING_CHOSEN, quiet_until
from notifications.preferences.views import choices_of

WAKE_CHANNEL = "notifications.digests"


async def release(session: AsyncSession, digest_ids: Sequence[uuid.UUID]) -> None:
    """Release digests that are due, which the caller holds locked; who is in quiet hours now waits for their end.

    All in one transaction, with the digest's row removed: after a crash it is done again from the start, or not at all.
    """
    due = await repository.gathered(session, digest_ids)
    waiting = await _postpone(session, due)
    ready = [digest.id for digest in due if digest.id not in waiting]
    if not ready:
        return
    await repository.expire(session, ready)
    await repository.gather(session, ready)
    await repository.conclude(session, await repository.silenced(session, ready), "suppressed", is_final=True)
    await send_many(session, DIGEST, repository.DIGEST_RECIPIENTS, binds={"digest_ids": ready})
    await repository.remove(session, ready)
    for lane in LANES:
        wakeups.request(session, wake_channel(lane))


async def _postpone(session: AsyncSession, due: Sequence[repository.Gathered]) -> set[uuid.UUID]:
    """Let those wait on whose person is left alone by now, and return them.

    They may have chosen other hours since, or live by another time zone.
    """
    accounts = {digest.account_id for digest in due}
    connection = await session.connection()
    chosen = await choices_of(connection, accounts)
    people = await identity.people(connection, chosen)
    now = clock.now()
    moves = []
    for digest in due:
        choices, person = chosen.get(digest.account_id, NOTHING_CHOSEN), people.get(digest.account_id)
        until = quiet_until(choices.quiet, person.time_zone, now) if person else now
        if until > now:
            moves.append((digest, until))
    if moves:
        await repository.move(session, moves)
    return {digest.id for digest, _ in moves}


async def look_again(session: AsyncSession, account_ids: Sequence[uuid.UUID]) -> None:
    """Let what waits for the end of quiet hours be due, for people whose hours are not what they were."""
    waiting = await repository.waiting_for_quiet_hours(session, account_ids)
    if waiting:
        now = clock.now()
        await repository.move(session, [(digest, now) for digest in waiting])
        wakeups.request(session, WAKE_CHANNEL)
