"""The SQL that reads care circles."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.tables import table_of
from app.identity.api import people
from eldercare.care_circle.models import CircleMember
from eldercare.care_circle.schemas import CircleMemberPublic

_members = table_of(CircleMember)
_ORDER = (_members.c.position, _members.c.id)

_ACCEPTED = (
    sa.select(_members.c.account_id)
    .where(_members.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), _members.c.state == "accepted")
    .order_by(*_ORDER)
)
CIRCLE = (
    sa.select(_members)
    .where(
        _members.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        _members.c.state.in_(["invited", "accepted"]),
    )
    .order_by(*_ORDER)
)
_MINE = (
    sa.select(_members)
    .where(
        _members.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        _members.c.state.in_(["invited", "accepted"]),
    )
    .order_by(_members.c.id)
)


@dataclass(frozen=True, slots=True)
class OnCall:
    """A member of a circle who can be called now."""

    member_id: uuid.UUID
    account_id: uuid.UUID


async def accepted_accounts(connection: AsyncConnection, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return everybody who accepted, on call or not, in the resident's order."""
    return list(await connection.scalars(_ACCEPTED, {"resident_id": resident_id}))


async def circle_of(connection: AsyncConnection, resident_id: uuid.UUID) -> list[CircleMemberPublic]:
    """Return a resident's circle, the invited among it, in the order in which it is called."""
    return await shown(connection, list(await connection.execute(CIRCLE, {"resident_id": resident_id})))


async def shown(connection: AsyncConnection, rows: Iterable[Any]) -> list[CircleMemberPublic]:
    """Return members (rows or models) with their names."""
    rows = list(rows)
    known = await people(connection, [row.account_id for row in rows])
    fields = CircleMemberPublic.model_fields.keys() - {"name"}
    return [
        CircleMemberPublic.model_validate(
            {field: getattr(row, field) for field in fields}
            # Whose number it is stays untold until that person said yes.
            | {"name": known[row.account_id].name if row.state == "accepted" else row.called}
        )
        for row in rows
    ]


async def circles_with(connection: AsyncConnection, account_id: uuid.UUID) -> list[Any]:
    """Return the memberships of an account: the circles it is asked into or belongs to."""
    return list(await connection.execute(_MINE, {"account_id": account_id}))
