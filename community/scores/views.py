"""The SQL that says what was given on average: of many at once, and never of so few that one could be found out."""

import uuid
from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from community.scores import rules
from community.scores.models import RATINGS
from community.scores.schemas import Score

_r = RATINGS.c


def _averages(whose: sa.Column[uuid.UUID], *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(whose.label("whose"), sa.func.avg(_r.stars).label("average"), sa.func.count().label("ratings"))
        .where(
            whose == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))),
            _r.created_at > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
            *conditions,
        )
        .group_by(whose)
        .having(sa.func.count(_r.resident_id.distinct()) >= rules.LEAST)
    )


_PROVIDERS: Final = _averages(_r.organization_id)
_WORKERS: Final = _averages(_r.worker_id)
_WORKERS_OF: Final = _averages(_r.worker_id, _r.organization_id == sa.bindparam("organization_id", type_=sa.Uuid))


async def of_providers(connection: AsyncConnection, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Score]:
    """Return what providers were given on average, of those that enough residents rated."""
    return await _scores(connection, _PROVIDERS, {"ids": sorted(ids)})


async def of_workers(
    connection: AsyncConnection, ids: Collection[uuid.UUID], organization_id: uuid.UUID | None = None
) -> dict[uuid.UUID, Score]:
    """Return what those who come (accounts) were given on average, at one provider or in all, as ``of_providers``."""
    if organization_id is None:
        return await _scores(connection, _WORKERS, {"ids": sorted(ids)})
    return await _scores(connection, _WORKERS_OF, {"ids": sorted(ids), "organization_id": organization_id})


async def _scores(
    connection: AsyncConnection, statement: sa.Select[Any], binds: dict[str, object]
) -> dict[uuid.UUID, Score]:
    rows = await connection.execute(statement, binds | {"since": clock.now() - rules.COUNTED})
    return {row.whose: Score(average=round(float(row.average), 1), count=row.ratings) for row in rows}
