"""API clients: made by those who run an organization, given keys that are shown once, cut off at once."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.problems import NotFound
from app.core.tables import table_of
from app.identity.access import Member
from app.identity.clients.models import ApiClient, ApiKey
from app.identity.clients.problems import NoSystem, ScopeBeyondYours, TooManyKeys
from app.identity.clients.schemas import ApiClientCreate, ApiClientPublic, ApiKeyCreated, ApiKeyPublic
from app.identity.credentials import CLIENT_PREFIX, Credential, digest, new_secret
from app.identity.scopes import CLINIC_SYSTEMS, MACHINE_SCOPES, ROLE_SCOPES

MAX_KEYS: Final = 2
_clients = table_of(ApiClient)
_keys = table_of(ApiKey)


def _good(now: sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    return sa.and_(_keys.c.revoked_at.is_(None), sa.or_(_keys.c.expires_at.is_(None), _keys.c.expires_at > now))


_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_LIST = (
    sa.select(
        _clients.c.id,
        _clients.c.name,
        _clients.c.scopes,
        _clients.c.created_at,
        _clients.c.redirect_uris,
        _clients.c.jwks,
        _clients.c.jwks_uri,
        _keys.c.id.label("key_id"),
        _keys.c.created_at.label("key_created_at"),
        _keys.c.last_used_at,
        _keys.c.expires_at,
    )
    .join_from(_clients, _keys, sa.and_(_keys.c.client_id == _clients.c.id, _good(_now)), isouter=True)
    .where(
        _clients.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid), _clients.c.revoked_at.is_(None)
    )
    .order_by(_clients.c.name, _clients.c.id, _keys.c.id)
)


async def list_clients(connection: AsyncConnection, organization_id: uuid.UUID) -> list[ApiClientPublic]:
    """Return the organization's API clients with their good keys, by name."""
    clients: dict[uuid.UUID, ApiClientPublic] = {}
    for row in await connection.execute(_LIST, {"organization_id": organization_id, "now": clock.now()}):
        client = clients.setdefault(
            row.id,
            ApiClientPublic(
                id=row.id,
                name=row.name,
                scopes=row.scopes,
                created_at=row.created_at,
                keys=[],
                redirect_uris=row.redirect_uris,
                jwks_uri=row.jwks_uri,
                key_ids=[key["kid"] for key in row.jwks["keys"]] if row.jwks else [],
            ),
        )
        if row.key_id is not None:
            client.keys.append(
                ApiKeyPublic(
                    id=row.key_id,
                    created_at=row.key_created_at,
                    last_used_at=row.last_used_at,
                    expires_at=row.expires_at,
                )
            )
    return list(clients.values())


async def create_client(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, data: ApiClientCreate
) -> ApiKeyCreated:
    """Return the first key of a new API client; raises ``ScopeBeyondYours``."""
    check_scopes(member, organization_id, data.scopes)
    client = ApiClient(
        community_id=member.community_id,
        organization_id=organization_id,
        name=data.name,
        scopes=sorted(set(data.scopes)),
        created_by=member.actor.id,
    )
    session.add(client)
    await session.flush()
    await audit.record(
        session, member.actor, action="api_client:create", object_id=client.id, details={"scopes": client.scopes}
    )
    return await _give_key(session, member, client)


def check_scopes(member: Member, organization_id: uuid.UUID, scopes: Collection[str]) -> None:
    """Raise ``ScopeBeyondYours`` unless the member can hand an organization's machine all of ``scopes``.

    Whoever has several roles in the organization gives what any of them brings. Whoever runs a clinic connects its own
    system to what its clinicians write and read, without reading it themselves.
    """
    roles = {member.role, *(one.role for one in member.actor.memberships if one.organization_id == organization_id)}
    given = MACHINE_SCOPES.union(*(ROLE_SCOPES[role] for role in roles))
    if member.organization_id == organization_id and member.organization_kind == "clinic":
        given |= CLINIC_SYSTEMS
    if not given.issuperset(scopes):
        raise ScopeBeyondYours


async def _give_key(session: AsyncSession, member: Member, client: ApiClient) -> ApiKeyCreated:
    credential = Credential(CLIENT_PREFIX, clock.new_id(), new_secret())
    session.add(ApiKey(id=credential.id, client_id=client.id, digest=digest(credential.secret)))
    await session.flush()
    await audit.record(session, member.actor, action="api_key:create", object_id=credential.id)
    return ApiKeyCreated(client_id=client.id, key_id=credential.id, api_key=str(credential))


async def rotate_key(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, client_id: uuid.UUID, overlap: timedelta
) -> ApiKeyCreated:
    """Return a new key of a client; the keys it has stay good for ``overlap``.

    Raises ``NotFound``, ``NoSystem``, ``TooManyKeys``.
    """
    client = await lock_client(session, organization_id, client_id)
    if client.redirect_uris:
        raise NoSystem
    now = clock.now()
    keys = await _good_keys(session, client_id)
    if overlap and len(keys) >= MAX_KEYS:
        raise TooManyKeys
    for key in keys:
        key.expires_at = min(key.expires_at or now + overlap, now + overlap)
    return await _give_key(session, member, client)


async def revoke_client(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, client_id: uuid.UUID
) -> None:
    """End a client and all its keys; raises ``NotFound``."""
    client = await lock_client(session, organization_id, client_id)
    client.revoked_at = clock.now()
    await audit.record(session, member.actor, action="api_client:revoke", object_id=client.id)


async def revoke_key(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, client_id: uuid.UUID, key_id: uuid.UUID
) -> None:
    """End one key of a client; raises ``NotFound``."""
    await lock_client(session, organization_id, client_id)
    key = next((key for key in await _good_keys(session, client_id) if key.id == key_id), None)
    if key is None:
        raise NotFound
    key.revoked_at = clock.now()
    await audit.record(session, member.actor, action="api_key:revoke", object_id=key_id)


async def lock_client(session: AsyncSession, organization_id: uuid.UUID, client_id: uuid.UUID) -> ApiClient:
    """Return a client of the organization, locked; raises ``NotFound``."""
    client = await session.get(ApiClient, client_id, with_for_update=True)
    if client is None or client.organization_id != organization_id or client.revoked_at is not None:
        raise NotFound
    return client


async def _good_keys(session: AsyncSession, client_id: uuid.UUID) -> Sequence[ApiKey]:
    statement = sa.select(ApiKey).where(_keys.c.client_id == client_id, _good(_now)).order_by(_keys.c.id)
    return (await session.scalars(statement, {"now": clock.now()})).all()
