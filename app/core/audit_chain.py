"""The audit trail's proof: entries are chained per community after they were written, and the chain can be verified."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.audit_tables import KEEP
from app.core.database import unit_of_work
from app.core.jobs import Job

log = structlog.get_logger()
GENESIS = b"\0" * 32

# Hashed as one text per entry; unit separators keep neighbouring fields apart, details are hashed as they are sealed.
# An entry without an app is hashed as before there were any: where there is none, concat_ws leaves the field out.
_DIGEST = """
SELECT count(*) AS entries,
       sha256(coalesce(string_agg(sha256(convert_to(concat_ws(E'\\x1f', id, extract(epoch FROM at), community_id,
              actor_kind, actor_id, action, coalesce(resident_id::text, ''), coalesce(object_id::text, ''),
              coalesce(request_id, ''), coalesce(details, ''), xid, app_id), 'UTF8')), ''::bytea ORDER BY xid, id),
              ''::bytea)) AS digest
FROM core_audit_entry
WHERE community_id = :community_id AND xid > CAST(:after AS xid8) AND xid <= CAST(:through AS xid8)
"""
_COUNT_AND_HASH = sa.text(_DIGEST)
# Every transaction below the oldest running one has ended: nothing can still appear there.
_HORIZON = sa.text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) - 1")
# One step of the index per community, where DISTINCT would read the whole trail.
_COMMUNITIES = """
WITH RECURSIVE stepped (community_id) AS (
    (SELECT community_id FROM core_audit_entry ORDER BY community_id LIMIT 1)
    UNION ALL
    SELECT (SELECT n.community_id FROM core_audit_entry n WHERE n.community_id > stepped.community_id
            ORDER BY n.community_id LIMIT 1)
    FROM stepped WHERE stepped.community_id IS NOT NULL
), communities AS (
    SELECT c.community_id, coalesce(last.number, 0) AS number,
           coalesce(last.xid_through, CAST('0' AS xid8)) AS sealed_through
    FROM stepped c
    LEFT JOIN LATERAL (SELECT s.number, s.xid_through FROM core_audit_seal s WHERE s.community_id = c.community_id
                       ORDER BY s.number DESC LIMIT 1) last ON true
    WHERE c.community_id IS NOT NULL
)
"""
_UNSEALED = sa.text(
    _COMMUNITIES  # noqa: S608 - a constant of this module
    + """
SELECT c.community_id, c.number FROM communities c
WHERE EXISTS (
    SELECT 1 FROM core_audit_entry n
    WHERE n.community_id = c.community_id AND n.xid <= CAST(:horizon AS xid8)
      AND n.xid > c.sealed_through)
"""
)
_LAST = sa.text(
    "SELECT number, xid_through, chain FROM core_audit_seal"
    " WHERE community_id = :community_id ORDER BY number DESC LIMIT 1"
)
_SEALS = sa.text(
    "SELECT community_id, number, xid_after, xid_through, entries, digest, chain, sealed_at FROM core_audit_seal"
    " ORDER BY community_id, number"
)
_TAIL = sa.text(
    _COMMUNITIES  # noqa: S608 - a constant of this module
    + """
SELECT coalesce(sum(tail.entries), 0) FROM communities c
CROSS JOIN LATERAL (
    SELECT count(*) AS entries FROM core_audit_entry e
    WHERE e.community_id = c.community_id AND e.xid > c.sealed_through
) tail
"""
)
_INSERT = sa.text(
    "INSERT INTO core_audit_seal (community_id, number, xid_after, xid_through, entries, digest, chain, sealed_at)"
    " VALUES (:community_id, :number, CAST(:after AS xid8), CAST(:through AS xid8), :entries, :digest, :chain, :at)"
)
_SINGLE = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('hearthline.audit_seal', 0))")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found: links that do not hold (community, number), entries sealed, entries not sealed yet."""

    broken: tuple[tuple[uuid.UUID, int], ...]
    seals: int
    sealed_entries: int
    unsealed_entries: int

    @property
    def holds(self) -> bool:
        """Whether every link of every chain holds."""
        return not self.broken


async def seal_entries() -> int:
    """Add a link to the chain of each community with new entries; return how many entries were sealed.

    One worker at a time. Only transactions older than every running one are sealed, so that an entry whose transaction
    commits late is never left out.
    """
    sealed = 0
    async with unit_of_work() as session:
        if not await session.scalar(_SINGLE):
            return 0
        horizon = await session.scalar(_HORIZON)
        for row in (await session.execute(_UNSEALED, {"horizon": horizon})).all():
            last = (await session.execute(_LAST, {"community_id": row.community_id})).one_or_none()
            after, previous = (last.xid_through, bytes(last.chain)) if last else (0, GENESIS)
            span = {"community_id": row.community_id, "after": after, "through": horizon}
            found = (await session.execute(_COUNT_AND_HASH, span)).one()
            number = row.number + 1
            chain = _link(previous, number, bytes(found.digest))
            link = {
                "number": number,
                "entries": found.entries,
                "digest": found.digest,
                "chain": chain,
                "at": clock.now(),
            }
            await session.execute(_INSERT, span | link)
            log.info("audit_checkpoint", community_id=str(row.community_id), number=number, chain=chain.hex())
            sealed += int(found.entries)
    return sealed


async def verify(connection: AsyncConnection) -> Verdict:
    """Recompute every chain from the entries and compare.

    The entries of links older than the trail is kept are gone: there only the links themselves are compared.
    """
    broken: list[tuple[uuid.UUID, int]] = []
    entries = 0
    kept_since = clock.now() - KEEP
    newest: dict[uuid.UUID, datetime] = {}
    previous: dict[uuid.UUID, tuple[int, int, bytes]] = {}
    seals = (await connection.execute(_SEALS)).all()
    for seal in seals:
        number, after, chain = previous.get(seal.community_id, (0, 0, GENESIS))
        # Links are made one after the other: a recent one cannot pass for an old one whose entries may be missing.
        latest = newest[seal.community_id] = max(newest.get(seal.community_id, seal.sealed_at), seal.sealed_at)
        if not await _holds(connection, seal, number + 1, after, chain, is_past=latest < kept_since):
            broken.append((seal.community_id, seal.number))
        previous[seal.community_id] = (seal.number, seal.xid_through, bytes(seal.chain))
        entries += seal.entries
    tail = int(await connection.scalar(_TAIL) or 0)
    return Verdict(tuple(broken), len(seals), entries, tail)


async def _holds(
    connection: AsyncConnection, seal: sa.Row[Any], number: int, after: int, chain: bytes, *, is_past: bool
) -> bool:
    digest = bytes(seal.digest)
    if seal.number != number or seal.xid_after != after or bytes(seal.chain) != _link(chain, number, digest):
        return False
    if is_past:
        return True
    span = {"community_id": seal.community_id, "after": seal.xid_after, "through": seal.xid_through}
    found = (await connection.execute(_COUNT_AND_HASH, span)).one()
    return bool(found.entries == seal.entries and bytes(found.digest) == digest)


def _link(previous: bytes, number: int, digest: bytes) -> bytes:
    return hashlib.sha256(previous + number.to_bytes(8, "big") + digest).digest()


SEAL_JOB = Job(name="core.seal_audit_entries", every=timedelta(seconds=30), run=seal_entries)
