"""The SQL that takes and gives back time. Rows enter only by an INSERT that gives way, in one order everywhere.

A plain INSERT waits for whoever came first while holding what it has: fifty takers of one slot deadlock. With ON
CONFLICT DO NOTHING whoever comes second waits for the first to decide, and then either has it or is told.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.tables import table_of
from app.reservations.models import WHEN, WHOSE, Reservation, Resource
from app.reservations.rules import Want

RESOURCES: Final = table_of(Resource)
RESERVATIONS: Final = table_of(Reservation)

_INSTANT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_NOW = sa.bindparam("now", type_=_INSTANT)

_ENTER = insert(RESOURCES).on_conflict_do_nothing(index_elements=["kind", "subject_id"])
_BY_SUBJECT = sa.select(RESOURCES.c.id).where(
    RESOURCES.c.kind == sa.bindparam("of_kind", type_=sa.Text),
    RESOURCES.c.subject_id == sa.bindparam("of_subject", type_=sa.Uuid),
)
_SHAPE = (
    sa.update(RESOURCES)
    .where(RESOURCES.c.id == sa.bindparam("of_resource", type_=sa.Uuid))
    .where(
        sa.tuple_(RESOURCES.c.lanes, RESOURCES.c.buffer_before, RESOURCES.c.buffer_after)
        != sa.tuple_(
            sa.bindparam("new_lanes", type_=sa.SmallInteger),
            sa.bindparam("new_before", type_=sa.Interval),
            sa.bindparam("new_after", type_=sa.Interval),
        )
    )
    .values(
        lanes=sa.bindparam("new_lanes", type_=sa.SmallInteger),
        buffer_before=sa.bindparam("new_before", type_=sa.Interval),
        buffer_after=sa.bindparam("new_after", type_=sa.Interval),
        updated_at=_NOW,
        version=RESOURCES.c.version + 1,
    )
)

# The very expressions of the exclusion constraint, so that its index answers.
_WANTED: Final = """
    unnest(CAST(:ids AS uuid[]), CAST(:resource_ids AS uuid[]), CAST(:lanes AS int[]),
           CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]), CAST(:origin_ids AS uuid[]))
        WITH ORDINALITY AS w (id, resource_id, lane, starts_at, ends_at, origin_id, place)
    JOIN reservations_resource r ON r.id = w.resource_id"""
_OVERLAPS: Final = f"""
    {WHOSE.replace("resource_id", "e.resource_id")} && uuidrange(r.id, r.id, '[]')
    AND {WHEN.replace("blocks_", "e.blocks_")}
        && tstzrange(w.starts_at - r.buffer_before, w.ends_at + r.buffer_after, '[)')"""


def _over_wants(text: str) -> sa.TextClause:
    return sa.text(text).bindparams(
        _IDS,
        _NOW,
        sa.bindparam("resource_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("lanes", type_=ARRAY(sa.Integer)),
        sa.bindparam("starts", type_=ARRAY(_INSTANT)),
        sa.bindparam("ends", type_=ARRAY(_INSTANT)),
        sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid)),
    )


# A predicate of a constraint cannot know the time: what expired is put aside by whoever wants it, worker or none.
_EXPIRE = _over_wants(f"""
    WITH stale AS (
        SELECT e.id FROM reservations_reservation e
        WHERE e.state = 'held' AND e.expires_at <= :now AND EXISTS (SELECT FROM {_WANTED} WHERE {_OVERLAPS})
        ORDER BY e.resource_id, e.id FOR UPDATE
    )
    UPDATE reservations_reservation e
    SET state = 'expired', released_at = :now, updated_at = :now, version = version + 1
    FROM stale WHERE e.id = stale.id AND e.state = 'held'""")  # noqa: S608
_TAKE = _over_wants(f"""
    INSERT INTO reservations_reservation (
        id, created_at, updated_at, version, community_id, resource_id, account_id, lane, state, starts_at, ends_at,
        blocks_from, blocks_until, expires_at, origin_kind, origin_id, taken_by)
    SELECT w.id, :now, :now, 1, r.community_id, r.id, r.account_id, w.lane, :state, w.starts_at, w.ends_at,
           w.starts_at - r.buffer_before, w.ends_at + r.buffer_after, :expires_at, :origin_kind, w.origin_id, :taken_by
    FROM {_WANTED}
    WHERE w.lane <= r.lanes
    ORDER BY w.place
    ON CONFLICT DO NOTHING
    RETURNING id""").bindparams(  # noqa: S608
    sa.bindparam("state", type_=sa.Text),
    sa.bindparam("expires_at", type_=_INSTANT),
    sa.bindparam("origin_kind", type_=sa.Text),
    sa.bindparam("taken_by", type_=sa.Uuid),
)

_CONFIRM = (
    sa.update(RESERVATIONS)
    .where(
        RESERVATIONS.c.id == sa.any_(_IDS),
        RESERVATIONS.c.state == sa.literal("held", sa.Text),
        RESERVATIONS.c.expires_at > _NOW,
    )
    .values(state="booked", expires_at=None, updated_at=_NOW, version=RESERVATIONS.c.version + 1)
    .returning(RESERVATIONS.c.id)
)
_LOCK = (
    sa.select(RESERVATIONS.c.id)
    .where(RESERVATIONS.c.id == sa.any_(_IDS))
    .order_by(RESERVATIONS.c.resource_id, RESERVATIONS.c.id)
    .with_for_update()
)
_RELEASE = (
    sa.update(RESERVATIONS)
    .where(
        RESERVATIONS.c.id == sa.any_(_IDS),
        RESERVATIONS.c.state.in_([sa.literal(state, sa.Text) for state in ("held", "booked")]),
    )
    .values(state="released", released_at=_NOW, updated_at=_NOW, version=RESERVATIONS.c.version + 1)
    .returning(RESERVATIONS.c.id)
)
_LOCK_RESOURCES = (
    sa.select(RESOURCES.c.id)
    .where(
        RESOURCES.c.id.in_(sa.select(RESERVATIONS.c.resource_id).where(RESERVATIONS.c.id == sa.any_(_IDS)))
        | (RESOURCES.c.id == sa.any_(sa.bindparam("resource_ids", type_=ARRAY(sa.Uuid))))
    )
    .order_by(RESOURCES.c.id)
    .with_for_update(key_share=True)
)
_EXPIRE_DUE = (
    sa.update(RESERVATIONS)
    .where(RESERVATIONS.c.id == sa.any_(_IDS), RESERVATIONS.c.state == sa.literal("held", sa.Text))
    .values(state="expired", released_at=_NOW, updated_at=_NOW, version=RESERVATIONS.c.version + 1)
)
RECOUNT: Final = sa.text(f"""
    SELECT a.id AS one, b.id AS other, a.resource_id, 'overlap' AS kind
    FROM reservations_reservation a
    JOIN reservations_reservation b ON b.id > a.id AND b.lane = a.lane
        AND {WHOSE.replace("resource_id", "b.resource_id")} && {WHOSE.replace("resource_id", "a.resource_id")}
        AND {WHEN.replace("blocks_", "b.blocks_")} && {WHEN.replace("blocks_", "a.blocks_")}
    WHERE a.state IN ('held', 'booked') AND b.state IN ('held', 'booked') AND a.community_id = :community_id
    UNION ALL
    SELECT e.id, NULL, e.resource_id, 'lane' FROM reservations_reservation e
    JOIN reservations_resource r ON r.id = e.resource_id
    WHERE e.state IN ('held', 'booked') AND e.lane > r.lanes AND e.community_id = :community_id
    UNION ALL
    SELECT e.id, NULL, e.resource_id, 'stale_hold' FROM reservations_reservation e
    WHERE e.state = 'held' AND e.expires_at <= :before AND e.community_id = :community_id
    ORDER BY 4, 1""").bindparams(  # noqa: S608
    sa.bindparam("community_id", type_=sa.Uuid), sa.bindparam("before", type_=_INSTANT)
)


async def enter(
    session: AsyncSession,
    community_id: uuid.UUID,
    kind: str,
    subject_id: uuid.UUID,
    account_id: uuid.UUID | None,
    shape: tuple[int, timedelta, timedelta],
) -> uuid.UUID:
    """Return the id of the subject's resource, made if there is none, with these lanes and buffers from now on."""
    lanes, before, after = shape
    now = clock.now()
    row = {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "community_id": community_id,
        "kind": kind,
        "subject_id": subject_id,
        "account_id": account_id,
        "lanes": lanes,
        "buffer_before": before,
        "buffer_after": after,
    }
    await session.execute(_ENTER, row)
    found = (await session.execute(_BY_SUBJECT, {"of_kind": kind, "of_subject": subject_id})).scalar_one()
    new = {"new_lanes": lanes, "new_before": before, "new_after": after}
    await session.execute(_SHAPE, {"of_resource": found, "now": now, **new})
    return cast(uuid.UUID, found)


def _binds(wants: Sequence[Want], ids: Sequence[uuid.UUID], lanes: Sequence[int], now: datetime) -> dict[str, Any]:
    return {
        "ids": list(ids),
        "now": now,
        "resource_ids": [want.resource_id for want in wants],
        "lanes": list(lanes),
        "starts": [want.starts_at for want in wants],
        "ends": [want.ends_at for want in wants],
        "origin_ids": [want.origin_id for want in wants],
    }


async def expire_overlapping(session: AsyncSession, wants: Sequence[Want], now: datetime) -> None:
    """Put aside the holds that stand in the way of ``wants`` and whose time is over."""
    await session.execute(_EXPIRE, _binds(wants, [want.origin_id for want in wants], [1] * len(wants), now))


async def insert_reservations(
    session: AsyncSession,
    wants: Sequence[Want],
    ids: Sequence[uuid.UUID],
    lanes: Sequence[int],
    now: datetime,
    values: dict[str, Any],
) -> set[uuid.UUID]:
    """Take what can be had of ``wants``, in their order; return the ids of the reservations that were made."""
    return set((await session.scalars(_TAKE, _binds(wants, ids, lanes, now) | values)).all())


async def confirm_holds(session: AsyncSession, ids: Iterable[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Book what is held and whose hold is not over; return which that was."""
    await session.execute(_LOCK, {"ids": list(ids)})
    return set((await session.scalars(_CONFIRM, {"ids": list(ids), "now": now})).all())


async def release_reservations(session: AsyncSession, ids: Iterable[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Give back what is held or booked; return which that was."""
    await session.execute(_LOCK, {"ids": list(ids)})
    return set((await session.scalars(_RELEASE, {"ids": list(ids), "now": now})).all())


async def lock_resources(session: AsyncSession, ids: Iterable[uuid.UUID], resource_ids: Iterable[uuid.UUID]) -> None:
    """Let one move at a time concern the resources of the reservations ``ids`` and ``resource_ids``.

    Two that swap their times would each wait for what the other gives back.
    """
    await session.execute(_LOCK_RESOURCES, {"ids": list(ids), "resource_ids": list(resource_ids)})


async def expire(session: AsyncSession, ids: Iterable[uuid.UUID], now: datetime) -> None:
    """Put aside holds whose time is over."""
    await session.execute(_EXPIRE_DUE, {"ids": list(ids), "now": now})
