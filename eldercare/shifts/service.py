"""Planning the desk's shifts, and telling the operator of hours that nobody has."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.tables import table_of
from app.identity.api import operator_staff
from eldercare.shifts.models import DeskShift, DeskWatch
from eldercare.shifts.notices import GAP
from eldercare.shifts.problems import ShiftOver, ShiftOverlaps
from eldercare.shifts.rules import SITTING, Period, next_look
from eldercare.shifts.schemas import ShiftPlan
from eldercare.shifts.views import gaps_ahead
from notifications.api import send

CHANNEL = "eldercare.desk_watches"
"""The wake-up channel of desks whose coming day is to be looked at."""

_watches = table_of(DeskWatch)
_LOCK_DESK = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger)))
_WATCH = insert(_watches).on_conflict_do_update(
    index_elements=["community_id"],
    set_={
        "look_at": sa.bindparam("at", type_=sa.DateTime(timezone=True)),
        "updated_at": sa.bindparam("at", type_=sa.DateTime(timezone=True)),
        "version": _watches.c.version + 1,
    },
)
_WATCHED = (
    sa.select(DeskWatch)
    .where(col(DeskWatch.id) == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .execution_options(populate_existing=True)
)


async def plan_shift(session: AsyncSession, actor: Actor, community_id: uuid.UUID, data: ShiftPlan) -> DeskShift:
    """Plan a shift and return it.

    Raises ``Malformed`` for whoever does not work at the desk and for a time that is over, ``ShiftOverlaps``.
    """
    if data.account_id not in await operator_staff(await session.connection(), community_id, *SITTING):
        raise Malformed(errors=[FieldError("/body/account_id", "nobody who works at the desk", "not_at_the_desk")])
    if data.ends_at <= clock.now():
        raise Malformed(errors=[FieldError("/body/ends_at", "lies in the past", "in_the_past")])
    # Two plans for one person are made one after the other, so that the second sees the first.
    await session.execute(_LOCK_DESK, {"lock": data.account_id.int & (2**63 - 1)})
    standing = await session.scalar(
        sa.select(DeskShift)
        .where(
            col(DeskShift.account_id) == data.account_id,
            col(DeskShift.community_id) == community_id,
            col(DeskShift.kind) == data.kind,
            col(DeskShift.cancelled_at).is_(None),
            col(DeskShift.starts_at) < data.ends_at,
            col(DeskShift.ends_at) > data.starts_at,
        )
        .limit(1)
    )
    if standing is not None:
        raise ShiftOverlaps(shift_id=str(standing.id))
    shift = DeskShift(community_id=community_id, planned_by=actor.id, **data.model_dump())
    session.add(shift)
    await session.flush()
    await _record(session, actor, "desk_shift:plan", shift)
    await watch(session, community_id)
    return shift


async def cancel_shift(session: AsyncSession, actor: Actor, community_id: uuid.UUID, shift_id: uuid.UUID) -> None:
    """Take a shift out of the plan; one that is under way ends now. Raises ``NotFound``, ``ShiftOver``."""
    shift = await session.scalar(
        sa.select(DeskShift)
        .where(col(DeskShift.id) == shift_id, col(DeskShift.community_id) == community_id)
        .with_for_update()
    )
    if shift is None:
        raise NotFound
    now = clock.now()
    if shift.cancelled_at is not None:
        return
    if shift.ends_at <= now:
        raise ShiftOver
    if shift.starts_at < now:
        shift.ends_at = now
    else:
        shift.cancelled_at = now
    await session.flush()
    await _record(session, actor, "desk_shift:cancel", shift)
    await watch(session, community_id)


async def watch(session: AsyncSession, community_id: uuid.UUID) -> None:
    """Have the community's coming day looked at as soon as this commits."""
    now = clock.now()
    row = DeskWatch(community_id=community_id, look_at=now)
    await session.execute(_WATCH, row.model_dump() | {"at": now})
    wakeups.request(session, CHANNEL)


async def look(session: AsyncSession, watch_ids: Sequence[uuid.UUID]) -> None:
    """Tell the operators of each gap in their desk's coming day: once when it is seen, once more when it begins."""
    now = clock.now()
    for watched in await session.scalars(_WATCHED, {"ids": list(watch_ids)}):
        gaps = await gaps_ahead(await session.connection(), watched.community_id, now)
        for gap in gaps:
            await _tell(session, watched.community_id, gap, now)
        watched.look_at = next_look(gaps, now)
    await session.flush()


async def _tell(session: AsyncSession, community_id: uuid.UUID, gap: Period, now: datetime) -> None:
    stage = "now" if gap.starts_at <= now else "ahead"
    await send(
        session,
        GAP,
        await operator_staff(await session.connection(), community_id, "operator"),
        community_id=community_id,
        # Told again only where something new is to be known: another gap, or that it has begun.
        dedupe_key=f"desk_gap:{community_id}:{gap.starts_at.isoformat()}:{stage}",
        variables={"starts_at": gap.starts_at, "ends_at": gap.ends_at, "stage": stage},
        data={"starts_at": gap.starts_at.isoformat(), "ends_at": gap.ends_at.isoformat()},
    )


async def _record(session: AsyncSession, actor: Actor, action: str, shift: DeskShift) -> None:
    details = {
        "account_id": str(shift.account_id),
        "kind": shift.kind,
        "starts_at": shift.starts_at.isoformat(),
        "ends_at": shift.ends_at.isoformat(),
    }
    await audit.record(session, actor, action, object_id=shift.id, community_id=shift.community_id, details=details)
