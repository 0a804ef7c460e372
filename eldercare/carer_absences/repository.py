"""The SQL that knows when carers cannot come, and the locks that keep it true while somebody is being sent."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from eldercare.carer_absences.models import CARER_ABSENCES
from eldercare.carer_absences.problems import CarerAbsent

Span = tuple[datetime, datetime]

_INSTANT = sa.DateTime(timezone=True)
_account_ids = sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))
_since, _until = (sa.bindparam(name, type_=_INSTANT) for name in ("since", "until"))
_ABSENCES = (
    sa.select(CARER_ABSENCES.c.account_id, CARER_ABSENCES.c.starts_at, CARER_ABSENCES.c.ends_at)
    .where(
        CARER_ABSENCES.c.account_id == sa.any_(_account_ids),
        CARER_ABSENCES.c.state == sa.literal_column("'in_force'"),
        CARER_ABSENCES.c.ends_at > _since,
        CARER_ABSENCES.c.starts_at < _until,
    )
    .order_by(CARER_ABSENCES.c.starts_at)
)
_AHEAD = (
    sa.select(
        CARER_ABSENCES.c.id,
        CARER_ABSENCES.c.account_id,
        CARER_ABSENCES.c.starts_at,
        CARER_ABSENCES.c.ends_at,
        CARER_ABSENCES.c.created_by,
    )
    .where(
        CARER_ABSENCES.c.account_id == sa.any_(_account_ids),
        CARER_ABSENCES.c.state == sa.literal_column("'in_force'"),
        CARER_ABSENCES.c.ends_at > _since,
    )
    .order_by(CARER_ABSENCES.c.id)
)
_LOCK = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger)))
_LOCK_SHARED = sa.select(sa.func.pg_advisory_xact_lock_shared(sa.bindparam("lock", type_=sa.BigInteger)))


async def away_between(
    connection: AsyncConnection, account_ids: Iterable[uuid.UUID], since: datetime, until: datetime
) -> defaultdict[uuid.UUID, list[Span]]:
    """Return when each of the carers cannot come, as far as it touches a stretch of time."""
    binds = {"account_ids": list(account_ids), "since": since, "until": until}
    found: defaultdict[uuid.UUID, list[Span]] = defaultdict(list)
    for row in await connection.execute(_ABSENCES, binds):
        found[row.account_id].append((row.starts_at, row.ends_at))
    return found


async def absences_ahead(
    connection: AsyncConnection, account_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[uuid.UUID, datetime, datetime, uuid.UUID]]]:
    """Return the absences of carers that are not over: which, from when, until when, who said so; by carer."""
    found: defaultdict[uuid.UUID, list[tuple[uuid.UUID, datetime, datetime, uuid.UUID]]] = defaultdict(list)
    for row in await connection.execute(_AHEAD, {"account_ids": list(account_ids), "since": clock.now()}):
        found[row.account_id].append((row.id, row.starts_at, row.ends_at, row.created_by))
    return found


async def check_present(session: AsyncSession, wanted: Sequence[tuple[uuid.UUID, datetime, datetime]]) -> None:
    """Raise ``CarerAbsent``, naming who cannot come when, unless all the carers can come at these times.

    Whoever says meanwhile that one of them cannot waits until this is decided, and then takes them off.
    """
    if not wanted:
        return
    account_ids = sorted({account_id for account_id, _, _ in wanted})
    for account_id in account_ids:
        await session.execute(_LOCK_SHARED, {"lock": _lock_of(account_id)})
    since, until = min(one[1] for one in wanted), max(one[2] for one in wanted)
    away = await away_between(await session.connection(), account_ids, since, until)
    absences = [
        {"account_id": str(account_id), "starts_at": begins.isoformat(), "ends_at": ends.isoformat()}
        for account_id, from_, to in wanted
        for begins, ends in away[account_id]
        if begins < to and from_ < ends
    ]
    if absences:
        raise CarerAbsent(absences=absences)


async def lock_carers(session: AsyncSession, absent: Collection[uuid.UUID], sent: Collection[uuid.UUID] = ()) -> None:
    """Let nobody be sent anywhere of whom it is being written down that they cannot come.

    Whoever sends others in the same transaction names them, too: all are locked in one order everywhere, so that two
    who each send whom the other one takes off do not wait for each other.
    """
    for account_id in sorted({*absent, *sent}):
        statement = _LOCK if account_id in absent else _LOCK_SHARED
        await session.execute(statement, {"lock": _lock_of(account_id)})


def _lock_of(account_id: uuid.UUID) -> int:
    return int.from_bytes(uuid.uuid5(account_id, "carer_absence").bytes[:8], "big", signed=True)
