"""Signing the codes of tickets, and the keys that do it."""

import base64
import secrets
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock, sealing
from app.core.access import Actor
from app.core.problems import Conflict
from community.ticket_codes import repository, rules
from community.ticket_codes.models import PRIVATE, TicketKey
from community.ticket_codes.problems import KeyNumbersUsedUp
from community.ticket_codes.rules import Code

_NUMBERS: Final = 256


async def code_for(connection: AsyncConnection, community_id: uuid.UUID, code: Code) -> str:
    """Return the text of a ticket's QR code, signed by the community's key: equal until the ticket or the key changes.

    A community that has no key yet gets one.
    """
    return (await codes_for(connection, community_id, [code]))[0]


async def codes_for(connection: AsyncConnection, community_id: uuid.UUID, codes: Sequence[Code]) -> list[str]:
    """Return the texts of several tickets' QR codes, in their order, as ``code_for`` does."""
    if not codes:
        return []
    key = await _signing_key(connection, community_id)
    until = _end_of_day(max(code.valid_until for code in codes))
    if key.signed_until < until:
        await repository.extend(connection, key.id, until, clock.now())
    seed = base64.b64decode(sealing.unseal(key.private, PRIVATE))
    return [rules.encode(rules.sign(seed, key.number, code)) for code in codes]


async def rotate(session: AsyncSession, actor: Actor, *, compromised: bool) -> None:
    """Let a new key sign the codes of the actor's community from now on.

    The one so far verifies until the last code it signed is over; a ``compromised`` one verifies nothing any more, and
    apps show a new code as soon as they ask for it. Raises ``KeyNumbersUsedUp``, ``Conflict`` if two do it at once.
    """
    now = clock.now()
    keys = await repository.locked_keys(session, actor.community_id)
    number = _next_number(keys, now)
    await repository.retire(session, actor.community_id, now, compromised=compromised)
    await repository.drop(session, actor.community_id, number)
    key = _fresh(actor.community_id, number)
    if not await repository.add(await session.connection(), key):
        raise Conflict
    action = "ticket_key:replace_compromised" if compromised else "ticket_key:rotate"
    await audit.record(session, actor, action, object_id=key.id)


async def _signing_key(connection: AsyncConnection, community_id: uuid.UUID) -> sa.Row[Any]:
    key = await repository.signing_key(connection, community_id)
    if key is None:
        # Somebody else may be first: then theirs is the community's.
        await repository.add(connection, _fresh(community_id, 1))
        key = await repository.signing_key(connection, community_id)
    if key is None:
        raise Conflict
    return key


def _fresh(community_id: uuid.UUID, number: int) -> TicketKey:
    seed = secrets.token_bytes(32)
    now = clock.now()
    return TicketKey(
        community_id=community_id,
        number=number,
        private=sealing.seal(base64.b64encode(seed).decode(), PRIVATE),
        public=rules.public_key(seed),
        valid_from=now,
        signed_until=now,
    )


def _next_number(keys: Sequence[sa.Row[Any]], now: datetime) -> int:
    """Return the number after the newest key's that no key has whose tickets are still to come."""
    taken = {key.number for key in keys if not key.is_compromised and (not key.retired_at or key.signed_until > now)}
    newest = max(keys, key=lambda key: (key.valid_from, key.id), default=None)
    first = 0 if newest is None else newest.number
    for step in range(1, _NUMBERS):
        number = (first + step) % _NUMBERS
        if number not in taken:
            return number
    raise KeyNumbersUsedUp


def _end_of_day(instant: datetime) -> datetime:
    """Return the end of an instant's day (UTC): a key's end is then written once a day, not with every ticket."""
    return datetime.combine(instant.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
