"""What residents and communities are called: the names that texts written by other packages need."""

import uuid
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.tables import table_of
from app.identity.models import Account, Community, Organization, Resident

_accounts = table_of(Account)
_communities = table_of(Community)
_organizations = table_of(Organization)
_residents = table_of(Resident)
# Under names of their own, so that no statement around compares a row with itself; one of each, as an alias is as large
# as its table.
_an_account = _accounts.alias("an_account")
_a_community = _communities.alias("a_community")
_an_organization = _organizations.alias("an_organization")
_a_resident = _residents.alias("a_resident")
_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))

_RESIDENTS = (
    sa.select(_residents.c.id, _accounts.c.name)
    .join(_accounts, _accounts.c.id == _residents.c.account_id)
    .where(_residents.c.id == sa.any_(_ids))
)
_COMMUNITIES = sa.select(_communities.c.id, _communities.c.name).where(_communities.c.id == sa.any_(_ids))
_TWO: Final = 2
_TWO_COMMUNITIES = sa.select(_communities.c.id).limit(_TWO)


async def resident_names(connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what each resident is called; unknown ids are left out."""
    return {row.id: row.name for row in await connection.execute(_RESIDENTS, {"ids": list(resident_ids)})}


async def community_names(connection: AsyncConnection, community_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what each community is called; unknown ids are left out."""
    return {row.id: row.name for row in await connection.execute(_COMMUNITIES, {"ids": list(community_ids)})}


def account_name(account_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[str]:
    """Return SQL for what the account is called whose id is the column's value: for statements that show it."""
    return (
        sa.select(_an_account.c.name)
        .where(_an_account.c.id == account_id)
        .correlate_except(_an_account)
        .scalar_subquery()
    )


def account_of(resident_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[uuid.UUID]:
    """Return SQL for the account of the resident whose id is the column's value."""
    return (
        sa.select(_a_resident.c.account_id)
        .where(_a_resident.c.id == resident_id)
        .correlate_except(_a_resident)
        .scalar_subquery()
    )


def zone_of_community(community_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[str]:
    """Return SQL for the time zone of the community whose id is the column's value."""
    return (
        sa.select(_a_community.c.time_zone)
        .where(_a_community.c.id == community_id)
        .correlate_except(_a_community)
        .scalar_subquery()
    )


def organization_name(organization_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[str]:
    """Return SQL for what the organization is called whose id is the column's value."""
    return (
        sa.select(_an_organization.c.name)
        .where(_an_organization.c.id == organization_id)
        .correlate_except(_an_organization)
        .scalar_subquery()
    )


def is_active_account(account_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return SQL that says whether the account whose id is the column's value is neither deactivated nor erased."""
    statement = sa.select(_an_account.c.id).where(
        _an_account.c.id == account_id, _an_account.c.state == sa.literal("active", sa.Text)
    )
    return statement.correlate_except(_an_account).exists()


def resident_name(resident_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[str]:
    """Return SQL for what the resident is called whose id is the column's value."""
    statement = (
        sa.select(_an_account.c.name)
        .join(_a_resident, _a_resident.c.account_id == _an_account.c.id)
        .where(_a_resident.c.id == resident_id)
    )
    return statement.correlate_except(_an_account, _a_resident).scalar_subquery()


def community_of(resident_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[uuid.UUID]:
    """Return SQL for the community of the resident whose id is the column's value."""
    return (
        sa.select(_a_resident.c.community_id)
        .where(_a_resident.c.id == resident_id)
        .correlate_except(_a_resident)
        .scalar_subquery()
    )


async def is_only_community(connection: AsyncConnection) -> bool:
    """Say whether this installation has one community, so that what names none can only be its."""
    return len((await connection.scalars(_TWO_COMMUNITIES)).all()) < _TWO
