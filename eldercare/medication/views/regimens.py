"""The SQL that reads regimens, what they said over time, and when the resident eats."""

import uuid
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import NotFound
from app.core.sealing import unseal
from eldercare.medication.models import DRUG_CONTEXT, MEALS, REGIMENS, VERSIONS
from eldercare.medication.rules import DEFAULT_MEALS
from eldercare.medication.schemas.regimens import Drug, MealTimesPublic, RegimenPublic, RegimenVersionPublic
from eldercare.medication.views.schedules import NAMES

_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_regimen = sa.bindparam("regimen_id", type_=sa.Uuid)
_VERSION = [VERSIONS.c[name] for name in RegimenVersionPublic.model_fields]
_REGIMEN = (
    sa.select(
        REGIMENS.c.id,
        REGIMENS.c.resident_id,
        REGIMENS.c.state,
        REGIMENS.c.version,
        REGIMENS.c.created_at,
        REGIMENS.c.stopped_at,
        REGIMENS.c.prescription_id,
        REGIMENS.c.prescription_version,
        *_VERSION,
    )
    .join(VERSIONS, VERSIONS.c.id == REGIMENS.c.version_id)
    .where(REGIMENS.c.resident_id == _resident)
)
_ONE = _REGIMEN.where(REGIMENS.c.id == _regimen)
_ALL = _REGIMEN.order_by(REGIMENS.c.state == sa.literal_column("'stopped'"), REGIMENS.c.id)
_VERSIONS = (
    sa.select(*_VERSION)
    .where(VERSIONS.c.regimen_id == _regimen, VERSIONS.c.resident_id == _resident)
    .order_by(VERSIONS.c.number.desc())
)
_MEALS = sa.select(*(MEALS.c[name] for name in NAMES), MEALS.c.version).where(MEALS.c.resident_id == _resident)


def drug_of(sealed: str) -> Drug:
    """Return what a version says of the drug."""
    return Drug.model_validate(orjson.loads(unseal(sealed, DRUG_CONTEXT)))


async def regimen(connection: AsyncConnection, resident_id: uuid.UUID, regimen_id: uuid.UUID) -> RegimenPublic:
    """Return a resident's regimen with the version in force; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"resident_id": resident_id, "regimen_id": regimen_id})).one_or_none()
    if row is None:
        raise NotFound
    return RegimenPublic.model_validate(_shown(row))


async def regimens(connection: AsyncConnection, resident_id: uuid.UUID) -> list[RegimenPublic]:
    """Return all regimens of a resident, the stopped ones last."""
    rows = await connection.execute(_ALL, {"resident_id": resident_id})
    return [RegimenPublic.model_validate(_shown(row)) for row in rows]


async def versions(
    connection: AsyncConnection, resident_id: uuid.UUID, regimen_id: uuid.UUID
) -> list[RegimenVersionPublic]:
    """Return what a regimen said over time, the latest first; raises ``NotFound``."""
    rows = (await connection.execute(_VERSIONS, {"resident_id": resident_id, "regimen_id": regimen_id})).all()
    if not rows:
        raise NotFound
    return [RegimenVersionPublic.model_validate(_shown(row)) for row in rows]


async def meal_times(connection: AsyncConnection, resident_id: uuid.UUID) -> MealTimesPublic:
    """Return when a resident eats: as they told us, else at the usual times."""
    row = (await connection.execute(_MEALS, {"resident_id": resident_id})).one_or_none()
    told = {name: f"{getattr(row, name) if row else DEFAULT_MEALS[name]:%H:%M}" for name in NAMES}
    return MealTimesPublic.model_validate(told | {"version": row.version if row else 0})


def _shown(row: sa.Row[Any]) -> dict[str, Any]:
    values = dict(row._mapping)  # noqa: SLF001 - the public name SQLAlchemy gives it
    return values | {"times": [f"{wall:%H:%M}" for wall in row.times], "drug": drug_of(row.drug)}
