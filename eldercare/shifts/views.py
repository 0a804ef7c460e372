"""The SQL that reads shifts: who is at which desk at an instant, and what is planned."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.tables import table_of
from app.identity.api import account_name, duty_desk, operator_staff, people
from eldercare.shifts.models import DeskShift
from eldercare.shifts.rules import LOOKED_AHEAD, SITTING, Desk, Period, uncovered
from eldercare.shifts.schemas import DeskCoverage, DeskPerson, GapPublic, ShiftPublic

_shifts = table_of(DeskShift)
_CURSOR = "eldercare.desk_shifts"
_INSTANT = sa.DateTime(timezone=True)
_community_id = sa.bindparam("community_id", type_=sa.Uuid)
_since = sa.bindparam("since", type_=_INSTANT)
_until = sa.bindparam("until", type_=_INSTANT)

_NOW = (
    sa.select(_shifts.c.community_id, _shifts.c.account_id, _shifts.c.kind)
    .where(
        _shifts.c.community_id == sa.any_(sa.bindparam("community_ids", type_=ARRAY(sa.Uuid))),
        _shifts.c.cancelled_at.is_(None),
        _shifts.c.starts_at <= _since,
        _shifts.c.ends_at > _since,
    )
    .order_by(_shifts.c.starts_at, _shifts.c.id)
)
_PERIODS = sa.select(_shifts.c.account_id, _shifts.c.starts_at, _shifts.c.ends_at).where(
    _shifts.c.community_id == _community_id,
    _shifts.c.cancelled_at.is_(None),
    _shifts.c.starts_at < _until,
    _shifts.c.ends_at > _since,
)
_LAST_END = sa.select(
    sa.func.coalesce(
        sa.func.max(_shifts.c.ends_at).filter(_shifts.c.cancelled_at.is_(None), _shifts.c.ends_at <= _since),
        sa.func.min(_shifts.c.created_at),
    )
).where(_shifts.c.community_id == _community_id)
_SHOWN = sa.select(_shifts, account_name(_shifts.c.account_id).label("name"))
_LIST = (
    _SHOWN.where(
        _shifts.c.community_id == _community_id,
        _shifts.c.cancelled_at.is_(None),
        _shifts.c.ends_at > _since,
        _shifts.c.starts_at < _until,
        after((_shifts.c.starts_at, _shifts.c.id), ("after_at", "after_id")),
    )
    .order_by(_shifts.c.starts_at, _shifts.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ONE = _SHOWN.where(_shifts.c.id == sa.bindparam("shift_id", type_=sa.Uuid))


async def desks(
    connection: AsyncConnection, community_ids: Iterable[uuid.UUID], at: datetime, *, besides: uuid.UUID | None = None
) -> dict[uuid.UUID, Desk]:
    """Return who can be told at each community's desk at the instant, ``besides`` somebody whom it is about."""
    found: dict[uuid.UUID, dict[str, list[uuid.UUID]]] = {
        community_id: {"desk": [], "on_call": []} for community_id in community_ids
    }
    for row in await connection.execute(_NOW, {"community_ids": list(found), "since": at}):
        if row.account_id != besides:
            found[row.community_id][row.kind].append(row.account_id)
    return {
        community_id: await _desk(connection, community_id, planned["desk"], planned["on_call"], besides)
        for community_id, planned in found.items()
    }


async def desk(
    connection: AsyncConnection, community_id: uuid.UUID, at: datetime, *, besides: uuid.UUID | None = None
) -> Desk:
    """Return who can be told at the community's desk at the instant, ``besides`` somebody whom it is about."""
    return (await desks(connection, [community_id], at, besides=besides))[community_id]


async def _desk(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    on_shift: list[uuid.UUID],
    on_call: list[uuid.UUID],
    besides: uuid.UUID | None,
) -> Desk:
    everyone = tuple(await duty_desk(connection, community_id, besides=besides))
    if not (on_shift or on_call):
        return Desk((), (), everyone)
    working = set(await operator_staff(connection, community_id, *SITTING))
    return Desk(
        tuple(dict.fromkeys(account for account in on_shift if account in working)),
        tuple(dict.fromkeys(account for account in on_call if account in working)),
        everyone,
    )


async def gaps_ahead(connection: AsyncConnection, community_id: uuid.UUID, now: datetime) -> list[Period]:
    """Return the hours of the coming day for which neither a shift nor an on-call is planned, in order.

    A gap that has begun starts where the last shift before it ended, or where planning began.
    """
    binds = {"community_id": community_id, "since": now, "until": now + LOOKED_AHEAD}
    working = set(await operator_staff(connection, community_id, *SITTING))
    rows = (await connection.execute(_PERIODS, binds)).all()
    covered = [Period(row.starts_at, row.ends_at) for row in rows if row.account_id in working]
    gaps = uncovered(covered, now, now + LOOKED_AHEAD)
    if gaps and gaps[0].starts_at == now:
        ended_at = await connection.scalar(_LAST_END, {"community_id": community_id, "since": now})
        gaps[0] = Period(ended_at or now, gaps[0].ends_at)
    return gaps


async def coverage(connection: AsyncConnection, community_id: uuid.UUID) -> DeskCoverage:
    """Return who is at the desk now and what is missing of the next 24 hours."""
    now = clock.now()
    staffed = await desk(connection, community_id, now)
    known = await people(connection, {*staffed.on_shift, *staffed.on_call, *staffed.everyone})

    def named(accounts: Iterable[uuid.UUID]) -> list[DeskPerson]:
        return [DeskPerson(account_id=account, name=known[account].name) for account in accounts]

    return DeskCoverage(
        at=now,
        until=now + LOOKED_AHEAD,
        on_shift=named(staffed.on_shift),
        on_call=named(staffed.on_call),
        told_now=named(staffed.reached(None)),
        gaps=[GapPublic.model_validate(gap) for gap in await gaps_ahead(connection, community_id, now)],
    )


async def shifts(
    connection: AsyncConnection, community_id: uuid.UUID, since: datetime, until: datetime, page: PageRequest
) -> Page[ShiftPublic]:
    """Return a page of the shifts that touch the time from ``since`` to ``until``, the earliest first."""
    at, last_id = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None, None)
    binds: dict[str, Any] = {
        "community_id": community_id,
        "since": since,
        "until": until,
        "limit": page.limit + 1,
        "after_at": datetime.fromisoformat(at) if at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = (await connection.execute(_LIST, binds)).all()
    items = [ShiftPublic.model_validate(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("starts_at", "id")))


async def shift(connection: AsyncConnection, shift_id: uuid.UUID) -> ShiftPublic:
    """Return a shift; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"shift_id": shift_id})).one_or_none()
    if row is None:
        raise NotFound
    return ShiftPublic.model_validate(row)
