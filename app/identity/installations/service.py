"""Phones: registered by whoever uses them, forgotten at sign-out, and the credentials of paired ones."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.sealing import blind_index, seal, unseal
from app.identity.credentials import DEVICE_PREFIX, Credential, digest, new_secret
from app.identity.installations.models import DeviceCredential, Installation
from app.identity.installations.schemas import InstallationRegister
from app.identity.models import Resident

TOKEN: Final = "identity_installation.token"  # noqa: S105 - names the column that is sealed
_installations = sa.inspect(Installation).local_table
_credentials = sa.inspect(DeviceCredential).local_table

_OF_ACCOUNTS = (
    sa.select(
        _installations.c.id,
        _installations.c.account_id,
        _installations.c.fid,
        _installations.c.token,
        _installations.c.platform,
        _installations.c.language,
    )
    .where(_installations.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))))
    .order_by(_installations.c.last_seen_at.desc())
)

_gone = (
    sa.select(_installations.c.id)
    .where(
        _installations.c.id == sa.any_(sa.bindparam("installation_ids", type_=ARRAY(sa.Uuid))),
        _installations.c.last_seen_at <= sa.bindparam("seen_until", type_=sa.DateTime(timezone=True)),
    )
    .order_by(_installations.c.id)  # in one order everywhere: two who remove the same phones never deadlock
    .with_for_update()
)
_REMOVE = sa.delete(Installation).where(_installations.c.id.in_(_gone))


@dataclass(frozen=True, slots=True)
class PushTarget:
    """Where a push for an account can go: ``fid`` if there is one, the older registration ``token`` otherwise."""

    id: uuid.UUID
    account_id: uuid.UUID
    fid: str | None
    token: str | None
    platform: str
    language: str


async def register(session: AsyncSession, actor: Actor, client_id: str, data: InstallationRegister) -> Installation:
    """Return the installation of the phone, now the actor's: new, refreshed, or taken over from another account.

    A phone is the same phone if its ``client_id``, its fid or its registration token is known; rows that turn out to be
    one phone become one.
    """
    token_index = blind_index(TOKEN, data.token) if data.token else None
    same_phone = [_installations.c.client_id == client_id]
    if data.fid is not None:
        same_phone.append(_installations.c.fid == data.fid)
    if token_index is not None:
        same_phone.append(_installations.c.token_index == token_index)
    # Two requests of one phone at once must not both find nothing.
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(client_id, 0))
    await session.execute(sa.select(lock))
    known = (
        await session.scalars(
            sa.select(Installation).where(sa.or_(*same_phone)).order_by(_installations.c.id).with_for_update()
        )
    ).all()
    for duplicate in known[1:]:
        await session.delete(duplicate)
    await session.flush()
    now = clock.now()
    row = (
        known[0]
        if known
        else Installation(
            account_id=actor.id,
            client_id=client_id,
            last_seen_at=now,
            platform=data.platform,
            app_version=data.app_version,
            language=data.language,
        )
    )
    row.account_id, row.session_id = actor.id, actor.session_id
    row.client_id, row.fid = client_id, data.fid
    row.platform, row.app_version, row.language = data.platform, data.app_version, data.language
    row.token = seal(data.token, TOKEN) if data.token else None
    row.token_index = token_index
    row.last_seen_at = now
    session.add(row)
    await session.flush()
    await audit.record(session, actor, action="installation:register", object_id=row.id)
    return row


async def unregister(session: AsyncSession, actor: Actor, client_id: str) -> None:
    """Forget the actor's phone; raises ``NotFound`` if it is not theirs."""
    statement = sa.select(Installation).where(
        _installations.c.client_id == client_id, _installations.c.account_id == actor.id
    )
    row = await session.scalar(statement)
    if row is None:
        raise NotFound
    await session.delete(row)
    await audit.record(session, actor, action="installation:remove", object_id=row.id)


async def remove_installations(
    session: AsyncSession, installation_ids: Iterable[uuid.UUID], *, seen_until: datetime
) -> int:
    """Forget the phones of which the push service says that the app is gone; return how many were known.

    One that registered after ``seen_until``, when the pushes were addressed, has a new token and stays.
    """
    result = await session.execute(_REMOVE, {"installation_ids": list(installation_ids), "seen_until": seen_until})
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult


async def forget_sessions(session: AsyncSession, session_ids: Sequence[uuid.UUID]) -> None:
    """Forget the phones registered in sessions that ended."""
    await session.execute(sa.delete(Installation).where(_installations.c.session_id.in_(session_ids)))


async def installations(connection: AsyncConnection, account_ids: Sequence[uuid.UUID]) -> list[PushTarget]:
    """Return the phones of accounts, the one seen last first."""
    rows = (await connection.execute(_OF_ACCOUNTS, {"account_ids": list(account_ids)})).all()
    return [
        PushTarget(
            row.id,
            row.account_id,
            row.fid,
            unseal(row.token, TOKEN) if row.token else None,
            row.platform,
            row.language,
        )
        for row in rows
    ]


async def issue_device_credential(session: AsyncSession, resident: Resident, label: str | None) -> Credential:
    """Return a new credential of a phone paired for ``resident``; only its hash is kept."""
    credential = Credential(DEVICE_PREFIX, clock.new_id(), new_secret())
    session.add(
        DeviceCredential(
            id=credential.id,
            account_id=resident.account_id,
            resident_id=resident.id,
            digest=digest(credential.secret),
            label=label,
        )
    )
    await session.flush()
    return credential


async def device_credentials(connection: AsyncConnection, resident_id: uuid.UUID) -> Sequence[sa.RowMapping]:
    """Return the credentials of a resident's paired phones that are not revoked, the newest first."""
    statement = (
        sa.select(_credentials.c.id, _credentials.c.label, _credentials.c.created_at, _credentials.c.last_used_at)
        .where(_credentials.c.resident_id == resident_id, _credentials.c.revoked_at.is_(None))
        .order_by(_credentials.c.id.desc())
    )
    return (await connection.execute(statement)).mappings().all()


async def revoke_device_credential(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, credential_id: uuid.UUID
) -> None:
    """End a paired phone's credential: it can no longer raise an alarm. Raises ``NotFound``."""
    row = await session.get(DeviceCredential, credential_id)
    if row is None or row.resident_id != resident_id or row.revoked_at is not None:
        raise NotFound
    row.revoked_at = clock.now()
    await audit.record(
        session, actor, action="device_credential:revoke", resident_id=resident_id, object_id=credential_id
    )
