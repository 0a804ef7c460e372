"""The SQL that reads people: statements built once, columns mapped straight to what is told."""

import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.statements import HotStatement
from app.core.tables import table_of
from app.identity.models import Account, ContactPoint, Household, Resident
from app.identity.people.rules import NO_CALLS
from app.identity.people.schemas import (
    AccountPublic,
    ContactPointPublic,
    HouseholdPublic,
    MembershipPublic,
    PersonPublic,
    ProfilePublic,
)
from app.identity.people.seals import ADDRESS, CONTACT_VALUE, EMERGENCY_NOTES, contact_index

_accounts = table_of(Account)
_points = table_of(ContactPoint)
_residents = table_of(Resident)
_households = table_of(Household)

_account_ids = sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))

_POINTS_OF = (
    sa.select(_points).where(_points.c.account_id == sa.any_(_account_ids)).order_by(_points.c.position, _points.c.id)
)
_ACCOUNTS_IN = sa.select(_accounts.c.id).where(
    _accounts.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
    _accounts.c.id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))),
    _accounts.c.state == "active",
)
_PEOPLE = sa.select(
    _accounts.c.id, _accounts.c.name, _accounts.c.language, _accounts.c.time_zone, _accounts.c.state
).where(_accounts.c.id == sa.any_(_account_ids))
_RESIDENT_ACCOUNTS = HotStatement(
    sa.select(_residents.c.id, _residents.c.account_id).where(
        _residents.c.id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)))
    )
)
_ACTIVE_RESIDENTS = sa.select(_residents.c.id).where(
    _residents.c.id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))), _residents.c.state == "active"
)
_NOT_TO_BE_CALLED = sa.select(_residents.c.account_id).where(
    _residents.c.account_id == sa.any_(_account_ids),
    _residents.c.accessibility_needs.overlap(sa.literal(sorted(NO_CALLS), ARRAY(sa.Text))),
)
_REACHED_AT = (
    sa.select(_accounts.c.id)
    .where(
        sa.or_(
            sa.bindparam("community_id", type_=sa.Uuid).is_(None),
            _accounts.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        ),
        _accounts.c.state == "active",
        sa.exists().where(
            _points.c.account_id == _accounts.c.id,
            _points.c.value_index == sa.bindparam("value_index", type_=sa.LargeBinary),
        ),
    )
    .order_by(_accounts.c.id)
)

_ANSWERING_AT = (
    sa.select(_accounts.c.id, _accounts.c.community_id)
    .where(
        _accounts.c.state == "active",
        sa.exists().where(
            _points.c.account_id == _accounts.c.id,
            _points.c.value_index == sa.bindparam("value_index", type_=sa.LargeBinary),
            sa.or_(_points.c.verified_at.is_not(None), _points.c.is_vouched),
        ),
    )
    .order_by(_accounts.c.id)
)

_ACCOUNT = sa.select(_accounts).where(_accounts.c.id == sa.bindparam("account_id", type_=sa.Uuid))
_PROFILE = (
    sa.select(
        _residents.c.id,
        _residents.c.account_id,
        _residents.c.birth_date,
        _residents.c.accessibility_needs,
        _residents.c.tags,
        _residents.c.emergency_notes,
        _residents.c.reference,
        _residents.c.state,
        _residents.c.closed_on,
        (_residents.c.version + _accounts.c.version).label("version"),
        _accounts.c.name,
        _accounts.c.language,
        _accounts.c.time_zone,
        _households.c.id.label("household_id"),
        _households.c.address,
        _households.c.building,
        _households.c.latitude,
        _households.c.longitude,
    )
    .join(_accounts, _accounts.c.id == _residents.c.account_id)
    .outerjoin(_households, _households.c.id == _residents.c.household_id)
    .where(_residents.c.id == sa.bindparam("resident_id", type_=sa.Uuid))
)

_PROFILE_TRACED = audit.traced(_PROFILE, "profile:read")
_POINTS_TRACED = audit.traced(_POINTS_OF, "contact_points:read")


async def account(connection: AsyncConnection, actor: Actor) -> AccountPublic:
    """Return the actor's own account; raises ``NotFound``."""
    row = (await connection.execute(_ACCOUNT, {"account_id": actor.id})).one_or_none()
    if row is None:
        raise NotFound
    memberships = [
        MembershipPublic(organization_id=held.organization_id, organization_kind=held.organization_kind, role=held.role)
        for held in actor.memberships
    ]
    return AccountPublic(
        account_id=row.id,
        community_id=row.community_id,
        resident_id=actor.resident_id,
        name=row.name,
        language=row.language,
        time_zone=row.time_zone,
        memberships=memberships,
        version=row.version,
    )


async def profile(connection: AsyncConnection, resident_id: uuid.UUID) -> ProfilePublic:
    """Return a resident's profile; its version is the sum of its rows' versions. Raises ``NotFound``."""
    return _profile_public((await connection.execute(_PROFILE, {"resident_id": resident_id})).one_or_none())


async def profile_for(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> ProfilePublic:
    """Return a resident's profile to somebody else, which leaves a trace; raises ``NotFound``."""
    binds = {"resident_id": resident_id} | audit.trace_binds(actor, resident_id=resident_id)
    return _profile_public((await connection.execute(_PROFILE_TRACED, binds)).one_or_none())


def _profile_public(row: Any) -> ProfilePublic:
    if row is None:
        raise NotFound
    household = None
    if row.household_id is not None:
        household = HouseholdPublic(
            id=row.household_id,
            address=unseal(row.address, ADDRESS),
            building=row.building,
            latitude=row.latitude,
            longitude=row.longitude,
        )
    return ProfilePublic(
        resident_id=row.id,
        account_id=row.account_id,
        name=row.name,
        birth_date=row.birth_date,
        language=row.language,
        time_zone=row.time_zone,
        household=household,
        accessibility_needs=row.accessibility_needs,
        tags=row.tags,
        emergency_notes=unseal(row.emergency_notes, EMERGENCY_NOTES) if row.emergency_notes else None,
        reference=row.reference,
        state=row.state,
        closed_on=row.closed_on,
        version=row.version,
    )


async def contact_points(
    connection: AsyncConnection, account_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[ContactPointPublic]]:
    """Return each account's contact points in the order they are tried; an account without any has an empty list."""
    found: dict[uuid.UUID, list[ContactPointPublic]] = {account_id: [] for account_id in account_ids}
    for row in await connection.execute(_POINTS_OF, {"account_ids": list(found)}):
        found[row.account_id].append(contact_point_public(row))
    return found


async def contact_points_for(
    connection: AsyncConnection, actor: Actor, account_id: uuid.UUID, resident_id: uuid.UUID | None
) -> list[ContactPointPublic]:
    """Return a person's contact points to somebody else, which leaves a trace."""
    binds = {"account_ids": [account_id]} | audit.trace_binds(actor, resident_id=resident_id, object_id=account_id)
    return [contact_point_public(row) for row in await connection.execute(_POINTS_TRACED, binds)]


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


def account_zones() -> sa.Select[uuid.UUID, str]:
    """Return SQL for the pairs of ``account_id`` and ``time_zone``: where people live, for whoever plans for many."""
    return sa.select(_accounts.c.id.label("account_id"), _accounts.c.time_zone)


async def resident_accounts(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the account of each resident; unknown ids are left out."""
    rows = await _RESIDENT_ACCOUNTS.rows(connection, {"resident_ids": list(resident_ids)})
    return {row.id: row.account_id for row in rows}


async def active_residents(connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the residents who live here now."""
    return set(await connection.scalars(_ACTIVE_RESIDENTS, {"resident_ids": list(resident_ids)}))


async def people(connection: AsyncConnection, account_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, PersonPublic]:
    """Return who the accounts are; unknown ids are left out."""
    rows = await connection.execute(_PEOPLE, {"account_ids": list(account_ids)})
    return {
        row.id: PersonPublic(
            account_id=row.id, name=row.name, language=row.language, time_zone=row.time_zone, state=row.state
        )
        for row in rows
    }


async def accounts_in(
    connection: AsyncConnection, community_id: uuid.UUID, account_ids: Iterable[uuid.UUID]
) -> set[uuid.UUID]:
    """Return those of the accounts that are active people of the community."""
    binds = {"community_id": community_id, "account_ids": list(account_ids)}
    return set(await connection.scalars(_ACCOUNTS_IN, binds))


async def accounts_reached_at(
    connection: AsyncConnection, community_id: uuid.UUID | None, value: str
) -> list[uuid.UUID]:
    """Return the active accounts that a normalized number or mail address reaches, oldest first.

    Those of the community, of every community if none is given.
    """
    rows = await connection.scalars(_REACHED_AT, {"community_id": community_id, "value_index": contact_index(value)})
    return list(rows)


async def accounts_answering_at(connection: AsyncConnection, value: str) -> dict[uuid.UUID, uuid.UUID]:
    """Return the active accounts that are taken at their word from a normalized number, each with its community.

    A number that was mistyped or given to somebody else is told, but does not speak for the person: those who showed
    that it is theirs, and those whose staff entered it.
    """
    rows = await connection.execute(_ANSWERING_AT, {"value_index": contact_index(value)})
    return {row.id: row.community_id for row in rows}


async def not_to_be_called(connection: AsyncConnection, account_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the accounts that are never given a voice call: who cannot hear it, or asked not to be called."""
    return set(await connection.scalars(_NOT_TO_BE_CALLED, {"account_ids": list(account_ids)}))


async def languages(connection: AsyncConnection, account_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the language (BCP 47) each account is spoken to in; unknown ids are left out."""
    return {account_id: person.language for account_id, person in (await people(connection, account_ids)).items()}
