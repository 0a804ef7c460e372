"""The SQL that writes the rota: locks on circles, and when residents' days ahead are looked at."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.problems import NotFound
from app.core.tables import table_of
from eldercare.care_circle.models import CircleMember
from eldercare.rota.models import RotaAbsence, RotaSwap, RotaWatch

_watches = table_of(RotaWatch)
_swaps = table_of(RotaSwap)
_at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_WATCH = insert(_watches).on_conflict_do_update(
    index_elements=["resident_id"], set_={"look_at": _at, "updated_at": _at, "version": _watches.c.version + 1}
)
_WATCH_COMMUNITIES = (
    sa.update(_watches)
    .where(
        _watches.c.community_id == sa.any_(sa.bindparam("community_ids", type_=ARRAY(sa.Uuid))),
        _watches.c.look_at.is_not(None),
    )
    .values(look_at=_at, updated_at=_at, version=_watches.c.version + 1)
)
# Whoever is erased is in no circle any more: there is nobody left to ask whose circle it was.
_WATCH_EMPTY = (
    sa.update(_watches)
    .where(
        _watches.c.community_id == sa.any_(sa.bindparam("community_ids", type_=ARRAY(sa.Uuid))),
        _watches.c.empty_since.is_(None),
        ~sa.exists().where(
            col(CircleMember.resident_id) == _watches.c.resident_id, col(CircleMember.state) == "accepted"
        ),
    )
    .values(look_at=_at, updated_at=_at, version=_watches.c.version + 1)
)
_CIRCLES_WITH = (
    sa.select(col(CircleMember.resident_id), col(CircleMember.community_id))
    .where(
        col(CircleMember.account_id) == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))),
        col(CircleMember.state) == "accepted",
    )
    .order_by(col(CircleMember.resident_id))
)
_WATCHED = (
    sa.select(RotaWatch)
    .where(col(RotaWatch.id) == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .execution_options(populate_existing=True)
)
_LOCK_CIRCLE = (
    sa.select(CircleMember)
    .where(col(CircleMember.resident_id) == sa.bindparam("resident_id"), col(CircleMember.state) == "accepted")
    .order_by(col(CircleMember.id))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_OPEN_OF_MEMBERS = (
    sa.update(_swaps)
    .where(
        sa.or_(
            _swaps.c.giver_id == sa.any_(sa.bindparam("member_ids", type_=ARRAY(sa.Uuid))),
            _swaps.c.taker_id == sa.any_(sa.bindparam("member_ids", type_=ARRAY(sa.Uuid))),
        ),
        _swaps.c.state.in_(["offered", "accepted"]),
        _swaps.c.ends_at > _at,
    )
    .values(state="withdrawn", updated_at=_at, version=_swaps.c.version + 1)
)

_LIMITED = sa.union(
    sa.select(col(CircleMember.resident_id)).where(
        col(CircleMember.resident_id) == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        col(CircleMember.state) == "accepted",
        sa.func.jsonb_array_length(col(CircleMember.on_call)) > 0,
    ),
    sa.select(col(RotaAbsence.resident_id)).where(
        col(RotaAbsence.resident_id) == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        col(RotaAbsence.ends_on) >= sa.bindparam("today", type_=sa.Date),
    ),
    sa.select(col(RotaSwap.resident_id)).where(
        col(RotaSwap.resident_id) == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        col(RotaSwap.state) == "accepted",
        col(RotaSwap.ends_at) > _at,
    ),
)


async def limited(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the residents somebody of whose circle cannot be called at some time to come."""
    now = clock.now()
    yesterday = (now - timedelta(days=1)).date()  # somewhere it still is
    binds = {"resident_ids": list(resident_ids), "today": yesterday, "at": now}
    return {row[0] for row in await session.execute(_LIMITED, binds)}


async def lock_circle(session: AsyncSession, resident_id: uuid.UUID) -> dict[uuid.UUID, CircleMember]:
    """Return who accepted, locked: changes of one circle's rota are made one after the other."""
    members = await session.scalars(_LOCK_CIRCLE, {"resident_id": resident_id})
    return {member.id: member for member in members}


async def overlapping_swap(
    session: AsyncSession,
    member_ids: Sequence[uuid.UUID],
    starts_at: datetime,
    ends_at: datetime,
    without: uuid.UUID | None = None,
) -> RotaSwap | None:
    """Return an agreed swap that touches the time and in which one of the members takes part."""
    found: RotaSwap | None = await session.scalar(
        sa.select(RotaSwap)
        .where(
            sa.or_(col(RotaSwap.giver_id).in_(member_ids), col(RotaSwap.taker_id).in_(member_ids)),
            col(RotaSwap.state) == "accepted",
            col(RotaSwap.starts_at) < ends_at,
            col(RotaSwap.ends_at) > starts_at,
            col(RotaSwap.id) != without if without else sa.true(),
        )
        .limit(1)
    )
    return found


async def absences_of(session: AsyncSession, member_id: uuid.UUID) -> list[RotaAbsence]:
    """Return a member's absences."""
    return list(await session.scalars(sa.select(RotaAbsence).where(col(RotaAbsence.member_id) == member_id)))


async def lock_swap(session: AsyncSession, swap_id: uuid.UUID) -> RotaSwap:
    """Return a swap, locked; raises ``NotFound``."""
    statement = sa.select(RotaSwap).where(col(RotaSwap.id) == swap_id).with_for_update()
    swap: RotaSwap | None = await session.scalar(statement.execution_options(populate_existing=True))
    if swap is None:
        raise NotFound
    return swap


async def withdraw_swaps_of(session: AsyncSession, member_ids: Sequence[uuid.UUID]) -> None:
    """End what members who left have still to give or take."""
    binds = {"member_ids": list(member_ids), "at": clock.now()}
    await session.execute(_OPEN_OF_MEMBERS, binds, execution_options={"synchronize_session": False})


async def look_soon(session: AsyncSession, residents: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Have the days ahead of residents, given as (resident, community), looked at as soon as this commits."""
    now = clock.now()
    for resident_id, community_id in sorted(set(residents)):
        row = RotaWatch(community_id=community_id, resident_id=resident_id, look_at=now)
        await session.execute(_WATCH, row.model_dump() | {"at": now})


async def look_soon_in(session: AsyncSession, community_ids: Sequence[uuid.UUID]) -> None:
    """Have all rotas of communities that are looked at at all looked at soon."""
    await session.execute(_WATCH_COMMUNITIES, {"community_ids": list(community_ids), "at": clock.now()})


async def look_soon_without(
    session: AsyncSession, account_ids: Sequence[uuid.UUID], community_ids: Sequence[uuid.UUID]
) -> None:
    """Have the days ahead of everybody looked at soon whose circle loses these accounts, or has nobody at all."""
    rows = await session.execute(_CIRCLES_WITH, {"account_ids": list(account_ids)})
    await look_soon(session, [(row.resident_id, row.community_id) for row in rows])
    binds = {"community_ids": list(community_ids), "at": clock.now()}
    await session.execute(_WATCH_EMPTY, binds, execution_options={"synchronize_session": False})


async def watched(session: AsyncSession, watch_ids: Sequence[uuid.UUID]) -> list[RotaWatch]:
    """Return the rows of residents whose days ahead are due to be looked at."""
    return list(await session.scalars(_WATCHED, {"ids": list(watch_ids)}))
