"""The SQL that reads people: statements built once, columns mapped straight to what is told."""

import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.sealing import unseal
from app.identity.models import Account, ContactPoint
from app.identity.people.repository import CONTACT_VALUE, contact_index
from app.identity.people.schemas import ContactPointPublic, PersonPublic

_accounts = sa.inspect(Account).local_table
_points = sa.inspect(ContactPoint).local_table

_account_ids = sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))

_POINTS_OF = (
    sa.select(_points).where(_points.c.account_id == sa.any_(_account_ids)).order_by(_points.c.position, _points.c.id)
)
_PEOPLE = sa.select(
    _accounts.c.id, _accounts.c.name, _accounts.c.language, _accounts.c.time_zone, _accounts.c.state
).where(_accounts.c.id == sa.any_(_account_ids))
_REACHED_AT = (
    sa.select(_accounts.c.id)
    .where(
        _accounts.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _accounts.c.state == "active",
        sa.exists().where(
            _points.c.account_id == _accounts.c.id,
            _points.c.value_index == sa.bindparam("value_index", type_=sa.LargeBinary),
        ),
    )
    .order_by(_accounts.c.id)
)


async def contact_points(
    connection: AsyncConnection, account_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[ContactPointPublic]]:
    """Return each account's contact points in the order they are tried; an account without any has an empty list."""
    found: dict[uuid.UUID, list[ContactPointPublic]] = {account_id: [] for account_id in account_ids}
    for row in await connection.execute(_POINTS_OF, {"account_ids": list(found)}):
        found[row.account_id].append(contact_point_public(row))
    return found


def contact_point_public(row: Any) -> ContactPointPublic:
    """Return a contact point (a row or a model) with its value unsealed."""
    return ContactPointPublic(
        id=row.id,
        kind=row.kind,
        value=unseal(row.value, CONTACT_VALUE),
        capabilities=row.capabilities,
        usable_from=row.usable_from,
        usable_until=row.usable_until,
        verified_at=row.verified_at,
        position=row.position,
        version=row.version,
    )


async def people(connection: AsyncConnection, account_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, PersonPublic]:
    """Return who the accounts are; unknown ids are left out."""
    rows = await connection.execute(_PEOPLE, {"account_ids": list(account_ids)})
    return {
        row.id: PersonPublic(
            account_id=row.id, name=row.name, language=row.language, time_zone=row.time_zone, state=row.state
        )
        for row in rows
    }


async def accounts_reached_at(connection: AsyncConnection, community_id: uuid.UUID, value: str) -> list[uuid.UUID]:
    """Return the active accounts of the community that a normalized number or mail address reaches, oldest first."""
    rows = await connection.scalars(_REACHED_AT, {"community_id": community_id, "value_index": contact_index(value)})
    return list(rows)
