"""The SQL that reads regimens and doses as clinics' own systems look for them."""

import uuid
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.sealing import unseal
from app.identity.api import ResidentSubject, account_name, trace_read
from eldercare.medication.models import DOSES, NOTE_CONTEXT, REGIMENS, VERSIONS, code_index
from eldercare.medication.rules import CLOCK_SKEW, EARLY, OLDEST_RECORD
from eldercare.medication.schemas.doses import DosePublic
from eldercare.medication.schemas.entries import DoseEntry, DoseQuery, RegimenEntry, RegimenQuery
from eldercare.medication.schemas.regimens import RegimenVersionPublic
from eldercare.medication.schemas.timings import timing
from eldercare.medication.views.regimens import drug_of

_REGIMENS, _DOSES = "eldercare.regimen_entries", "eldercare.dose_entries"
STATUSES: Final = {"draft": "intended", "active": "active", "paused": "on-hold", "stopped": "stopped"}
"""A regimen's states as FHIR's MedicationStatement has them; one whose last day lies behind is ``completed``."""
SETTLED: Final = ("taken", "skipped", "missed", "excused")
_WITHIN_RECORD: Final = OLDEST_RECORD + timedelta(days=1)
_INSTANT = sa.DateTime(timezone=True)
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)
_r, _v, _d = REGIMENS.c, VERSIONS.c, DOSES.c


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


def _since(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    bound = sa.bindparam(name, type_=column.type)
    return sa.or_(bound.is_(None), column >= bound)


def _before(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    bound = sa.bindparam(name, type_=column.type)
    return sa.or_(bound.is_(None), column < bound)


_is_over = sa.and_(
    _r.state.in_([sa.literal_column("'active'"), sa.literal_column("'paused'")]),
    sa.func.coalesce(_v.ends_on < sa.bindparam("today", type_=sa.Date), sa.false()),
)
_status = sa.case(
    (_is_over, sa.literal_column("'completed'", sa.Text)),
    *(
        (_r.state == sa.literal_column(f"'{state}'"), sa.literal_column(f"'{status}'", sa.Text))
        for state, status in STATUSES.items()
    ),
)
_FOUND_REGIMENS: Final = (
    sa.select(
        _r.id,
        _r.resident_id,
        _r.account_id,
        _r.state,
        _r.version,
        _r.created_at,
        _r.updated_at,
        _r.stopped_at,
        _r.prescription_id,
        _r.prescription_version,
        _status.label("status"),
        account_name(_v.created_by).label("author_name"),
        *(_v[name] for name in RegimenVersionPublic.model_fields),
    )
    .join(VERSIONS, _v.id == _r.version_id)
    .where(
        _r.resident_id == _resident,
        _among(_r.id, "ids"),
        _among(_status, "statuses"),
        _among(_r.code_index, "code_indexes"),
        _before(_v.starts_on, "in_force_before"),
        sa.or_(_v.ends_on.is_(None), _since(_v.ends_on, "in_force_since")),
        sa.or_(_r.stopped_at.is_(None), _since(sa.cast(_r.stopped_at, sa.Date), "in_force_since")),
        _since(_r.updated_at, "updated_since"),
        _before(_r.updated_at, "updated_before"),
        after((_r.id,), ("after_id",), descending=True),
    )
    .order_by(_r.id.desc())
    .limit(_limit)
)
_happened = sa.func.coalesce(_d.taken_at, _d.due_at, type_=_INSTANT)
_FOUND_DOSES: Final = (
    sa.select(
        *(_d[name] for name in DosePublic.model_fields if not name.startswith("drug_")),
        _d.updated_at,
        _v.drug,
        _r.prescription_id,
        account_name(_d.recorded_by).label("recorder_name"),
    )
    .join(VERSIONS, _v.id == _d.version_id)
    .join(REGIMENS, _r.id == _d.regimen_id)
    .where(
        _d.resident_id == _resident,
        _among(_d.id, "ids"),
        _d.state == sa.any_(sa.bindparam("states", type_=ARRAY(_d.state.type))),
        _among(_r.prescription_id, "prescription_ids"),
        # By the index; a dose is recorded not long before it is due, and not long after.
        _since(_d.due_at, "due_since"),
        _before(_d.due_at, "due_before"),
        _since(_happened, "happened_since"),
        _before(_happened, "happened_before"),
        _since(_d.updated_at, "updated_since"),
        _before(_d.updated_at, "updated_before"),
        after((_d.due_at, _d.id), ("after_due_at", "after_id"), descending=True),
    )
    .order_by(_d.due_at.desc(), _d.id.desc())
    .limit(_limit)
)


async def regimens(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, query: RegimenQuery, page: PageRequest
) -> Page[RegimenEntry]:
    """Return a page of a resident's regimens that are looked for, the last first; leaves a trace."""
    (last_id,) = decode_cursor(_REGIMENS, page.cursor) if page.cursor else (None,)
    wanted = asdict(query)
    codes = wanted.pop("codes")
    binds = wanted | {
        "resident_id": subject.resident_id,
        "code_indexes": None if codes is None else [code_index(system, code) for system, code in codes],
        "today": clock.now().astimezone(ZoneInfo(subject.time_zone)).date(),
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    rows = (await connection.execute(_FOUND_REGIMENS, binds)).all()
    await trace_read(connection, actor, subject, "regimens:list")
    items = [_regimen(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_REGIMENS, rows, page.limit, ("id",)))


async def doses(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, query: DoseQuery, page: PageRequest
) -> Page[DoseEntry]:
    """Return a page of a resident's settled doses that are looked for, those due last first; leaves a trace."""
    after_due_at, after_id = decode_cursor(_DOSES, page.cursor) if page.cursor else (None, None)
    since, before = query.happened_since, query.happened_before
    binds = asdict(query) | {
        "resident_id": subject.resident_id,
        "states": _settled(query.states),
        "due_since": since - _WITHIN_RECORD if since else None,
        "due_before": before + EARLY + CLOCK_SKEW if before else None,
        "after_due_at": datetime.fromisoformat(after_due_at) if after_due_at else None,
        "after_id": uuid.UUID(after_id) if after_id else None,
        "limit": page.limit + 1,
    }
    rows = (await connection.execute(_FOUND_DOSES, binds)).all()
    await trace_read(connection, actor, subject, "doses:list")
    items = [_dose(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_DOSES, rows, page.limit, ("due_at", "id")))


async def regimens_residents(connection: AsyncConnection, ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return whose regimens they are."""
    return list(await connection.scalars(_RESIDENTS_OF_REGIMENS, {"ids": list(ids)}))


async def doses_residents(connection: AsyncConnection, ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return whose doses they are."""
    return list(await connection.scalars(_RESIDENTS_OF_DOSES, {"ids": list(ids)}))


def _residents_of(table: sa.Table) -> sa.Select[Any]:
    return (
        sa.select(table.c.resident_id)
        .distinct()
        .where(table.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    )


_RESIDENTS_OF_REGIMENS: Final = _residents_of(REGIMENS)
_RESIDENTS_OF_DOSES: Final = _residents_of(DOSES)


def _settled(states: Collection[str] | None) -> list[str]:
    return [state for state in SETTLED if states is None or state in states]


def _regimen(row: Any) -> RegimenEntry:
    values = dict(row._mapping)  # noqa: SLF001 - the public name SQLAlchemy gives it
    return RegimenEntry.model_validate(
        values
        | {
            "times": [f"{wall:%H:%M}" for wall in row.times],
            "drug": drug_of(row.drug),
            "is_own_word": row.created_by == row.account_id,
            "in_fhir": timing(values),
        }
    )


def _dose(row: Any) -> DoseEntry:
    drug = drug_of(row.drug)
    return DoseEntry.model_validate(
        dict(row._mapping)  # noqa: SLF001 - the public name SQLAlchemy gives it
        | {
            "drug": drug,
            "drug_name": drug.name,
            "drug_strength": drug.strength,
            "note": unseal(row.note, NOTE_CONTEXT) if row.note else None,
        }
    )
