"""The SQL that reads doses: of a stretch of time, one by one, and counted by week."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import ResidentSubject
from eldercare.medication.models import DOSES, NOTE_CONTEXT, REGIMENS, VERSIONS
from eldercare.medication.rules import State, kept_percent
from eldercare.medication.schemas.doses import Adherence, DosePublic, WeekOfRegimen
from eldercare.medication.schemas.regimens import Drug
from eldercare.medication.views.regimens import drug_of

LOOKING_BACK: Final = timedelta(hours=24)
"""Where a list begins that says nothing of its beginning."""
_AFTER_ALL: Final = datetime(2200, 1, 1, tzinfo=UTC)
_KIND = "eldercare.doses"
_WEEK: Final = timedelta(days=7)
_BEFORE_DAY: Final = timedelta(hours=16)
"""Everywhere on earth a local day begins at most so long before it does in UTC."""

_INSTANT = sa.DateTime(timezone=True)
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_since = sa.bindparam("since", type_=_INSTANT)
COLUMNS = (
    *(DOSES.c[name] for name in DosePublic.model_fields if not name.startswith("drug_")),
    DOSES.c.version_id,
    VERSIONS.c.drug,
)
_DOSES = sa.select(*COLUMNS).join(VERSIONS, VERSIONS.c.id == DOSES.c.version_id).where(DOSES.c.resident_id == _resident)
_LIST = (
    _DOSES.where(
        DOSES.c.due_at >= _since,
        DOSES.c.due_at < sa.bindparam("until", type_=_INSTANT),
        after((DOSES.c.due_at, DOSES.c.id), ("after_due_at", "after_id")),
    )
    .order_by(DOSES.c.due_at, DOSES.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_LISTS = {False: _LIST, True: _LIST.where(DOSES.c.state == sa.bindparam("of_state", type_=sa.Text))}
_TRACED_LISTS = {filtered: audit.traced(statement, "doses:list") for filtered, statement in _LISTS.items()}
_ONE = _DOSES.where(DOSES.c.id == sa.bindparam("dose_id", type_=sa.Uuid))
_TRACED_ONE = audit.traced(_ONE, "dose:read")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which doses are asked for: due in ``[since, until)``, in a state; by default from a day ago on, in any."""

    since: datetime | None = None
    until: datetime | None = None
    state: State | None = None


async def doses(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest, wanted: Wanted
) -> tuple[list[DosePublic], str | None]:
    """Return a page of a resident's doses in the order they are due, and the cursor of the next one.

    Reads by others than the resident are put on record.
    """
    after_due_at, after_id = decode_cursor(_KIND, page.cursor) if page.cursor else (None, None)
    binds: dict[str, Any] = {
        "resident_id": subject.resident_id,
        "since": wanted.since or clock.now() - LOOKING_BACK,
        "until": wanted.until or _AFTER_ALL,
        "limit": page.limit + 1,
        "after_due_at": datetime.fromisoformat(after_due_at) if after_due_at else None,
        "after_id": uuid.UUID(after_id) if after_id else None,
    }
    if wanted.state is not None:
        binds["of_state"] = wanted.state
    statement = _LISTS[wanted.state is not None]
    if subject.relation != "self":
        statement = _TRACED_LISTS[wanted.state is not None]
        binds |= audit.trace_binds(actor, resident_id=subject.resident_id, community_id=subject.community_id)
    rows = (await connection.execute(statement, binds)).all()
    return shown(rows[: page.limit]), next_cursor(_KIND, rows, page.limit, ("due_at", "id"))


async def dose(connection: AsyncConnection, actor: Actor, subject: ResidentSubject, dose_id: uuid.UUID) -> DosePublic:
    """Return one dose; raises ``NotFound``. Reads by others than the resident are put on record."""
    if subject.relation == "self":
        return await recorded_dose(connection, subject.resident_id, dose_id)
    binds = {"resident_id": subject.resident_id, "dose_id": dose_id} | audit.trace_binds(
        actor, resident_id=subject.resident_id, object_id=dose_id, community_id=subject.community_id
    )
    return _one((await connection.execute(_TRACED_ONE, binds)).all())


async def recorded_dose(connection: AsyncConnection, resident_id: uuid.UUID, dose_id: uuid.UUID) -> DosePublic:
    """Return a dose to whoever has just recorded it, which is on record by itself; raises ``NotFound``."""
    return _one((await connection.execute(_ONE, {"resident_id": resident_id, "dose_id": dose_id})).all())


def _one(rows: Sequence[sa.Row[Any]]) -> DosePublic:
    if not rows:
        raise NotFound
    return shown(rows)[0]


def shown(rows: Sequence[sa.Row[Any]]) -> list[DosePublic]:
    """Return what is shown of doses; each version's drug is unsealed once."""
    drugs: dict[uuid.UUID, Drug] = {}
    return [DosePublic.model_validate(_dose(cast("Mapping[str, Any]", row._mapping), drugs)) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def _dose(row: Mapping[str, Any], drugs: dict[uuid.UUID, Drug]) -> dict[str, Any]:
    drug = drugs.get(row["version_id"])
    if drug is None:
        drug = drugs[row["version_id"]] = drug_of(row["drug"])
    note = unseal(row["note"], NOTE_CONTEXT) if row["note"] else None
    return dict(row) | {"drug_name": drug.name, "drug_strength": drug.strength, "note": note}


def _count(state: State) -> sa.ColumnElement[int]:
    return sa.func.count().filter(DOSES.c.state == sa.literal_column(f"'{state}'"))


_week = sa.cast(sa.func.date_trunc("week", DOSES.c.local_date), sa.Date)
_COUNTED = (
    sa.select(
        DOSES.c.regimen_id,
        _week.label("week"),
        _count("taken").label("completed"),
        _count("skipped").label("not_done"),
        _count("missed").label("unknown"),
    )
    .where(
        DOSES.c.resident_id == _resident,
        DOSES.c.due_at >= _since,
        DOSES.c.local_date >= sa.bindparam("first_day", type_=sa.Date),
        DOSES.c.kind == sa.literal_column("'planned'"),
        DOSES.c.state.in_([sa.literal_column(f"'{state}'") for state in ("taken", "skipped", "missed")]),
    )
    .group_by(DOSES.c.regimen_id, _week)
    .cte("counted")
)
_ADHERENCE = (
    sa.select(_COUNTED, VERSIONS.c.drug)
    .join(REGIMENS, REGIMENS.c.id == _COUNTED.c.regimen_id)
    .join(VERSIONS, VERSIONS.c.id == REGIMENS.c.version_id)
    .order_by(_COUNTED.c.week.desc(), _COUNTED.c.regimen_id)
)


async def adherence(connection: AsyncConnection, subject: ResidentSubject, weeks: int) -> Adherence:
    """Return what came of a resident's planned doses in this week and those before it, ``weeks`` in all."""
    today = clock.now().astimezone(ZoneInfo(subject.time_zone)).date()
    first = today - timedelta(days=today.weekday()) - (weeks - 1) * _WEEK
    binds = {
        "resident_id": subject.resident_id,
        "first_day": first,
        "since": datetime.combine(first, time(), UTC) - _BEFORE_DAY,
    }
    rows = await connection.execute(_ADHERENCE, binds)
    return Adherence(first_week=first, weeks=[_week_of(row, row.week) for row in rows])


def _week_of(row: sa.Row[Any], week: date) -> WeekOfRegimen:
    return WeekOfRegimen(
        regimen_id=row.regimen_id,
        drug_name=drug_of(row.drug).name,
        week=week,
        completed=row.completed,
        not_done=row.not_done,
        unknown=row.unknown,
        percent=kept_percent(row.completed, row.not_done, row.unknown),
    )
