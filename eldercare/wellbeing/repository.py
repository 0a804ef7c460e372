"""The SQL that writes flags, who is looked at when, and who is told."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.identity.api import account_zones, granted_accounts
from eldercare.wellbeing.models import FLAGS, LISTENERS, UNDER_WAY, WATCHES, WellbeingFlag, WellbeingListener
from eldercare.wellbeing.rules.flags import TRANSITIONS, EndReason

READ: Final = "wellbeing:read"

_INSTANT = sa.DateTime(timezone=True)
_UUIDS = ARRAY(sa.Uuid)
_now = sa.bindparam("moment", type_=_INSTANT)
_under_way = sa.literal_column(UNDER_WAY, sa.Boolean)
_zones = account_zones().subquery("zones")
_of_residents = sa.bindparam("resident_ids", type_=_UUIDS)

# Whoever is asked or takes something has days that tell of them.
_NEW: Final = sa.text("""
    SELECT DISTINCT ON (s.resident_id) s.resident_id, s.community_id, s.account_id
    FROM (
        SELECT resident_id, community_id, account_id FROM eldercare_check_in_plan WHERE state = 'active'
        UNION ALL
        SELECT resident_id, community_id, account_id FROM eldercare_regimen WHERE state = 'active'
    ) s
    WHERE NOT EXISTS (SELECT FROM eldercare_wellbeing_watch w WHERE w.resident_id = s.resident_id)
    ORDER BY s.resident_id LIMIT :rows""").columns(
    sa.column("resident_id", sa.Uuid), sa.column("community_id", sa.Uuid), sa.column("account_id", sa.Uuid)
)
_NEW_ONES: Final = sa.select(_new := _NEW.subquery("new"), _zones.c.time_zone).join(
    _zones, _zones.c.account_id == _new.c.account_id
)
_WATCH: Final = insert(WATCHES).on_conflict_do_nothing(index_elements=["resident_id"])
_DUE: Final = (
    sa.select(WATCHES.c.id, WATCHES.c.resident_id, WATCHES.c.community_id, _zones.c.time_zone)
    .join(_zones, _zones.c.account_id == WATCHES.c.account_id)
    .where(WATCHES.c.id == sa.any_(sa.bindparam("watch_ids", type_=_UUIDS)))
    .order_by(WATCHES.c.resident_id)
)
_next = (
    sa.func.unnest(sa.bindparam("watch_ids", type_=_UUIDS), sa.bindparam("looks", type_=ARRAY(_INSTANT)))
    .table_valued("id", sa.column("look_at", _INSTANT))
    .render_derived("next")
)
_LOOK_AGAIN: Final = (
    sa.update(WATCHES)
    .where(WATCHES.c.id == _next.c.id)
    .values(look_at=_next.c.look_at, updated_at=_now, version=WATCHES.c.version + 1)
)
_UNWATCH: Final = sa.delete(WATCHES).where(WATCHES.c.resident_id == sa.any_(_of_residents))
_UNDER_WAY_OF: Final = sa.select(FLAGS.c.id, FLAGS.c.resident_id, FLAGS.c.measure).where(
    FLAGS.c.resident_id == sa.any_(_of_residents), _under_way
)
_OPEN: Final = (
    insert(FLAGS)
    .on_conflict_do_nothing(index_elements=["resident_id", "measure"], index_where=sa.text(UNDER_WAY))
    .returning(FLAGS.c.id)
)


def _end(*conditions: sa.ColumnElement[bool]) -> sa.Update:
    reason = sa.bindparam("reason", type_=sa.Text)
    ended = {"state": TRANSITIONS["end"][1], "ended_at": _now, "end_reason": reason}
    return sa.update(FLAGS).where(_under_way, *conditions).values(**ended, updated_at=_now, version=FLAGS.c.version + 1)


_END: Final = _end(FLAGS.c.id == sa.any_(sa.bindparam("flag_ids", type_=_UUIDS)))
_END_OF: Final = _end(FLAGS.c.resident_id == sa.any_(_of_residents))

_LISTEN: Final = insert(LISTENERS).on_conflict_do_nothing(index_elements=["resident_id", "account_id"])
_IGNORE: Final = sa.delete(LISTENERS).where(
    LISTENERS.c.resident_id == sa.bindparam("of_resident", type_=sa.Uuid),
    LISTENERS.c.account_id == sa.bindparam("of_account", type_=sa.Uuid),
)
_IGNORE_ALL: Final = sa.delete(LISTENERS).where(LISTENERS.c.resident_id == sa.any_(_of_residents))

_granted = granted_accounts(READ).subquery("granted")
_resident_id = sa.cast(FLAGS.c.resident_id, sa.Text)
TOLD: Final = (
    sa.select(
        LISTENERS.c.account_id,
        FLAGS.c.community_id,
        sa.func.concat("wellbeing:", _resident_id, ":", sa.cast(sa.func.max(FLAGS.c.opened_on), sa.Text)).label(
            "dedupe_key"
        ),
        sa.func.concat("wellbeing:", _resident_id).label("collapse_key"),
        sa.func.jsonb_build_object(sa.literal_column("'resident'"), _resident_id, type_=JSONB).label("variables"),
        sa.func.jsonb_build_object(sa.literal_column("'resident_id'"), _resident_id, type_=JSONB).label("data"),
        FLAGS.c.resident_id.label("about"),
    )
    .join(LISTENERS, LISTENERS.c.resident_id == FLAGS.c.resident_id)
    .where(
        FLAGS.c.id == sa.any_(sa.bindparam("flag_ids", type_=_UUIDS)),
        sa.exists().where(
            _granted.c.resident_id == FLAGS.c.resident_id, _granted.c.account_id == LISTENERS.c.account_id
        ),
    )
    .group_by(LISTENERS.c.account_id, FLAGS.c.community_id, FLAGS.c.resident_id)
)
"""Who is told of the bound flags: once per resident, those who asked and are granted to see it at ``granted_at``."""


async def unwatched(session: AsyncSession, rows: int) -> Sequence[Any]:
    """Return residents who are asked or take something and are not looked at yet, with the zone they live in."""
    return (await session.execute(_NEW_ONES, {"rows": rows})).all()


async def watch(session: AsyncSession, watches: Sequence[Any]) -> None:
    """Look at residents from now on; who is looked at already is not looked at twice."""
    await session.execute(_WATCH, [one.model_dump() for one in watches])


async def due(session: AsyncSession, watch_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Return whose time to be looked at has come, with the zone they live in."""
    return (await session.execute(_DUE, {"watch_ids": list(watch_ids)})).all()


async def look_again(session: AsyncSession, looks: Mapping[uuid.UUID, datetime]) -> None:
    """Set when each is looked at next."""
    binds = {"watch_ids": list(looks), "looks": list(looks.values()), "moment": clock.now()}
    await session.execute(_LOOK_AGAIN, binds)


async def under_way(
    session: AsyncSession, resident_ids: Collection[uuid.UUID]
) -> dict[tuple[uuid.UUID, str], uuid.UUID]:
    """Return the flags of residents that have not ended, the dismissed among them, by resident and measure."""
    rows = await session.execute(_UNDER_WAY_OF, {"resident_ids": list(resident_ids)})
    return {(row.resident_id, row.measure): row.id for row in rows}


async def open_flags(session: AsyncSession, flags: Sequence[WellbeingFlag]) -> set[uuid.UUID]:
    """Open flags where none of the measure is under way, and return the ids of these."""
    return set(await session.scalars(_OPEN, [flag.model_dump() for flag in flags])) if flags else set()


async def end_flags(session: AsyncSession, flag_ids: Collection[uuid.UUID], reason: EndReason) -> None:
    """End flags that have not ended."""
    if flag_ids:
        await session.execute(_END, {"flag_ids": list(flag_ids), "reason": reason, "moment": clock.now()})


async def lock_flag(session: AsyncSession, resident_id: uuid.UUID, flag_id: uuid.UUID) -> WellbeingFlag | None:
    """Return a resident's flag, locked, or ``None`` if there is no such."""
    flag: WellbeingFlag | None = await session.scalar(
        sa.select(WellbeingFlag)
        .where(col(WellbeingFlag.id) == flag_id, col(WellbeingFlag.resident_id) == resident_id)
        .with_for_update()
    )
    return flag


async def listen(session: AsyncSession, listener: WellbeingListener) -> None:
    """Have somebody told of a resident's flags; asking twice changes nothing."""
    await session.execute(_LISTEN, listener.model_dump())


async def ignore(session: AsyncSession, resident_id: uuid.UUID, account_id: uuid.UUID) -> None:
    """Have somebody not told any more."""
    await session.execute(_IGNORE, {"of_resident": resident_id, "of_account": account_id})


async def close(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> None:
    """Look at these residents no more: their flags end and nobody is told of them."""
    binds = {"resident_ids": list(resident_ids), "moment": clock.now()}
    await session.execute(_END_OF, binds | {"reason": "closed"})
    await session.execute(_UNWATCH, binds)
    await session.execute(_IGNORE_ALL, binds)
