"""The SQL that reads exports: how far one is, which files it has, what is next of it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import NotFound
from app.core.sealing import unseal
from app.fhir.exports.models import EXPORTS, FILES, REQUEST, RESIDENTS
from app.fhir.exports.rules import Order

_id = sa.bindparam("export", type_=sa.Uuid)
_client = sa.bindparam("client", type_=sa.Uuid)
_waiting = (
    sa.select(RESIDENTS.c.resident_id)
    .where(RESIDENTS.c.export_id == EXPORTS.c.id, sa.not_(RESIDENTS.c.is_done))
    .order_by(RESIDENTS.c.resident_id)
    .limit(1)
    .correlate(EXPORTS)
)
_NEXT: Final = sa.select(EXPORTS, _waiting.scalar_subquery().label("resident_id")).where(EXPORTS.c.id == _id)
_ONE: Final = sa.select(EXPORTS).where(EXPORTS.c.id == _id, EXPORTS.c.client_id == _client)
_FILES: Final = (
    sa.select(FILES).where(FILES.c.export_id == _id, FILES.c.resources > 0).order_by(FILES.c.type, FILES.c.id)
)
_FILE: Final = (
    sa.select(
        FILES.c.id, FILES.c.size, FILES.c.type, EXPORTS.c.state, EXPORTS.c.scopes, EXPORTS.c.id.label("export_id")
    )
    .join(EXPORTS, EXPORTS.c.id == FILES.c.export_id)
    .where(FILES.c.id == sa.bindparam("file", type_=sa.Uuid), EXPORTS.c.client_id == _client)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """An export as its client is told of it."""

    id: uuid.UUID
    state: str
    order: Order
    total: int
    done: int
    error: str | None
    transaction_at: datetime
    expires_at: datetime


async def next_of(connection: AsyncConnection, export_id: uuid.UUID) -> sa.Row[Any] | None:
    """Return an export with who is next (``resident_id``, empty after the last); ``None`` if it is gone."""
    return (await connection.execute(_NEXT, {"export": export_id})).one_or_none()


async def standing(connection: AsyncConnection, client_id: uuid.UUID, export_id: uuid.UUID) -> Standing:
    """Return how a client's export stands; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"export": export_id, "client": client_id})).one_or_none()
    if row is None:
        raise NotFound
    order = Order.read(unseal(row.request, REQUEST))
    return Standing(row.id, row.state, order, row.total, row.done, row.error, row.transaction_at, row.expires_at)


async def files(connection: AsyncConnection, export_id: uuid.UUID) -> Sequence[sa.Row[Any]]:
    """Return the files of an export in which there is something, by kind."""
    return (await connection.execute(_FILES, {"export": export_id})).all()


async def file(connection: AsyncConnection, client_id: uuid.UUID, file_id: uuid.UUID) -> Any:
    """Return a file of a client's export with how that stands; raises ``NotFound``."""
    row = (await connection.execute(_FILE, {"file": file_id, "client": client_id})).one_or_none()
    if row is None:
        raise NotFound
    return row
