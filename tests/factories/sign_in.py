"""Credentials of people and machines, really committed: the headers a request is sent with."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from app.core import clock
from app.core.database import unit_of_work
from app.identity.clients.models import ApiClient, ApiKey
from app.identity.credentials import CLIENT_PREFIX, DEVICE_PREFIX, Credential, digest, new_secret
from app.identity.installations.models import DeviceCredential
from app.identity.models import Account, Organization, Resident
from app.identity.sessions import tokens
from app.identity.sessions.models import AccountSession


async def session_of(account: Account, *, second_factor: bool = False, method: str = "local") -> AccountSession:
    """Insert a session of the account."""
    now = clock.now()
    row = AccountSession(
        account_id=account.id,
        community_id=account.community_id,
        method=method,
        device_label="Test phone",
        last_seen_at=now,
        expires_at=now + timedelta(days=60),
        second_factor_at=now if second_factor else None,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


def access_headers(row: AccountSession) -> dict[str, str]:
    """Return the headers of a request in a session, with an access token issued now."""
    return bearer(tokens.issue(row.account_id, row.id, row.community_id)[0])


def bearer(credential: str) -> dict[str, str]:
    """Return the headers that carry ``credential``."""
    return {"Authorization": f"Bearer {credential}"}


async def sign_in(account: Account, *, second_factor: bool = False) -> dict[str, str]:
    """Insert a session of the account and return the headers of its requests; the token is good for 15 minutes."""
    return access_headers(await session_of(account, second_factor=second_factor))


async def sign_in_resident(resident: Resident) -> dict[str, str]:
    """Insert a session of the resident's account and return the headers of its requests."""
    async with unit_of_work() as session:
        account = await session.get_one(Account, resident.account_id)
    return await sign_in(account)


async def client_headers(organization: Organization, scopes: Iterable[str], *, name: str = "Gateway") -> dict[str, str]:
    """Insert an API client of the organization with a key and return the headers of its requests."""
    credential = Credential(CLIENT_PREFIX, clock.new_id(), new_secret())
    client = ApiClient(
        community_id=organization.community_id,
        organization_id=organization.id,
        name=name,
        scopes=sorted(scopes),
        created_by=uuid.UUID(int=0),
    )
    async with unit_of_work() as session:
        session.add(client)
        await session.flush()
        session.add(ApiKey(id=credential.id, client_id=client.id, digest=digest(credential.secret)))
    return bearer(str(credential))


async def device_headers(resident: Resident, *, revoked_at: datetime | None = None) -> dict[str, str]:
    """Insert the credential of a phone paired for the resident and return the headers of its requests."""
    credential = Credential(DEVICE_PREFIX, clock.new_id(), new_secret())
    row = DeviceCredential(
        id=credential.id,
        account_id=resident.account_id,
        resident_id=resident.id,
        digest=digest(credential.secret),
        revoked_at=revoked_at,
    )
    async with unit_of_work() as session:
        session.add(row)
    return bearer(str(credential))
