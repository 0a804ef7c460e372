"""Taking time, all or nothing: held for a while, confirmed, given back, moved."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.problems import NotFound
from app.reservations import repository, views
from app.reservations.models import BOOKED, HELD
from app.reservations.problems import CalendarTaken, HoldOver
from app.reservations.rules import NEARBY, Blocked, Calendar, Span, Want, in_order, nearest_free


async def register(
    session: AsyncSession,
    *,
    community_id: uuid.UUID,
    kind: str,
    subject_id: uuid.UUID,
    account_id: uuid.UUID | None = None,
    lanes: int = 1,
    buffer_before: timedelta = timedelta(),
    buffer_after: timedelta = timedelta(),
) -> uuid.UUID:
    """Return the id of the calendar of a person or thing, made if there is none.

    Lanes and buffers are from now on as given; what is taken already keeps the buffers it was taken with.
    """
    shape = (lanes, buffer_before, buffer_after)
    return await repository.enter(session, community_id, kind, subject_id, account_id, shape)


async def take(
    session: AsyncSession,
    wants: Sequence[Want],
    *,
    origin_kind: str,
    taken_by: uuid.UUID,
    hold_until: datetime | None = None,
) -> list[uuid.UUID]:
    """Book all of ``wants``, or hold them until ``hold_until``; return the reservations' ids in the order of the wants.

    All or nothing: raises ``CalendarTaken``, naming every one that could not be had, and then the caller's unit of
    work must not commit. Raises ``NotFound`` for an unknown resource.
    """
    now = clock.now()
    ordered = in_order(wants)
    ids = {id(want): clock.new_id() for want in ordered}
    known = await views.resources(await session.connection(), {want.resource_id for want in ordered})
    if len(known) < len({want.resource_id for want in ordered}):
        raise NotFound("there is no such calendar")
    await repository.expire_overlapping(session, ordered, now)
    values = {
        "state": HELD if hold_until else BOOKED,
        "expires_at": hold_until,
        "origin_kind": origin_kind,
        "taken_by": taken_by,
    }
    missing = ordered
    for lane in range(1, max((known[want.resource_id].lanes for want in ordered), default=0) + 1):
        chosen = [want.lane or lane for want in missing]
        made = await repository.insert_reservations(
            session, missing, [ids[id(w)] for w in missing], chosen, now, values
        )
        missing = [want for want in missing if ids[id(want)] not in made]
        if all(want.lane for want in missing):
            break
    if missing:
        raise await _refusal(session, ordered, missing, set(ids.values()), known)
    return [ids[id(want)] for want in wants]


async def confirm(session: AsyncSession, reservation_ids: Iterable[uuid.UUID]) -> None:
    """Book what is held; raises ``HoldOver`` if any of it is held no longer, and then nothing may be committed."""
    wanted = set(reservation_ids)
    if await repository.confirm_holds(session, wanted, clock.now()) != wanted:
        raise HoldOver


async def release(session: AsyncSession, reservation_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Give back what is held or booked and return which that was; what is given back already stays so."""
    return await repository.release_reservations(session, set(reservation_ids), clock.now())


async def move(
    session: AsyncSession,
    reservation_ids: Iterable[uuid.UUID],
    wants: Sequence[Want],
    *,
    origin_kind: str,
    taken_by: uuid.UUID,
) -> list[uuid.UUID]:
    """Give back ``reservation_ids`` and book ``wants`` instead, all or nothing; return the new ids as ``take`` does."""
    old = set(reservation_ids)
    await repository.lock_resources(session, old, {want.resource_id for want in wants})
    await release(session, old)
    return await take(session, wants, origin_kind=origin_kind, taken_by=taken_by)


async def _refusal(
    session: AsyncSession,
    wants: Sequence[Want],
    missing: Sequence[Want],
    own: set[uuid.UUID],
    known: dict[uuid.UUID, Any],
) -> CalendarTaken:
    """Return the refusal that says of each want that could not be had who has the time, and what is free nearby."""
    since = min(want.starts_at for want in wants) - NEARBY - timedelta(days=1)
    until = max(want.ends_at for want in wants) + NEARBY + timedelta(days=1)
    rows = await views.taken(await session.connection(), known, since, until)
    together: defaultdict[Span, list[Want]] = defaultdict(list)
    for want in wants:
        together[want.starts_at, want.ends_at].append(want)
    others = [Blocked(r.resource_id, r.lane, r.blocks_from, r.blocks_until) for r in rows if r.id not in own]
    conflicts = []
    for want in missing:
        resource = known[want.resource_id]
        since, until = want.starts_at - resource.buffer_before, want.ends_at + resource.buffer_after
        span = (want.starts_at, want.ends_at)
        calendars = [_calendar(known[one.resource_id]) for one in together[span]]
        conflicts.append(
            {
                "kind": resource.kind,
                "subject_id": str(resource.subject_id),
                "origin_id": str(want.origin_id),
                "wanted": _shown(span),
                "taken": [
                    _shown((row.starts_at, row.ends_at)) | {"state": row.state}
                    for row in rows
                    if row.resource_id == want.resource_id and row.blocks_from < until and row.blocks_until > since
                ],
                "alternatives": [_shown(free) for free in nearest_free(calendars, others, span, earliest=clock.now())],
            }
        )
    return CalendarTaken(conflicts=conflicts)


def _calendar(resource: Any) -> Calendar:
    return Calendar(resource.id, resource.lanes, resource.buffer_before, resource.buffer_after)


def _shown(span: Span) -> dict[str, str]:
    return {"starts_at": span[0].isoformat(), "ends_at": span[1].isoformat()}
