"""Key rotation: what older keys sealed is sealed anew under the active key, batch by batch, while the house runs."""

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from app.core import sealing
from app.core.database import unit_of_work
from app.core.keys import keys
from app.core.tables import SEALED

BATCH = 500

_RESEALING = sa.text("SELECT set_config('hearthline.resealing', 'on', true)")

log = structlog.get_logger()
Row = tuple[object, ...]


def sealed_columns() -> list[sa.Column[str]]:
    """Return every column that holds sealed values."""
    tables = SQLModel.metadata.sorted_tables
    return [column for table in tables for column in table.columns if column.info.get(SEALED)]


async def reseal_all(*, batch: int = BATCH) -> int:
    """Bring every sealed value under the active key and return how many were not; safe to stop and to repeat.

    After that the other keys of ``HEARTHLINE_KEYS_SEALING`` are of use only for what was logged as ``reseal_failed``.
    """
    return sum([await reseal_column(column, batch=batch) for column in sealed_columns()])


async def reseal_column(column: sa.Column[str], *, batch: int = BATCH) -> int:
    """Bring the column's values under the active key, each batch in its own unit of work; return how many were not."""
    resealed = 0
    last: Row | None = None
    while True:
        async with unit_of_work() as session:
            # What is never changed (versions of health records) knows by this that it says the same as before.
            await session.execute(_RESEALING)
            rows = await _older(session, column, last, batch)
            resealed += await _reseal(session, column, rows)
        if len(rows) < batch:
            return resealed
        last = rows[-1][:-1]


async def _older(session: AsyncSession, column: sa.Column[str], last: Row | None, batch: int) -> list[Row]:
    """Lock and return the next rows (primary key, sealed value) that another key than the active one sealed."""
    primary_key = list(column.table.primary_key.columns)
    # Sealed under another kind of key (a person's own), a value does not begin with our version.
    statement = (
        sa.select(*primary_key, column)
        .where(column.startswith("v1.", autoescape=True))
        .where(~column.startswith(f"v1.{keys().active}.", autoescape=True))
        .order_by(*primary_key)
        .limit(batch)
        .with_for_update()
    )
    if last is not None:
        statement = statement.where(sa.tuple_(*primary_key) > sa.tuple_(*(sa.literal(v) for v in last)))
    return [tuple(row) for row in await session.execute(statement)]


async def _reseal(session: AsyncSession, column: sa.Column[str], rows: list[Row]) -> int:
    primary_key = list(column.table.primary_key.columns)
    renewed = []
    for row in rows:
        key, value = row[:-1], row[-1]
        try:
            sealed = sealing.reseal(str(value), f"{column.table.name}.{column.name}")
        except sealing.SealBroken:
            log.error("reseal_failed", table=column.table.name, column=column.name, row=[str(part) for part in key])  # noqa: TRY400 - a traceback adds nothing
            continue
        renewed.append({f"key_{index}": part for index, part in enumerate(key)} | {"sealed": sealed})
    if renewed:
        same = [part == sa.bindparam(f"key_{index}") for index, part in enumerate(primary_key)]
        statement = sa.update(column.table).where(*same).values({column.name: sa.bindparam("sealed")})
        # The connection's own executemany: the ORM's bulk update would want the mapped class.
        await (await session.connection()).execute(statement, renewed)
    return len(renewed)
