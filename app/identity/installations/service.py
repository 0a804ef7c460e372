"""Phones: registered by whoever uses them, forgotten at sign-out, and the credentials of paired ones."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import blind_index, seal, unseal
from app.core.tables import table_of
from app.identity.credentials import DEVICE_PREFIX, Credential, digest, new_secret
from app.identity.installations import rules
from app.identity.installations.models import DeviceCredential, Installation
from app.identity.installations.schemas import InstallationRegister
from app.identity.models import Resident

TOKEN: Final = "identity_installation.token"  # noqa: S105 - names the column that is sealed
WEB_PUSH: Final = "identity_installation.web_push"
_installations = table_of(Installation)
_credentials = table_of(DeviceCredential)

_OF_ACCOUNTS = (
    sa.select(
        _installations.c.id,
        _installations.c.account_id,
        _installations.c.provider,
        _installations.c.fid,
        _installations.c.token,
        _installations.c.web_push,
        _installations.c.platform,
        _installations.c.language,
        _installations.c.unconfirmed_since,
        sa.case((_installations.c.client_id.startswith(rules.BROWSER), _installations.c.session_id)).label("browser"),
    )
    .where(_installations.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))))
    .order_by(_installations.c.last_seen_at.desc())
)


@dataclass(frozen=True, slots=True)
class WebPushTarget:
    """A subscription: where its push service takes messages, and the keys to encrypt them with (base64url)."""

    endpoint: str
    p256dh: str
    auth: str


# Whoever holds such a row is doing the same, or knows better. The version stays: nobody else's change is undone.
_unnoted = (
    sa.select(_installations.c.id)
    .where(
        _installations.c.id == sa.any_(sa.bindparam("installation_ids", type_=ARRAY(sa.Uuid))),
        _installations.c.unconfirmed_since.is_(None),
    )
    .with_for_update(skip_locked=True, key_share=True)
)
_AWAIT_RECEIPTS = (
    sa.update(Installation)
    .where(_installations.c.id.in_(_unnoted))
    .values(unconfirmed_since=sa.bindparam("now", type_=sa.DateTime(timezone=True)))
    .execution_options(synchronize_session=False)
)
_CONFIRMED = (
    sa.update(Installation)
    .where(
        _installations.c.session_id == sa.bindparam("phone_session_id", type_=sa.Uuid),
        _installations.c.unconfirmed_since.is_not(None),
    )
    .values(unconfirmed_since=None)
    .execution_options(synchronize_session=False)
)
_CONFIRMED_AT = (
    sa.update(Installation)
    .where(
        _installations.c.id == sa.bindparam("installation_id", type_=sa.Uuid),
        _installations.c.unconfirmed_since.is_not(None),
    )
    .values(unconfirmed_since=None)
    .execution_options(synchronize_session=False)
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
    """Where a push for an account can go: the phone as its ``provider`` knows it; without a provider nowhere.

    ``unconfirmed_since`` is when it was sent the first push since its last sign of life, empty if there was none;
    ``browser`` the sign-in of a browser, which is what it is called by.
    """

    id: uuid.UUID
    account_id: uuid.UUID
    provider: str | None
    fid: str | None
    token: str | None
    web_push: WebPushTarget | None
    platform: str
    language: str
    unconfirmed_since: datetime | None
    browser: uuid.UUID | None = None


async def register(session: AsyncSession, actor: Actor, client_id: str, data: InstallationRegister) -> Installation:
    """Return the installation of the phone, now the actor's: new, refreshed, or taken over from another account.

    A phone is the same phone if its ``client_id``, its fid, its registration token or its subscription is known; rows
    that turn out to be one phone become one. Raises ``Malformed`` for a browser's name that is another sign-in's.
    """
    _require_own_name(actor, client_id)
    token_index = blind_index(TOKEN, data.token) if data.token else None
    web_push_index = blind_index(WEB_PUSH, data.web_push.endpoint) if data.web_push else None
    same_phone = [_installations.c.client_id == client_id]
    if data.fid is not None:
        same_phone.append(_installations.c.fid == data.fid)
    if token_index is not None:
        same_phone.append(_installations.c.token_index == token_index)
    if web_push_index is not None:
        same_phone.append(_installations.c.web_push_index == web_push_index)
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
    row.client_id, row.provider, row.fid = client_id, data.push_provider, data.fid
    row.platform, row.app_version, row.language = data.platform, data.app_version, data.language
    row.token = seal(data.token, TOKEN) if data.token else None
    row.token_index = token_index
    row.web_push = seal(data.web_push.model_dump_json(), WEB_PUSH) if data.web_push else None
    row.web_push_index = web_push_index
    row.last_seen_at, row.unconfirmed_since = now, None
    session.add(row)
    await session.flush()
    await audit.record(session, actor, action="installation:register", object_id=row.id)
    return row


def _require_own_name(actor: Actor, client_id: str) -> None:
    # A phone's name is its secret; a browser's is its session's id, which stands in the operator's trail, and whoever
    # took it over would silence the browser.
    if client_id.startswith(rules.BROWSER) and client_id != f"{rules.BROWSER}{actor.session_id}":
        error = FieldError("/path/client_id", "is the name of a browser in another sign-in", "another_sign_in")
        raise Malformed(errors=[error])


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
    """Return the phones and browsers of accounts, the one seen last first."""
    rows = (await connection.execute(_OF_ACCOUNTS, {"account_ids": list(account_ids)})).all()
    return [
        PushTarget(
            row.id,
            row.account_id,
            row.provider,
            row.fid,
            unseal(row.token, TOKEN) if row.token else None,
            _subscription(unseal(row.web_push, WEB_PUSH)) if row.web_push else None,
            row.platform,
            row.language,
            row.unconfirmed_since,
            row.browser,
        )
        for row in rows
    ]


def _subscription(stored: str) -> WebPushTarget:
    given = orjson.loads(stored)
    return WebPushTarget(given["endpoint"], given["keys"]["p256dh"], given["keys"]["auth"])


async def await_receipts(session: AsyncSession, installation_ids: Sequence[uuid.UUID]) -> None:
    """Note that phones were sent a push; of those that owe a receipt already, the first one counts."""
    await session.execute(_AWAIT_RECEIPTS, {"installation_ids": list(installation_ids), "now": clock.now()})


async def confirm_receipt(session: AsyncSession, session_id: uuid.UUID) -> None:
    """Note that the phone that is signed in with a session gets its pushes."""
    await session.execute(_CONFIRMED, {"phone_session_id": session_id})


async def confirm_receipt_at(session: AsyncSession, installation_id: uuid.UUID) -> None:
    """Note that an installation gets its pushes, signed in or not."""
    await session.execute(_CONFIRMED_AT, {"installation_id": installation_id})


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
