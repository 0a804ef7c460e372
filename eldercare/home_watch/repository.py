"""The SQL that keeps what homes noticed: read and written by one transaction per resident at a time."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from eldercare.alarms.models import Severity
from eldercare.home_watch.models import SIGNS
from eldercare.home_watch.rules import SETTLING, Known, Notice, Settled

_KNOWN: Final = sa.select(SIGNS).where(
    SIGNS.c.incident_id == sa.any_(sa.bindparam("incident_ids", type_=ARRAY(sa.Uuid)))
)
_OVER: Final = sa.select(SIGNS.c.resident_id, SIGNS.c.incident_id).where(
    SIGNS.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
    SIGNS.c.kind.in_(sorted(SETTLING)),
    SIGNS.c.settled_at >= SIGNS.c.noticed_at,
)
_given = insert(SIGNS)
_new = _given.excluded


def _store(**changed: Any) -> Any:
    return _given.on_conflict_do_update(
        index_elements=["incident_id"],
        set_={**changed, "updated_at": _new.updated_at, "version": SIGNS.c.version + 1},
    )


_NOTE_NOTICED: Final = _store(
    severity=sa.func.greatest(SIGNS.c.severity, _new.severity),
    # Told with no severity, only its end is known yet.
    is_hint=sa.and_(sa.or_(SIGNS.c.is_hint, SIGNS.c.severity.is_(None)), _new.is_hint),
    noticed_at=sa.func.greatest(SIGNS.c.noticed_at, _new.noticed_at),
)
_NOTE_SETTLED: Final = _store(settled_at=sa.func.greatest(SIGNS.c.settled_at, _new.settled_at))


async def known(session: AsyncSession, incident_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Known]:
    """Return what is known of these incidents, by their ids."""
    rows = await session.execute(_KNOWN, {"incident_ids": list(incident_ids)})
    return {
        row.incident_id: Known(
            severity=None if row.severity is None else Severity(row.severity),
            is_hint=row.is_hint,
            noticed_at=row.noticed_at,
            settled_at=row.settled_at,
        )
        for row in rows
    }


async def note_noticed(session: AsyncSession, notices: Sequence[Notice], hints: frozenset[uuid.UUID]) -> None:
    """Keep that these were noticed, those of ``hints`` (by their own ids) as what may be nothing."""
    rows = [
        {**_row(one), "severity": int(one.severity), "is_hint": one.id in hints, "noticed_at": one.noticed_at}
        for one in notices
    ]
    await session.execute(_NOTE_NOTICED, rows)


async def note_settled(session: AsyncSession, settled: Sequence[Settled]) -> None:
    """Keep that these are over, as their homes say."""
    rows = [{**_row(one), "severity": None, "is_hint": False, "settled_at": one.settled_at} for one in settled]
    await session.execute(_NOTE_SETTLED, rows)


async def over(session: AsyncSession, resident_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
    """Return the incidents that are over, by resident, of the kinds a home itself takes back."""
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    for row in await session.execute(_OVER, {"resident_ids": list(resident_ids)}):
        found.setdefault(row.resident_id, set()).add(row.incident_id)
    return {resident_id: frozenset(incidents) for resident_id, incidents in found.items()}


def _row(one: Notice | Settled) -> dict[str, Any]:
    now = clock.now()
    return {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "community_id": one.community_id,
        "resident_id": one.resident_id,
        "incident_id": one.incident_id,
        "kind": one.kind,
    }
