"""The SQL that reads organizations and who works for them."""

import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.identity.models import Account, Membership, Organization

_accounts = sa.inspect(Account).local_table
_memberships = sa.inspect(Membership).local_table
_organizations = sa.inspect(Organization).local_table

_WORKING = (
    sa.select(_memberships.c.account_id)
    .join(_accounts, _accounts.c.id == _memberships.c.account_id)
    .where(_memberships.c.ended_at.is_(None), _accounts.c.state == "active")
    .order_by(_memberships.c.id)
)
_MEMBERS = _WORKING.where(
    _memberships.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    _memberships.c.role == sa.bindparam("role", type_=sa.Text),
)
_OPERATOR_STAFF = (
    _WORKING.join(_organizations, _organizations.c.id == _memberships.c.organization_id)
    .add_columns(_memberships.c.role)
    .where(
        _organizations.c.kind == "operator",
        _organizations.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _memberships.c.role == sa.any_(sa.bindparam("roles", type_=ARRAY(sa.Text))),
    )
)


async def organization_members(connection: AsyncConnection, organization_id: uuid.UUID, role: str) -> list[uuid.UUID]:
    """Return the active accounts that hold ``role`` in the organization, longest-serving first."""
    return list(await connection.scalars(_MEMBERS, {"organization_id": organization_id, "role": role}))


async def duty_desk(connection: AsyncConnection, community_id: uuid.UUID) -> list[uuid.UUID]:
    """Return who sits at the community's duty desk: its dispatchers, or its operators where it has none."""
    binds = {"community_id": community_id, "roles": ["dispatcher", "operator"]}
    rows = (await connection.execute(_OPERATOR_STAFF, binds)).all()
    dispatchers = [row.account_id for row in rows if row.role == "dispatcher"]
    return list(dict.fromkeys(dispatchers or [row.account_id for row in rows]))
