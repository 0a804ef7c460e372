"""The SQL that reads what somebody may see and do with a resident, and why."""

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.tables import table_of
from app.identity.models import Account, Grant, Organization, Resident, ServiceAgreement
from app.identity.own_access.schemas import AccessGround, OwnAccess
from app.identity.scopes import ALL, ROLE_SCOPES, VITALS_MANAGE

_residents = table_of(Resident)
_accounts = table_of(Account)
_grants = table_of(Grant)
_agreements = table_of(ServiceAgreement)
_organizations = table_of(Organization)

_resident: Final = sa.bindparam("resident_id", type_=sa.Uuid)
_now: Final = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_giver: Final = sa.alias(_accounts, "giver")

_WHO = (
    sa.select(
        _residents.c.account_id, _residents.c.community_id, _residents.c.state, _accounts.c.name, _accounts.c.time_zone
    )
    .join(_accounts, _accounts.c.id == _residents.c.account_id)
    .where(_residents.c.id == _resident)
)
_GRANTS = (
    sa.select(
        _grants.c.kind,
        _grants.c.scopes,
        _grants.c.reason_id,
        _grants.c.starts_at,
        _grants.c.expires_at,
        _giver.c.name.label("giver_name"),
    )
    .outerjoin(_giver, _giver.c.id == _grants.c.granted_by)
    .where(
        _grants.c.resident_id == _resident,
        _grants.c.grantee_account_id == sa.bindparam("account_id", type_=sa.Uuid),
        _grants.c.revoked_at.is_(None),
        _grants.c.starts_at <= _now,
        sa.or_(_grants.c.expires_at.is_(None), _grants.c.expires_at > _now),
    )
    .order_by(_grants.c.id)
)
_AGREEMENTS = (
    sa.select(
        _agreements.c.organization_id,
        _agreements.c.scopes,
        _agreements.c.starts_at,
        _agreements.c.ends_at,
        _organizations.c.name,
    )
    .join(_organizations, _organizations.c.id == _agreements.c.organization_id)
    .where(
        _agreements.c.organization_id == sa.any_(sa.bindparam("organizations", type_=ARRAY(sa.Uuid))),
        sa.or_(
            _agreements.c.resident_id == _resident,
            sa.and_(
                _agreements.c.resident_id.is_(None),
                _agreements.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
            ),
        ),
        _agreements.c.starts_at <= _now,
        sa.or_(_agreements.c.ends_at.is_(None), _agreements.c.ends_at > _now),
    )
    .order_by(_agreements.c.id)
)


async def own_access(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> OwnAccess:
    """Return what the actor may see and do with a resident now, and why; raises ``NotFound`` where that is nothing."""
    who = (await connection.execute(_WHO, {"resident_id": resident_id})).one_or_none()
    if who is None:
        raise NotFound
    grounds = [ground async for ground in _grounds(connection, actor, resident_id, who.community_id)]
    if not grounds:
        raise NotFound
    held = {scope for ground in grounds for scope in ground.scopes}
    return OwnAccess(
        resident_id=resident_id,
        account_id=who.account_id,
        name=who.name,
        time_zone=who.time_zone,
        state=who.state,
        scopes=sorted(held),
        grounds=grounds,
    )


async def _grounds(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, community_id: uuid.UUID
) -> AsyncIterator[AccessGround]:
    if actor.resident_id == resident_id:
        yield _ground("self", _narrowed(actor, ALL - {VITALS_MANAGE}))
    now = clock.now()
    binds: dict[str, Any] = {"resident_id": resident_id, "account_id": actor.id, "now": now}
    for row in await connection.execute(_GRANTS, binds):
        yield _ground(
            row.kind,
            _narrowed(actor, row.scopes),
            granted_by=row.giver_name,
            alarm_id=row.reason_id,
            starts_at=row.starts_at,
            expires_at=row.expires_at,
        )
    if actor.memberships:
        named = sorted({held.organization_id for held in actor.memberships})
        binds = {"resident_id": resident_id, "organizations": named, "community_id": community_id, "now": now}
        for agreed in await connection.execute(_AGREEMENTS, binds):
            for ground in _of_roles(actor, agreed):
                yield ground


def _of_roles(actor: Actor, row: Any) -> Iterator[AccessGround]:
    """Return what each role in the organization brings: what it can have at most, cut down to what was agreed."""
    for held in actor.memberships:
        if held.organization_id == row.organization_id:
            scopes = _narrowed(actor, ROLE_SCOPES.get(held.role, frozenset()) & set(row.scopes))
            yield _ground(
                "role",
                scopes,
                organization=row.name,
                organization_kind=held.organization_kind,
                role=held.role,
                starts_at=row.starts_at,
                expires_at=row.ends_at,
            )


def _narrowed(actor: Actor, scopes: Any) -> list[str]:
    """Return the scopes that are left to whoever comes through an app, which narrows them."""
    return sorted(scope for scope in scopes if actor.scopes is None or scope in actor.scopes)


def _ground(kind: Any, scopes: list[str], **more: Any) -> AccessGround:
    nothing = dict.fromkeys(
        ("granted_by", "organization", "organization_kind", "role", "alarm_id", "starts_at", "expires_at")
    )
    return AccessGround(kind=kind, scopes=scopes, **(nothing | more))
