"""What residents and communities are called: the names that texts written by other packages need."""

import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.tables import table_of
from app.identity.models import Account, Community, Organization, Resident

_accounts = table_of(Account)
_communities = table_of(Community)
_organizations = table_of(Organization)
_residents = table_of(Resident)
_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))

_RESIDENTS = (
    sa.select(_residents.c.id, _accounts.c.name)
    .join(_accounts, _accounts.c.id == _residents.c.account_id)
    .where(_residents.c.id == sa.any_(_ids))
)
_COMMUNITIES = sa.select(_communities.c.id, _communities.c.name).where(_communities.c.id == sa.any_(_ids))


async def resident_names(connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what each resident is called; unknown ids are left out."""
    return {row.id: row.name for row in await connection.execute(_RESIDENTS, {"ids": list(resident_ids)})}


async def community_names(connection: AsyncConnection, community_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what each community is called; unknown ids are left out."""
    return {row.id: row.name for row in await connection.execute(_COMMUNITIES, {"ids": list(community_ids)})}


def account_name(account_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[str]:
    """Return SQL for what the account is called whose id is the column's value: for statements that show it."""
    named = _accounts.alias()
    return sa.select(named.c.name).where(named.c.id == account_id).correlate_except(named).scalar_subquery()


def account_of(resident_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[uuid.UUID]:
    """Return SQL for the account of the resident whose id is the column's value."""
    lives = _residents.alias()
    return sa.select(lives.c.account_id).where(lives.c.id == resident_id).correlate_except(lives).scalar_subquery()


def zone_of_community(community_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[str]:
    """Return SQL for the time zone of the community whose id is the column's value."""
    there = _communities.alias()
    return sa.select(there.c.time_zone).where(there.c.id == community_id).correlate_except(there).scalar_subquery()


def organization_name(organization_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[str]:
    """Return SQL for what the organization is called whose id is the column's value."""
    named = _organizations.alias()
    return sa.select(named.c.name).where(named.c.id == organization_id).correlate_except(named).scalar_subquery()


def is_active_account(account_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return SQL that says whether the account whose id is the column's value is neither deactivated nor erased."""
    there = _accounts.alias()
    statement = sa.select(there.c.id).where(there.c.id == account_id, there.c.state == sa.literal("active", sa.Text))
    return statement.correlate_except(there).exists()


def resident_name(resident_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[str]:
    """Return SQL for what the resident is called whose id is the column's value."""
    named, lives = _accounts.alias(), _residents.alias()
    statement = sa.select(named.c.name).join(lives, lives.c.account_id == named.c.id).where(lives.c.id == resident_id)
    return statement.correlate_except(named, lives).scalar_subquery()
