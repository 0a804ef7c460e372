"""The SQL that keeps hints: what waits of a resident, one transaction at a time."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.tables import table_of
from eldercare.signals.models import WAITING, Hint

_hints = table_of(Hint)
_INSTANT = sa.DateTime(timezone=True)
_now = sa.bindparam("moment", type_=_INSTANT)
_resident_ids = sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))

# In the order of the keys: two transactions never wait for each other in a circle. Salted, as an app may send any id
# as that of an SOS, which takes a lock by it and waits for nobody here.
_TAKE_TURNS: Final = sa.text(
    "SELECT count(pg_advisory_xact_lock(turn)) FROM ("
    "SELECT DISTINCT hashtextextended('eldercare.signals:' || resident_id, 0) AS turn"
    " FROM unnest(CAST(:resident_ids AS uuid[])) AS resident_id ORDER BY turn) AS turns"
).bindparams(_resident_ids)

_given = insert(_hints)
_KEEP: Final = _given.on_conflict_do_update(
    index_elements=["resident_id", "origin_kind", "origin_id"],
    set_={
        "occurred_at": _given.excluded.occurred_at,
        "rule_kind": _given.excluded.rule_kind,
        "rule_id": _given.excluded.rule_id,
        "evidence": _given.excluded.evidence,
        "withdrawn_at": None,
        "alarm_id": None,
        "updated_at": _given.excluded.updated_at,
        "version": _hints.c.version + 1,
    },
    # What was taken back and happened again counts again; what is waiting or told of already does not.
    where=_hints.c.withdrawn_at.is_not(None),
)
_WAITING: Final = (
    sa.select(_hints)
    .where(
        _hints.c.resident_id == sa.any_(_resident_ids),
        _hints.c.occurred_at >= sa.bindparam("since", type_=_INSTANT),
        sa.literal_column(WAITING, sa.Boolean),
    )
    .order_by(_hints.c.occurred_at, _hints.c.id)
)
_pairs = (
    sa.func.unnest(sa.bindparam("hint_ids", type_=ARRAY(sa.Uuid)), sa.bindparam("alarm_ids", type_=ARRAY(sa.Uuid)))
    .table_valued("hint_id", "alarm_id")
    .render_derived("pairs")
)
_TELL: Final = (
    sa.update(_hints)
    .where(_hints.c.id == _pairs.c.hint_id)
    .values(alarm_id=_pairs.c.alarm_id, updated_at=_now, version=_hints.c.version + 1)
)
_WITHDRAW: Final = (
    sa.update(_hints)
    .where(
        _hints.c.resident_id == sa.bindparam("of_resident", type_=sa.Uuid),
        _hints.c.origin_kind == sa.bindparam("of_kind", type_=sa.Text),
        _hints.c.origin_id == sa.any_(sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid))),
        _hints.c.withdrawn_at.is_(None),
    )
    .values(withdrawn_at=_now, updated_at=_now, version=_hints.c.version + 1)
)
_TOLD_TO: Final = sa.select(_hints).where(
    _hints.c.resident_id == sa.bindparam("of_resident", type_=sa.Uuid),
    _hints.c.alarm_id == sa.bindparam("of_alarm", type_=sa.Uuid),
    _hints.c.withdrawn_at.is_(None),
)
_RELEASE: Final = (
    sa.update(_hints)
    .where(_hints.c.id == sa.any_(sa.bindparam("hint_ids", type_=ARRAY(sa.Uuid))))
    .values(alarm_id=None, updated_at=_now, version=_hints.c.version + 1)
)


async def take_turns(session: AsyncSession, resident_ids: Iterable[uuid.UUID]) -> None:
    """Have transactions that look at the hints of the same residents follow one another, until they end.

    Of two hints at the same instant, neither would see the other otherwise. It is taken before any alarm is locked.
    """
    await session.execute(_TAKE_TURNS, {"resident_ids": list(resident_ids)})


async def keep(session: AsyncSession, hints: Sequence[Hint]) -> None:
    """Keep hints; the same thing told of again changes nothing."""
    for hint in hints:
        hint.updated_at = clock.now()
    await session.execute(_KEEP, [hint.model_dump() for hint in hints])


async def waiting(session: AsyncSession, resident_ids: Collection[uuid.UUID], since: datetime) -> Sequence[sa.Row[Any]]:
    """Return the residents' hints since then that are no alarm's signals yet and stand, in the order they came."""
    binds = {"resident_ids": list(resident_ids), "since": since}
    return (await session.execute(_WAITING, binds)).all()


async def tell(session: AsyncSession, alarms: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Note of which alarms hints became signals: hint → alarm."""
    binds = {"hint_ids": list(alarms), "alarm_ids": list(alarms.values()), "moment": clock.now()}
    await session.execute(_TELL, binds)


async def told_to(session: AsyncSession, resident_id: uuid.UUID, alarm_id: uuid.UUID) -> Sequence[sa.Row[Any]]:
    """Return the hints that became an alarm's signals and were not taken back."""
    return (await session.execute(_TOLD_TO, {"of_resident": resident_id, "of_alarm": alarm_id})).all()


async def release(session: AsyncSession, hint_ids: Sequence[uuid.UUID]) -> None:
    """Let hints wait again: the alarm they joined is over, and not because of them."""
    await session.execute(_RELEASE, {"hint_ids": list(hint_ids), "moment": clock.now()})


async def withdraw(
    session: AsyncSession, resident_id: uuid.UUID, origin_kind: str, origin_ids: Collection[uuid.UUID]
) -> None:
    """Take back the hints that came from these things; a signal that one became stays."""
    binds = {"of_resident": resident_id, "of_kind": origin_kind, "origin_ids": list(origin_ids), "moment": clock.now()}
    await session.execute(_WITHDRAW, binds)
