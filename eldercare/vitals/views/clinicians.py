"""The SQL that reads what clinicians decide: who is responsible, thresholds, the SpO2 scale; and the score of a set."""

import uuid
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.identity.api import ResidentSubject, members_here
from eldercare.alarms.service import Severity
from eldercare.vitals.models import RESPONSIBLE, SCALES, STANDINGS, THRESHOLDS
from eldercare.vitals.rules import codes, news2
from eldercare.vitals.rules.codes import SIGNS
from eldercare.vitals.schemas import (
    EarlyWarningScore,
    MissingParameter,
    ParameterScore,
    ResponsibleClinicianPublic,
    ThresholdPublic,
)

_LAST: Final = uuid.UUID(int=(1 << 128) - 1)
_resident = sa.bindparam("of_resident", type_=sa.Uuid)
_community = sa.bindparam("of_community", type_=sa.Uuid)
_before = sa.bindparam("before", type_=sa.Uuid)
_rows = sa.bindparam("rows", type_=sa.Integer)

_CURRENT = sa.select(RESPONSIBLE.c.account_id, RESPONSIBLE.c.organization_id).where(
    RESPONSIBLE.c.community_id == _community, RESPONSIBLE.c.ended_at.is_(None)
)
_NAMED = (
    sa.select(RESPONSIBLE)
    .where(RESPONSIBLE.c.community_id == _community, RESPONSIBLE.c.id < _before)
    .order_by(RESPONSIBLE.c.id.desc())
    .limit(_rows)
)
_THRESHOLDS = (
    sa.select(THRESHOLDS)
    .where(THRESHOLDS.c.resident_id == _resident, THRESHOLDS.c.id < _before)
    .order_by(THRESHOLDS.c.id.desc())
    .limit(_rows)
)
_THRESHOLDS_TRACED = audit.traced(_THRESHOLDS, "vital_threshold:list")
_scale = (
    sa.select(SCALES.c.scale)
    .where(SCALES.c.resident_id == _resident)
    .order_by(SCALES.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_SCALE = sa.select(sa.func.coalesce(_scale, 1))
_SET = audit.traced(
    sa.select(STANDINGS.c.code, STANDINGS.c.value, STANDINGS.c.measured_at, STANDINGS.c.reading_id).where(
        STANDINGS.c.resident_id == _resident, STANDINGS.c.code == sa.any_(sa.bindparam("codes", type_=ARRAY(sa.Text)))
    ),
    "early_warning_score:read",
)


async def is_somebody_responsible(connection: AsyncConnection, community_id: uuid.UUID) -> bool:
    """Say whether a clinician answers for the community's thresholds who still works for that clinic."""
    named = (await connection.execute(_CURRENT, {"of_community": community_id})).one_or_none()
    return named is not None and await _is_in_force(connection, community_id, named)


async def _is_in_force(connection: AsyncConnection, community_id: uuid.UUID, named: Any) -> bool:
    return named.account_id in await members_here(connection, community_id, named.organization_id, "clinician")


async def responsible_clinicians(
    connection: AsyncConnection, community_id: uuid.UUID, page: PageRequest
) -> Page[ResponsibleClinicianPublic]:
    """Return who was named for the community, the latest first."""
    kind = "eldercare.responsible_clinicians"
    binds = {"of_community": community_id, "before": _position(kind, page), "rows": page.limit + 1}
    rows = (await connection.execute(_NAMED, binds)).all()
    items = [await responsible_public(connection, row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ("id",)))


async def responsible_public(connection: AsyncConnection, named: Any) -> ResponsibleClinicianPublic:
    """Return who was named (a row or a model), and whether that turns alerts on now."""
    fields = ResponsibleClinicianPublic.model_fields.keys() - {"is_in_force"}
    in_force = named.ended_at is None and await _is_in_force(connection, named.community_id, named)
    return ResponsibleClinicianPublic(**{field: getattr(named, field) for field in fields}, is_in_force=in_force)


async def thresholds_of(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[ThresholdPublic]:
    """Return the versions of a resident's thresholds, the latest first; those without an end are in force."""
    kind = "eldercare.vital_thresholds"
    binds: dict[str, Any] = {
        "of_resident": subject.resident_id,
        "before": _position(kind, page),
        "rows": page.limit + 1,
    }
    statement = _THRESHOLDS
    if subject.relation != "self":
        statement = _THRESHOLDS_TRACED
        binds |= audit.trace_binds(actor, resident_id=subject.resident_id, community_id=subject.community_id)
    rows = (await connection.execute(statement, binds)).all()
    items = [threshold_public(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ("id",)))


def threshold_public(row: Any) -> ThresholdPublic:
    """Return a threshold (a row or a model) as it is shown."""
    sign = SIGNS[row.code]
    fields = ThresholdPublic.model_fields.keys() - {"name", "unit", "severity"}
    return ThresholdPublic(
        **{field: getattr(row, field) for field in fields},
        name=sign.name,
        unit=sign.unit,
        severity=Severity(row.severity).label,
    )


async def early_warning_score(connection: AsyncConnection, actor: Actor, subject: ResidentSubject) -> EarlyWarningScore:
    """Return NEWS2 of the latest readings if they are a complete and recent set, else what is missing of one."""
    scale: news2.Scale = (await connection.execute(_SCALE, {"of_resident": subject.resident_id})).scalar_one()
    trace = audit.trace_binds(actor, resident_id=subject.resident_id, community_id=subject.community_id)
    binds = {"of_resident": subject.resident_id, "codes": list(news2.PARAMETERS)}
    rows = {row.code: row for row in await connection.execute(_SET, binds | trace)}
    measured = {code: news2.Measured(row.value, row.measured_at) for code, row in rows.items()}
    faults = news2.faults(measured, clock.now())
    missing = [MissingParameter(code=code, name=SIGNS[code].name, fault=fault) for code, fault in faults.items()]
    if missing:
        return _assessment(scale, None, [], missing)
    found = news2.score({code: one.value for code, one in measured.items()}, scale)
    parameters = [
        ParameterScore(
            code=code,
            name=SIGNS[code].name,
            value=codes.shown(code, rows[code].value),
            unit=SIGNS[code].unit,
            measured_at=rows[code].measured_at,
            reading_id=rows[code].reading_id,
            points=found.points[code],
        )
        for code in news2.PARAMETERS
    ]
    return _assessment(scale, found, parameters, [])


def _assessment(
    scale: news2.Scale,
    found: news2.Score | None,
    parameters: list[ParameterScore],
    missing: Iterable[MissingParameter],
) -> EarlyWarningScore:
    return EarlyWarningScore(
        status="incomplete" if found is None else "complete",
        scale=scale,
        total=found.total if found else None,
        risk=found.risk if found else None,
        response=found.response if found else None,
        measured_at=max((parameter.measured_at for parameter in parameters), default=None),
        parameters=parameters,
        missing=list(missing),
        not_for=["under_16", "pregnancy"],
    )


def _position(kind: str, page: PageRequest) -> uuid.UUID:
    return _LAST if page.cursor is None else uuid.UUID(decode_cursor(kind, page.cursor)[0])
