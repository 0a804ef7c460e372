"""The SQL that takes and gives back time. Rows enter only by an INSERT that gives way, in one order everywhere.

A plain INSERT waits for whoever came first while holding what it has: fifty takers of one slot deadlock. With ON
CONFLICT DO NOTHING whoever comes second waits for the first to decide, and then either has it or is told.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import connection_of
from app.core.events import EmittingStatement
from app.core.statements import HotStatement
from app.core.tables import table_of
from app.reservations.events import (
    ReservationConfirmed,
    ReservationExpired,
    ReservationMoved,
    ReservationReleased,
)
from app.reservations.models import WHEN, WHOSE, Reservation, Resource
from app.reservations.rules import Want

RESOURCES: Final = table_of(Resource)
RESERVATIONS: Final = table_of(Reservation)

_INSTANT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_NOW = sa.bindparam("now", type_=_INSTANT)

# The very expressions of the exclusion constraint, so that its index answers.
_WANTED: Final = """
    unnest(CAST(:ids AS uuid[]), CAST(:resource_ids AS uuid[]), CAST(:lanes AS int[]), CAST(:starts AS timestamptz[]),
           CAST(:ends AS timestamptz[]), CAST(:origin_ids AS uuid[]), CAST(:moved_from_ids AS uuid[]))
        WITH ORDINALITY AS w (id, resource_id, lane, starts_at, ends_at, origin_id, moved_from_id, place)
    JOIN reservations_resource r ON r.id = w.resource_id"""
_SPANS: Final = """
    unnest(CAST(:resource_ids AS uuid[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS w (resource_id, starts_at, ends_at)
    JOIN reservations_resource r ON r.id = w.resource_id"""
_STALE: Final = f"""
    {WHOSE.replace("resource_id", "e.resource_id")} && uuidrange(r.id, r.id, '[]')
    AND {WHEN.replace("blocks_", "e.blocks_")}
        && tstzrange(w.starts_at - r.buffer_before, w.ends_at + r.buffer_after, '[)')
    AND e.state = 'held' AND e.expires_at <= :now"""
_SPAN_BINDS: Final = (
    _NOW,
    sa.bindparam("resource_ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("starts", type_=ARRAY(_INSTANT)),
    sa.bindparam("ends", type_=ARRAY(_INSTANT)),
)
_KNOWN: Final = [RESOURCES.c[name] for name in ("id", "community_id", "kind", "subject_id", "lanes", "is_blockable")]
_SHAPES: Final = [RESOURCES.c[name] for name in ("buffer_before", "buffer_after")]
_IS_STALE: Final = (
    sa.text(f"SELECT EXISTS (SELECT FROM {_SPANS} JOIN reservations_reservation e ON {_STALE})")  # noqa: S608
    .bindparams(*_SPAN_BINDS)
    .columns(sa.column("is_stale", sa.Boolean))
)
_LOOK_UP = HotStatement(
    sa.select(*_KNOWN, *_SHAPES, _IS_STALE.scalar_subquery().label("is_stale"))
    .where(RESOURCES.c.id == sa.any_(sa.bindparam("resource_ids", type_=ARRAY(sa.Uuid))))
    .order_by(RESOURCES.c.id)
)

_MADE = (
    sa.text(f"""
    INSERT INTO reservations_reservation (
        id, created_at, updated_at, version, community_id, resource_id, account_id, lane, is_overbooked, state,
        starts_at, ends_at, blocks_from, blocks_until, expires_at, origin_kind, origin_id, taken_by, moved_from_id)
    SELECT w.id, :now, :now, 1, r.community_id, r.id, r.account_id, l.lane, l.lane > r.lanes, :state,
           w.starts_at, w.ends_at, w.starts_at - r.buffer_before, w.ends_at + r.buffer_after,
           :expires_at, :origin_kind, w.origin_id, :taken_by, w.moved_from_id
    FROM {_WANTED}
    CROSS JOIN LATERAL generate_series(1, r.lanes + :beyond) AS l (lane)
    WHERE (w.lane IS NULL OR l.lane = w.lane OR l.lane > r.lanes)
        AND (:beyond > 0 OR NOT EXISTS (
            SELECT FROM reservations_block b
            WHERE b.resource_id = r.id AND b.starts_at < w.ends_at + r.buffer_after
                AND b.ends_at > w.starts_at - r.buffer_before))
    ORDER BY w.place, l.lane
    ON CONFLICT DO NOTHING
    RETURNING id, is_overbooked""")  # noqa: S608
    .bindparams(
        *_SPAN_BINDS,
        _IDS,
        sa.bindparam("lanes", type_=ARRAY(sa.Integer)),
        sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("moved_from_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("state", type_=sa.Text),
        sa.bindparam("expires_at", type_=_INSTANT),
        sa.bindparam("origin_kind", type_=sa.Text),
        sa.bindparam("taken_by", type_=sa.Uuid),
        sa.bindparam("beyond", type_=sa.Integer),
    )
    .columns(sa.column("id", sa.Uuid), sa.column("is_overbooked", sa.Boolean))
    .cte("made")
)
# Its lanes are tried in their order, and the first that is free makes the row: the others then meet its id.
_TAKE = HotStatement(
    sa.select(
        sa.func.array_agg(_MADE.c.id).label("made"),
        sa.func.array_agg(_MADE.c.id).filter(_MADE.c.is_overbooked).label("overbooked"),
    )
)
_UNDO = sa.delete(RESERVATIONS).where(RESERVATIONS.c.id == sa.any_(_IDS))


def _payload(table: Any) -> sa.ColumnElement[Any]:
    names = ("resource_id", "origin_kind", "origin_id")
    pairs: list[Any] = []
    for name in names:
        pairs += [sa.literal_column(f"'{name}'"), table.c[name]]
    return sa.func.jsonb_build_object(*pairs, type_=JSONB).label("payload")


_FACT: Final = [
    RESERVATIONS.c.id.label("aggregate_id"),
    RESERVATIONS.c.community_id,
    _payload(RESERVATIONS),
]
_HELD = RESERVATIONS.c.state == sa.literal_column("'held'", sa.Text)
_IS_LIVE = RESERVATIONS.c.state.in_([sa.literal_column(f"'{state}'", sa.Text) for state in ("held", "booked")])


def _shown(changed: sa.CTE) -> sa.Select[Any]:
    return sa.select(sa.func.array_agg(changed.c.aggregate_id))


def _ended(state: str, condition: sa.ColumnElement[bool]) -> sa.UpdateBase:
    return (
        sa.update(RESERVATIONS)
        .where(RESERVATIONS.c.id == sa.any_(_IDS), condition)
        .values(
            state=sa.literal_column(f"'{state}'", sa.Text),
            released_at=_NOW,
            updated_at=_NOW,
            version=RESERVATIONS.c.version + sa.literal_column("1"),
        )
        .returning(*_FACT)
    )


_CONFIRM = EmittingStatement(
    ReservationConfirmed,
    sa.update(RESERVATIONS)
    .where(RESERVATIONS.c.id == sa.any_(_IDS), _HELD, RESERVATIONS.c.expires_at > _NOW)
    .values(
        state=sa.literal_column("'booked'", sa.Text),
        expires_at=sa.null(),
        updated_at=_NOW,
        version=RESERVATIONS.c.version + sa.literal_column("1"),
    )
    .returning(*_FACT),
    _shown,
)
_RELEASE = EmittingStatement(ReservationReleased, _ended("released", _IS_LIVE), _shown)
_MOVE = EmittingStatement(ReservationMoved, _ended("moved", _IS_LIVE), _shown)
EXPIRE_DUE: Final = EmittingStatement(ReservationExpired, _ended("expired", _HELD), _shown)
# A predicate of a constraint cannot know the time: what expired is put aside by whoever wants it, worker or none.
_LOCK_STALE = sa.text(f"""
    SELECT e.id FROM reservations_reservation e
    WHERE e.state = 'held' AND e.expires_at <= :now
        AND EXISTS (SELECT FROM {_SPANS} WHERE {_STALE})
    ORDER BY e.resource_id, e.id FOR UPDATE OF e""").bindparams(*_SPAN_BINDS)  # noqa: S608
_EXTEND = (
    sa.update(RESERVATIONS)
    .where(RESERVATIONS.c.id == sa.any_(_IDS), _HELD, RESERVATIONS.c.expires_at > _NOW)
    .values(
        expires_at=sa.bindparam("until", type_=_INSTANT),
        updated_at=_NOW,
        version=RESERVATIONS.c.version + sa.literal_column("1"),
    )
    .returning(RESERVATIONS.c.id)
)
_LOCK = HotStatement(
    sa.select(RESERVATIONS.c.id, RESERVATIONS.c.state, RESERVATIONS.c.expires_at)
    .where(RESERVATIONS.c.id == sa.any_(_IDS))
    .order_by(RESERVATIONS.c.resource_id, RESERVATIONS.c.id)
    .with_for_update()
)
_CONCERNED = (
    sa.select(RESOURCES.c.id)
    .where(
        RESOURCES.c.id.in_(sa.select(RESERVATIONS.c.resource_id).where(RESERVATIONS.c.id == sa.any_(_IDS)))
        | (RESOURCES.c.id == sa.any_(sa.bindparam("resource_ids", type_=ARRAY(sa.Uuid))))
    )
    .order_by(RESOURCES.c.id)
)
_LOCK_OF_ORIGIN = HotStatement(
    sa.select(RESERVATIONS.c.id)
    .where(
        RESERVATIONS.c.origin_kind == sa.bindparam("origin_kind", type_=sa.Text),
        RESERVATIONS.c.origin_id == sa.any_(sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid))),
        # What was let go of is not to be had without the rest of it, and whose clock said so does not matter.
        RESERVATIONS.c.state.in_([sa.literal_column(f"'{state}'", sa.Text) for state in ("held", "booked", "expired")]),
    )
    .order_by(RESERVATIONS.c.resource_id, RESERVATIONS.c.id)
    .with_for_update()
)
_LOCK_RESOURCES = HotStatement(_CONCERNED.with_for_update(key_share=True))
_SHARE_RESOURCES = HotStatement(_CONCERNED.with_for_update(read=True))


def _spans(wants: Sequence[Want], now: datetime) -> dict[str, Any]:
    return {
        "now": now,
        "resource_ids": [want.resource_id for want in wants],
        "starts": [want.starts_at for want in wants],
        "ends": [want.ends_at for want in wants],
    }


async def look_up(session: AsyncSession, wants: Sequence[Want], now: datetime) -> dict[uuid.UUID, Any]:
    """Return the resources of ``wants`` by id; ``is_stale`` says of all whether a hold in the way is over."""
    rows = await _LOOK_UP.rows(connection_of(session), _spans(wants, now))
    return {row.id: row for row in rows}


async def expire_overlapping(session: AsyncSession, wants: Sequence[Want], now: datetime) -> None:
    """Put aside the holds that stand in the way of ``wants`` and whose time is over, and tell of them."""
    stale = (await session.scalars(_LOCK_STALE, _spans(wants, now))).all()
    if stale:
        await EXPIRE_DUE.row(session, {"ids": stale, "now": now})


@dataclass(frozen=True, slots=True)
class Taken:
    """What was made of wants: the ids of the reservations, and which of them are beyond the calendar's lanes."""

    made: frozenset[uuid.UUID]
    overbooked: frozenset[uuid.UUID]


async def insert_reservations(
    session: AsyncSession, wants: Sequence[Want], ids: Sequence[uuid.UUID], now: datetime, values: dict[str, Any]
) -> Taken:
    """Take what can be had of ``wants``, in their order, each in the first of its lanes that is free.

    Nothing can be had where a calendar is blocked, which is sure while its lock is held: who blocks has it alone.
    """
    binds = _spans(wants, now) | {
        "ids": list(ids),
        "lanes": [want.lane for want in wants],
        "origin_ids": [want.origin_id for want in wants],
        **values,
    }
    row = await _TAKE.row(connection_of(session), binds)
    made, overbooked = row if row is not None else (None, None)
    return Taken(frozenset(made or ()), frozenset(overbooked or ()))


async def undo(session: AsyncSession, ids: Iterable[uuid.UUID]) -> None:
    """Take back what this very transaction has taken."""
    await session.execute(_UNDO, {"ids": list(ids)})


async def lock_reservations(session: AsyncSession, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Lock reservations in the order everybody locks them; return their state and until when they are held."""
    rows = await _LOCK.rows(connection_of(session), {"ids": ids})
    return {row.id: row for row in rows}


async def confirm_of_origin(
    session: AsyncSession, origin_kind: str, origin_ids: Iterable[uuid.UUID], now: datetime
) -> bool:
    """Book what is held for the things ``origin_ids``; say whether there was anything, and none of it was over."""
    binds = {"origin_kind": origin_kind, "origin_ids": list(origin_ids)}
    ids = [row.id for row in await _LOCK_OF_ORIGIN.rows(connection_of(session), binds)]
    return bool(ids) and _ids_of(await _CONFIRM.row(session, {"ids": ids, "now": now})) == set(ids)


async def confirm_holds(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Book what is held and whose hold is not over; return which that was."""
    return await _change(session, _CONFIRM, ids, now)


async def release_reservations(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Give back what is held or booked; return which that was."""
    return await _change(session, _RELEASE, ids, now)


async def leave(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Give back locked reservations for others; return which were held or booked."""
    return _ids_of(await _MOVE.row(session, {"ids": ids, "now": now}))


async def extend_holds(
    session: AsyncSession, ids: Sequence[uuid.UUID], until: datetime, now: datetime
) -> set[uuid.UUID]:
    """Hold until ``until`` what is held and whose hold is not over; return which that was."""
    await lock_reservations(session, ids)
    return set((await session.scalars(_EXTEND, {"ids": ids, "until": until, "now": now})).all())


async def _change(
    session: AsyncSession, statement: EmittingStatement, ids: Sequence[uuid.UUID], now: datetime
) -> set[uuid.UUID]:
    if len(ids) > 1:  # one row is locked by its change
        await lock_reservations(session, ids)
    return _ids_of(await statement.row(session, {"ids": ids, "now": now}))


def _ids_of(row: Any) -> set[uuid.UUID]:
    return set(row[0] or ()) if row is not None else set()


async def lock_resources(
    session: AsyncSession, ids: Iterable[uuid.UUID], resource_ids: Iterable[uuid.UUID], *, alone: bool
) -> None:
    """Lock the resources of the reservations ``ids`` and ``resource_ids``, in the order everybody locks them.

    ``alone`` is who may come back to a resource: who moves (two that swap their times would each wait for what the
    other gives back), takes two times of it, puts aside a hold first, or blocks it. Whoever else takes shares them
    with their like, so that nobody of the former stands in between.
    """
    statement = _LOCK_RESOURCES if alone else _SHARE_RESOURCES
    await statement.rows(connection_of(session), {"ids": list(ids), "resource_ids": list(resource_ids)})
