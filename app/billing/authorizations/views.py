"""The SQL that reads authorizations."""

import uuid
from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.authorizations.models import AUTHORIZATIONS
from app.billing.authorizations.schemas import AuthorizationPublic

_a = AUTHORIZATIONS.c
# The last one of each: one that failed may have been followed by another.
_OF: Final = (
    sa.select(AUTHORIZATIONS)
    .ext(distinct_on(_a.reference_id))
    .where(
        _a.reference_kind == sa.bindparam("reference_kind", type_=sa.Text),
        _a.reference_id == sa.any_(sa.bindparam("reference_ids", type_=ARRAY(sa.Uuid))),
    )
    .order_by(_a.reference_id, _a.id.desc())
)


async def authorizations_for(
    connection: AsyncConnection, reference_kind: str, reference_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, AuthorizationPublic]:
    """Return the last authorization of each thing, by what it is for; the caller knows who may see them."""
    binds = {"reference_kind": reference_kind, "reference_ids": sorted(reference_ids)}
    return {row.reference_id: authorization(row) for row in await connection.execute(_OF, binds)}


def authorization(row: Any) -> AuthorizationPublic:
    """Return an authorization as it is shown."""
    return AuthorizationPublic(**{name: getattr(row, name) for name in AuthorizationPublic.model_fields})
