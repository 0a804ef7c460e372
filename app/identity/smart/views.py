"""The SQL that reads clients as they show themselves, and the apps a person agreed to."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.tables import table_of
from app.identity.clients.models import ApiClient
from app.identity.models import Account, Organization, Resident
from app.identity.smart.models import AppGrant
from app.identity.smart.schemas import ConnectedApp

_clients = table_of(ApiClient)
_organizations = table_of(Organization)
_grants = table_of(AppGrant)
_residents = table_of(Resident)
_names = table_of(Account)

_CLIENT = (
    sa.select(
        _clients.c.id,
        _clients.c.community_id,
        _clients.c.name,
        _clients.c.scopes,
        _clients.c.jwks,
        _clients.c.jwks_uri,
        _clients.c.keys_set_at,
        _clients.c.redirect_uris,
        _organizations.c.name.label("organization"),
    )
    .join(_organizations, _organizations.c.id == _clients.c.organization_id)
    .where(_clients.c.id == sa.bindparam("client_id", type_=sa.Uuid), _clients.c.revoked_at.is_(None))
)
_CONNECTED = (
    sa.select(
        _grants.c.id,
        _grants.c.client_id,
        _clients.c.name,
        _organizations.c.name.label("organization"),
        _grants.c.scopes,
        _grants.c.patient_id.label("resident_id"),
        _names.c.name.label("resident_name"),
        _grants.c.created_at.label("connected_at"),
        _grants.c.last_used_at,
        _grants.c.ended_at.label("ends_at"),
    )
    .join(_clients, sa.and_(_clients.c.id == _grants.c.client_id, _clients.c.revoked_at.is_(None)))
    .join(_organizations, _organizations.c.id == _clients.c.organization_id)
    .outerjoin(_residents, _residents.c.id == _grants.c.patient_id)
    .outerjoin(_names, _names.c.id == _residents.c.account_id)
    .where(
        _grants.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        _grants.c.ended_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    )
    .order_by(_grants.c.id.desc())
    .limit(100)
)


@dataclass(frozen=True, slots=True)
class Client:
    """A client as it is registered, and whose it is."""

    id: uuid.UUID
    community_id: uuid.UUID
    name: str
    scopes: list[str]
    jwks: dict[str, Any] | None
    jwks_uri: str | None
    keys_set_at: datetime | None
    redirect_uris: list[str]
    organization: str

    @property
    def is_app(self) -> bool:
        """Whether it acts for people who agree to it, and not for its organization."""
        return bool(self.redirect_uris)

    @property
    def has_keys(self) -> bool:
        """Whether it shows who it is by keys of its own."""
        return self.jwks is not None or self.jwks_uri is not None


async def client(connection: AsyncConnection, client_id: uuid.UUID) -> Client | None:
    """Return a client, ``None`` if there is none of that id any more."""
    row = (await connection.execute(_CLIENT, {"client_id": client_id})).mappings().one_or_none()
    return None if row is None else Client(**row)


async def connected_apps(connection: AsyncConnection, account_id: uuid.UUID) -> list[ConnectedApp]:
    """Return the latest hundred agreements of a person to apps that have not ended."""
    rows = await connection.execute(_CONNECTED, {"account_id": account_id, "now": clock.now()})
    return [ConnectedApp(**row) for row in rows.mappings()]
