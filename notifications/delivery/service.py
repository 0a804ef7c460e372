"""Sending: notices are written in the caller's transaction, so that a fact and the telling of it commit together."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, set_ids, wakeups
from app.core.database import connection_of, flushed
from notifications.delivery import repository, rules
from notifications.delivery.models import MAX_DATA
from notifications.inbox.models import KEEP as INBOX_KEPT_FOR
from notifications.inbox.rules import wake_channels
from notifications.templates.notices import Notice, Urgency
from notifications.templates.variables import Value, encode

KEY_KEPT_FOR = timedelta(days=92)
REPLAYED_FOR = timedelta(days=1)
_RESERVED_DATA = ("from", "gcm", "google")  # FCM refuses data keys that are or begin with these
_OURS = frozenset({"notice", "notice_id", "delivery_id", "category"})


@dataclass(frozen=True, slots=True)
class Origin:
    """What a notice is sent for: ``DeliverySettled`` comes back with it."""

    kind: str
    id: uuid.UUID


async def send(  # noqa: PLR0913 - one notice has that many sides
    session: AsyncSession,
    notice: Notice,
    recipients: Sequence[uuid.UUID],
    *,
    community_id: uuid.UUID,
    dedupe_key: str,
    variables: Mapping[str, Value] | None = None,
    about: uuid.UUID | None = None,
    origin: tuple[str, uuid.UUID] | Origin | None = None,
    data: Mapping[str, str] | None = None,
    expires_at: datetime | None = None,
    send_at: datetime | None = None,
    collapse_key: str | None = None,
    contact_point_id: uuid.UUID | None = None,
    channels: Sequence[str] | None = None,
) -> list[uuid.UUID]:
    """Write ``notice`` for the accounts ``recipients`` into the session's transaction; return the deliveries' ids.

    A recipient who was given ``dedupe_key`` before gets nothing, and no id is returned for them. ``about`` is the
    resident it is about, ``data`` what the app gets beside the text (ids only), ``collapse_key`` (default:
    ``dedupe_key``) what makes a later message replace this one on the phone, ``contact_point_id`` the only number or
    address to use, ``channels`` which of the notice's channels to use (default: all).
    Raises ``ValueError`` or ``TypeError`` for variables the notice does not declare and data the push service refuses.
    """
    if not recipients:
        return []
    _check_data(data or {})
    origin = Origin(*origin) if isinstance(origin, tuple) else origin
    given = {
        "community_id": community_id,
        "dedupe_key": dedupe_key,
        "variables": encode(notice.variables, variables or {}),
        "data": dict(data or {}),
        "about": about,
        "origin_id": origin.id if origin else None,
        "contact_point_id": contact_point_id,
        "collapse_key": collapse_key,
        "send_at": send_at,
        "expires_at": expires_at,
    }
    binds = {f"given_{name}": value for name, value in given.items()} | {"account_ids": list(recipients)}
    await flushed(session)
    own = statement_binds(notice, origin.kind if origin else None)
    if channels is not None:
        own |= {"channels": [channel for channel in notice.channels if channel in channels]}
    rows = await repository.writing_to_accounts().rows(connection_of(session), binds | own)
    written = [row.id for row in rows]
    if written:
        wake(session, notice)
    _wake_inboxes(session, notice, recipients)
    return written


async def send_many(
    session: AsyncSession,
    notice: Notice,
    recipients: sa.Select[*tuple[Any, ...]],
    *,
    binds: Mapping[str, object] | None = None,
    origin_kind: str | None = None,
    urgency: Urgency | None = None,
) -> int:
    """Write ``notice`` for every row of ``recipients`` in one statement; return how many got it (the others had it).

    ``recipients`` yields ``account_id``, ``community_id``, ``dedupe_key`` and, where wanted, ``variables`` and ``data``
    (jsonb), ``about``, ``origin_id``, ``send_at``, ``expires_at``, ``collapse_key``, ``contact_point_id``, ``channels``
    (text[]: of the notice's channels, in the order to use); ``binds`` are the values of its named parameters, and
    ``origin_kind`` goes with ``origin_id``. ``urgency`` takes the place of the notice's, not its lane's. Call it in
    batches of up to 5,000 rows.
    """
    await session.flush()
    statement = repository.writing(recipients).count
    own = statement_binds(notice, origin_kind) | ({"urgency": urgency} if urgency else {})
    count = await session.scalar(statement, {**(binds or {}), **own})
    if count:
        wake(session, notice)
        _wake_inboxes(session, notice, None)
    return count or 0


def wake(session: AsyncSession, notice: Notice) -> None:
    """Wake the workers of the notice's lane once the session committed."""
    if notice.outgoing:
        wakeups.request(session, rules.wake_channel(rules.lane_of(notice.urgency)))


def _wake_inboxes(session: AsyncSession, notice: Notice, accounts: Sequence[uuid.UUID] | None) -> None:
    if "inbox" in notice.channels:
        for channel in wake_channels(accounts):
            wakeups.request(session, channel)


def statement_binds(notice: Notice, origin_kind: str | None = None) -> dict[str, object]:
    """Return the binds of the statement that writes ``notice`` which are the same for each of its recipients."""
    now = clock.now()
    return {
        "minted_at": set_ids.minted_at(),
        "written_at": now,
        "stale_at": now + notice.useful_for,
        "forget_at": now + KEY_KEPT_FOR,
        "inbox_until": now + INBOX_KEPT_FOR,
        "channels": list(notice.channels),
        "first_only": notice.mode == "first",
        "notice_key": notice.key,
        "category": notice.category,
        "urgency": notice.urgency,
        "lane": rules.lane_number(rules.lane_of(notice.urgency)),
        "origin_kind": origin_kind,
    }


def _check_data(data: Mapping[str, str]) -> None:
    refused = [name for name in data if name in _OURS or name.startswith(_RESERVED_DATA)]
    if refused:
        raise ValueError(f"data must not use the names {', '.join(sorted(refused))}")
    # A little tighter than the table, which counts blanks too: whatever passes here can be stored.
    if len(orjson.dumps(data)) + 2 * len(data) > MAX_DATA:
        raise ValueError(f"data must not take more than {MAX_DATA} bytes")


async def replay(
    session: AsyncSession, delivery_ids: Sequence[uuid.UUID] | None = None, *, community_id: uuid.UUID | None = None
) -> int:
    """Give parked deliveries a fresh set of attempts; return how many, of ``community_id`` if it is given.

    Those that are named get a day to be of use. Unless they are named, all that are still of use, for as long as they
    are, and whose notice did not arrive over a fallback.
    """
    now = clock.now()
    binds: dict[str, object] = {"of_community": community_id, "now": now}
    if delivery_ids is None:
        result = await session.execute(repository.REPLAY_ALL, binds)
    else:
        binds |= {"delivery_ids": list(delivery_ids), "useful_until": now + REPLAYED_FOR}
        result = await session.execute(repository.REPLAY_NAMED, binds)
    for lane in rules.LANES:
        wakeups.request(session, rules.wake_channel(lane))
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


async def suppress_about(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> int:
    """Take back what is not critical and not yet sent about residents; return how many deliveries that were."""
    binds = {"resident_ids": list(resident_ids), "now": clock.now()}
    result = await session.execute(repository.SUPPRESS_ABOUT, binds)
    return int(result.rowcount)  # type: ignore[attr-defined]


async def withdraw(session: AsyncSession, origin_kind: str, origin_ids: Sequence[uuid.UUID]) -> int:
    """Take back what was sent for these origins and is of no use any more; return how many deliveries that spared.

    What waits is not sent, and nothing takes the place of what was sent and not confirmed. Nobody is told of it.
    """
    if not origin_ids:
        return 0
    binds = {"origin_ids": list(origin_ids), "of_kind": origin_kind, "now": clock.now()}
    states = await session.scalars(repository.WITHDRAW, binds)
    return sum(state == "suppressed" for state in states)
