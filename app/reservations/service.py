"""Taking time, all or nothing: held for a while, confirmed, given back, moved."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.database import connection_of
from app.core.problems import NotFound
from app.reservations import repository, resource_repository, views
from app.reservations.models import BOOKED, HELD
from app.reservations.problems import CalendarTaken, CapacityTaken, HoldOver
from app.reservations.rules import (
    MOST_BEYOND,
    NEARBY,
    Blocked,
    Calendar,
    Opening,
    Overbooking,
    Span,
    Want,
    hold_lasts,
    is_live,
    nearest_free,
    place_in_queue,
)


async def register(  # noqa: PLR0913 - what a calendar consists of, each named
    session: AsyncSession,
    *,
    community_id: uuid.UUID,
    kind: str,
    subject_id: uuid.UUID,
    account_id: uuid.UUID | None = None,
    lanes: int = 1,
    buffer_before: timedelta = timedelta(),
    buffer_after: timedelta = timedelta(),
    is_blockable: bool = False,
    overbooking: Overbooking | None = None,
) -> uuid.UUID:
    """Return the id of the calendar of a person or thing, made if there is none; ``is_blockable`` it is from then on.

    Lanes and buffers are from now on as given; what is taken already keeps the buffers it was taken with. Raises
    ``CapacityTaken`` if something that is not over has one of the lanes that go; with ``overbooking`` it stays there,
    and the audit trail says who wanted it so and why.
    """
    shape, now = resource_repository.Shape(lanes, buffer_before, buffer_after), clock.now()
    found, has = await resource_repository.enter(
        session, community_id, kind, subject_id, account_id, shape, is_blockable=is_blockable
    )
    if has != shape:
        # Who takes of several lanes shares this lock: nobody enters a lane while it goes.
        await repository.lock_resources(session, (), [found], alone=True)
        highest = await resource_repository.highest_lane_beyond(session, found, lanes, now)
        if highest is not None:
            if overbooking is None:
                raise CapacityTaken(taken=highest)
            await resource_repository.overbook_beyond(session, found, lanes, now)
            await audit.record(
                session,
                overbooking.actor,
                "resource:overbook",
                object_id=found,
                community_id=community_id,
                details={"reason": overbooking.reason, "lanes": lanes},
            )
        await resource_repository.set_shape(session, found, shape, now)
    return found


async def take(
    session: AsyncSession,
    wants: Sequence[Want],
    *,
    origin_kind: str,
    taken_by: uuid.UUID,
    hold_until: datetime | None = None,
    overbooking: Overbooking | None = None,
    openings: Sequence[Opening] | None = None,
) -> list[uuid.UUID]:
    """Book all of ``wants``, or hold them until ``hold_until``; return the reservations' ids in the order of the wants.

    All or nothing: raises ``CalendarTaken``, naming every one that could not be had, what is free nearby for all who
    were wanted together (within ``openings``, if given), and nothing is taken. With ``overbooking`` what is taken
    already or blocked stands in nobody's way, and the audit trail says who had more than there is and why. Raises
    ``NotFound`` for an unknown resource, ``ValueError`` for a hold that is over before it begins. Take everything of a
    unit of work in one call: two calls know no common order, and two that cross wait for each other until one is tried
    again.
    """
    values = _values(origin_kind, taken_by, hold_until)
    return await _take(session, wants, values, overbooking, openings)


def _values(origin_kind: str, taken_by: uuid.UUID, hold_until: datetime | None) -> dict[str, Any]:
    hold_lasts(hold_until, clock.now())
    return {
        "state": HELD if hold_until else BOOKED,
        "expires_at": hold_until,
        "origin_kind": origin_kind,
        "taken_by": taken_by,
    }


async def _take(
    session: AsyncSession,
    wants: Sequence[Want],
    values: dict[str, Any],
    overbooking: Overbooking | None,
    openings: Sequence[Opening] | None,
    moved_from: Sequence[uuid.UUID] = (),
) -> list[uuid.UUID]:
    if not wants:
        return []
    now = clock.now()
    ids = [clock.new_id() for _ in wants]
    sources = [moved_from[min(place, len(moved_from) - 1)] if moved_from else None for place in range(len(wants))]
    rows = sorted(zip(wants, ids, sources, strict=True), key=lambda row: place_in_queue(row[0]))
    ordered = [want for want, _, _ in rows]
    whose = {want.resource_id for want in ordered}
    known = await repository.look_up(session, ordered, now)
    if len(known) < len(whose):
        raise NotFound("there is no such calendar")
    is_stale = any(resource.is_stale for resource in known.values())
    # Of one lane a calendar has always one; of several, those there are must not go meanwhile, nor must it be blocked.
    may_change = any(resource.lanes > 1 or resource.is_blockable for resource in known.values())
    if not moved_from and (is_stale or may_change or len(ordered) > 1):
        await repository.lock_resources(session, (), whose, alone=is_stale or len(whose) < len(ordered))
    if is_stale:
        await repository.expire_overlapping(session, ordered, now)
    more = {"moved_from_ids": [source for _, _, source in rows], "beyond": MOST_BEYOND if overbooking else 0}
    taken = await repository.insert_reservations(session, ordered, [one for _, one, _ in rows], now, values | more)
    missing = [want for want, one, _ in rows if one not in taken.made]
    if missing:
        if taken.made:
            await repository.undo(session, taken.made)
        raise await _refusal(session, ordered, missing, known, openings)
    if overbooking and taken.overbooked:
        await _put_on_record(session, overbooking, [(one, known[want.resource_id]) for want, one, _ in rows], taken)
    return ids


async def _put_on_record(
    session: AsyncSession,
    overbooking: Overbooking,
    made: Iterable[tuple[uuid.UUID, Any]],
    taken: repository.Taken,
) -> None:
    for reservation_id, resource in made:
        if reservation_id in taken.overbooked:
            await audit.record(
                session,
                overbooking.actor,
                "reservation:overbook",
                object_id=reservation_id,
                community_id=resource.community_id,
                details={"reason": overbooking.reason, "resource_id": str(resource.id)},
            )


async def confirm(session: AsyncSession, reservation_ids: Iterable[uuid.UUID]) -> None:
    """Book what is held; raises ``HoldOver`` if any of it is held no longer, and then nothing may be committed."""
    wanted = set(reservation_ids)
    if await repository.confirm_holds(session, list(wanted), clock.now()) != wanted:
        raise HoldOver


async def confirm_for(session: AsyncSession, origin_kind: str, origin_ids: Iterable[uuid.UUID]) -> None:
    """Book what is held for the things ``origin_ids``, all of it; raises ``HoldOver`` as ``confirm`` does.

    Also for a thing for which nothing is held, or some of what was is over and let go of.
    """
    if not await repository.confirm_of_origin(session, origin_kind, origin_ids, clock.now()):
        raise HoldOver


async def extend(session: AsyncSession, reservation_ids: Iterable[uuid.UUID], until: datetime) -> None:
    """Hold until ``until`` what is held; raises ``HoldOver`` as ``confirm`` does.

    Raises ``ValueError`` for an instant that has passed.
    """
    wanted, now = set(reservation_ids), clock.now()
    hold_lasts(until, now)
    if await repository.extend_holds(session, list(wanted), until, now) != wanted:
        raise HoldOver


async def release(session: AsyncSession, reservation_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Give back what is held or booked and return which that was; what is given back already stays so."""
    wanted = list(set(reservation_ids))
    return await repository.release_reservations(session, wanted, clock.now()) if wanted else set()


async def move(
    session: AsyncSession,
    reservation_ids: Iterable[uuid.UUID],
    wants: Sequence[Want],
    *,
    origin_kind: str,
    taken_by: uuid.UUID,
    overbooking: Overbooking | None = None,
    openings: Sequence[Opening] | None = None,
) -> list[uuid.UUID]:
    """Give back ``reservation_ids`` and take ``wants`` instead, all or nothing; return the new ids as ``take`` does.

    What was booked is booked, what was held is held as long as before. The old ones stay as history, and each new one
    says in whose place it stands. Raises ``HoldOver`` if one of the old ones is held or booked no longer, and what
    ``take`` raises; then all is as it was. Raises ``ValueError`` without any wants: that were a release nobody meant.
    """
    if not wants:
        raise ValueError("a move leads somewhere")
    old, now = list(dict.fromkeys(reservation_ids)), clock.now()
    await repository.lock_resources(session, old, {want.resource_id for want in wants}, alone=True)
    rows = await repository.lock_reservations(session, old)
    if not old or not all(one in rows and is_live(rows[one].state, rows[one].expires_at, now) for one in old):
        raise HoldOver
    holds = [row.expires_at for row in rows.values() if row.state == HELD]
    values = _values(origin_kind, taken_by, min(holds, default=None))
    async with session.begin_nested():
        await session.connection()  # the savepoint is set by the first use of it, and statements of ours go past
        await repository.leave(session, old, now)
        return await _take(session, wants, values, overbooking, openings, old)


async def _refusal(
    session: AsyncSession,
    wants: Sequence[Want],
    missing: Sequence[Want],
    known: dict[uuid.UUID, Any],
    openings: Sequence[Opening] | None,
) -> CalendarTaken:
    """Return the refusal that says of each want that could not be had when it is taken, and what is free nearby."""
    since = min(want.starts_at for want in wants) - NEARBY - timedelta(days=1)
    until = max(want.ends_at for want in wants) + NEARBY + timedelta(days=1)
    rows = await views.taken(connection_of(session), known, since, until)
    blocked = [Blocked(r.resource_id, r.lane, r.blocks_from, r.blocks_until) for r in rows]
    free = _alternatives(wants, missing, known, blocked, openings)
    conflicts = []
    for want in missing:
        resource = known[want.resource_id]
        since, until = want.starts_at - resource.buffer_before, want.ends_at + resource.buffer_after
        span = (want.starts_at, want.ends_at)
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
                "alternatives": [_shown(one) for one in free[span]],
            }
        )
    return CalendarTaken(conflicts=conflicts)


def _alternatives(
    wants: Sequence[Want],
    missing: Sequence[Want],
    known: dict[uuid.UUID, Any],
    blocked: Sequence[Blocked],
    openings: Sequence[Opening] | None,
) -> dict[Span, list[Span]]:
    """Return what is free instead of each stretch of time of which something is missing.

    Whatever is chosen of it goes together: with what else is wanted, and with what is offered for another stretch.
    """
    together: defaultdict[Span, list[Want]] = defaultdict(list)
    for want in wants:
        together[want.starts_at, want.ends_at].append(want)
    spoken_for = {span: [_spoken_for(known, one, span) for one in those] for span, those in together.items()}
    found: dict[Span, list[Span]] = {}
    for span in sorted({(want.starts_at, want.ends_at) for want in missing}):
        calendars = [
            _calendar(known[resource_id], lane, wanted)
            for (resource_id, lane), wanted in Counter((one.resource_id, one.lane) for one in together[span]).items()
        ]
        others = [blocks for other, those in spoken_for.items() if other != span for blocks in those]
        in_the_way = [*blocked, *(replace(one, lane=one.lane or -place) for place, one in enumerate(others))]
        found[span] = nearest_free(calendars, in_the_way, span, earliest=clock.now(), openings=openings)
        spoken_for[span] += [_spoken_for(known, one, free) for one in together[span] for free in found[span]]
    return found


def _spoken_for(known: dict[uuid.UUID, Any], want: Want, span: Span) -> Blocked:
    """Return what a want blocks at ``span``; lane 0: one of the calendar's, whichever that will be."""
    resource = known[want.resource_id]
    return Blocked(resource.id, want.lane or 0, span[0] - resource.buffer_before, span[1] + resource.buffer_after)


def _calendar(resource: Any, lane: int | None, wanted: int) -> Calendar:
    return Calendar(resource.id, resource.lanes, resource.buffer_before, resource.buffer_after, lane, wanted)


def _shown(span: Span) -> dict[str, str]:
    return {"starts_at": span[0].isoformat(), "ends_at": span[1].isoformat()}
