"""The SQL that notes when homes were heard, and what of it a broker may send again."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.database import connection_of
from app.core.statements import HotStatement
from community.home_inbox.models import RECEIPTS

# A row somebody holds is left for the next minute: nobody waits for a note of when something was heard.
_SEEN: Final = HotStatement(
    sa.text("""
        UPDATE community_home t SET last_seen_at = free.at FROM (
            SELECT h.id, n.at FROM unnest(:ids, :ats) AS n (id, at) JOIN community_home h ON h.id = n.id
            ORDER BY h.id FOR NO KEY UPDATE OF h SKIP LOCKED
        ) free WHERE t.id = free.id AND (t.last_seen_at IS NULL OR t.last_seen_at < free.at)""").bindparams(
        sa.bindparam("ids", type_=ARRAY(sa.Uuid)), sa.bindparam("ats", type_=ARRAY(sa.DateTime(timezone=True)))
    )
)
_CLEAR: Final = HotStatement(
    sa.text("""
        UPDATE community_home_state SET look_at = NULL, held_until = NULL, off_at = NULL, expires_at = NULL
        WHERE entity_id = ANY(:ids)""").bindparams(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
)

_WHICH: Final = (sa.bindparam("sessions", type_=ARRAY(sa.Text)), sa.bindparam("packet_ids", type_=ARRAY(sa.Integer)))
_DIGESTS: Final = HotStatement(
    sa.text("""
        SELECT session, packet_id, digest FROM community_home_receipt
        JOIN unnest(:sessions, :packet_ids) AS asked (session, packet_id) USING (session, packet_id)""").bindparams(
        *_WHICH
    )
)
_FREE: Final = HotStatement(
    sa.text("""
        DELETE FROM community_home_receipt r USING unnest(:sessions, :packet_ids) AS free (session, packet_id)
        WHERE r.session = free.session AND r.packet_id = free.packet_id""").bindparams(*_WHICH)
)
_ADD: Final = HotStatement(
    sa.text("""
        INSERT INTO community_home_receipt (session, packet_id, digest, heard_at)
        SELECT * FROM unnest(:sessions, :packet_ids, :digests, :ats) ORDER BY 1, 2
        ON CONFLICT (session, packet_id) DO UPDATE SET digest = excluded.digest, heard_at = excluded.heard_at
        """).bindparams(
        *_WHICH,
        sa.bindparam("digests", type_=ARRAY(sa.BigInteger)),
        sa.bindparam("ats", type_=ARRAY(sa.DateTime(timezone=True))),
    )
)
_FORGET: Final = sa.delete(RECEIPTS).where(
    RECEIPTS.c.session == sa.bindparam("session", type_=sa.Text),
    RECEIPTS.c.heard_at < sa.bindparam("before", type_=sa.DateTime(timezone=True)),
)
_FORGET_OLD: Final = sa.delete(RECEIPTS).where(
    RECEIPTS.c.heard_at < sa.bindparam("before", type_=sa.DateTime(timezone=True))
)
_TRANSACTION: Final = HotStatement(sa.text("SELECT CAST(pg_current_xact_id_if_assigned() AS text) AS id"))
_STATUS: Final = HotStatement(
    sa.text("SELECT pg_xact_status(CAST(:id AS xid8)) AS status").bindparams(sa.bindparam("id", type_=sa.Text))
)

Name = tuple[str, int]
"""What a broker calls a message: our session with it, and the packet id within that."""


class Receipt(NamedTuple):
    """What a message is known by when it comes again."""

    name: Name
    digest: int
    heard_at: datetime


async def digests(session: AsyncSession, names: Collection[Name]) -> dict[Name, int]:
    """Return, of the messages that were stored last under these names, the digests of those that have a receipt."""
    rows = await _DIGESTS.rows(connection_of(session), _named(names))
    return {(row.session, row.packet_id): row.digest for row in rows}


async def keep_receipts(session: AsyncSession, receipts: Sequence[Receipt], free: Collection[Name]) -> None:
    """Keep ``receipts``, one of a name; the names in ``free`` belong to messages that need none."""
    if free:
        await _FREE.row(connection_of(session), _named(free))
    if receipts:
        more = {"digests": [one.digest for one in receipts], "ats": [one.heard_at for one in receipts]}
        await _ADD.row(connection_of(session), _named([one.name for one in receipts]) | more)


async def forget_receipts(session: AsyncSession, name: str, before: datetime) -> None:
    """Forget what was stored of a gateway's session before an instant."""
    await session.execute(_FORGET, {"session": name, "before": before})


async def forget_old_receipts(session: AsyncSession, before: datetime) -> None:
    """Forget what was stored of sessions that there are no more."""
    await session.execute(_FORGET_OLD, {"before": before})


async def transaction_of(session: AsyncSession) -> str | None:
    """Return the name of the session's transaction, if it has written anything."""
    row = await _TRANSACTION.row(connection_of(session), {})
    return None if row is None else row["id"]


async def status_of(connection: AsyncConnection, transaction: str) -> str | None:
    """Return whether a transaction is ``committed``, ``aborted`` or ``in progress``; ``None`` if it is long ago."""
    row = await _STATUS.row(connection, {"id": transaction})
    return None if row is None else row["status"]


def _named(names: Collection[Name]) -> dict[str, list[Any]]:
    return {"sessions": [name[0] for name in names], "packet_ids": [name[1] for name in names]}


async def note_homes(session: AsyncSession, seen: Mapping[uuid.UUID, datetime]) -> None:
    """Note when homes were heard."""
    if seen:
        await _SEEN.row(connection_of(session), {"ids": list(seen), "ats": list(seen.values())})


async def expect_nothing(session: AsyncSession, ids: Collection[uuid.UUID]) -> None:
    """Let no deadline of entities that are gone come up again, not even when they come back."""
    if ids:
        await _CLEAR.row(connection_of(session), {"ids": list(ids)})
