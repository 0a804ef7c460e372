"""Authenticator apps and recovery codes, and what all second factors share."""

import uuid
from typing import Final

import pyotp
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.qr_codes import qr_svg
from app.core.sealing import seal, unseal
from app.core.settings import settings
from app.core.tables import table_of
from app.identity.credentials import digest
from app.identity.models import Account, Membership, Organization
from app.identity.second_factor import rules
from app.identity.second_factor.models import AuthenticatorApp, Passkey, RecoveryCode
from app.identity.second_factor.problems import (
    AlreadyConfirmed,
    NothingToConfirm,
    SecondFactorInvalid,
    SecondFactorNeeded,
)
from app.identity.second_factor.schemas import (
    AuthenticatorAppSetup,
    PasskeyPublic,
    RecoveryCodes,
    SecondFactorShow,
    SecondFactorState,
)
from app.identity.sessions.service import forget_second_factor, note_second_factor

SECRET: Final = "identity_authenticator_app.secret"  # noqa: S105 - names the column that is sealed
_apps = table_of(AuthenticatorApp)
_codes = table_of(RecoveryCode)
_passkeys = table_of(Passkey)
_memberships = table_of(Membership)
_organizations = table_of(Organization)

_account = sa.bindparam("account_id", type_=sa.Uuid)
_STATE = sa.select(
    sa.exists().where(_apps.c.account_id == _account, _apps.c.confirmed_at.is_not(None)).label("has_app"),
    sa.select(sa.func.count())
    .where(_codes.c.account_id == _account, _codes.c.used_at.is_(None))
    .scalar_subquery()
    .label("codes_left"),
    sa.exists()
    .where(
        _memberships.c.account_id == _account,
        _memberships.c.ended_at.is_(None),
        _organizations.c.id == _memberships.c.organization_id,
        _organizations.c.requires_second_factor,
    )
    .label("is_asked_for"),
)
_PASSKEYS = (
    sa.select(_passkeys.c.id, _passkeys.c.label, _passkeys.c.created_at, _passkeys.c.last_used_at)
    .where(_passkeys.c.account_id == _account)
    .order_by(_passkeys.c.id)
)


async def state_of(connection: AsyncConnection, actor: Actor) -> SecondFactorState:
    """Return what the actor has set up and whether this session has shown it."""
    binds = {"account_id": actor.id}
    row = (await connection.execute(_STATE, binds)).one()
    passkeys = (await connection.execute(_PASSKEYS, binds)).mappings()
    return SecondFactorState(
        is_shown=actor.second_factor,
        is_asked_for=row.is_asked_for,
        has_authenticator_app=row.has_app,
        recovery_codes_left=row.codes_left,
        passkeys=[PasskeyPublic.model_validate(dict(passkey)) for passkey in passkeys],
    )


async def require_shown_if_set_up(session: AsyncSession, actor: Actor) -> None:
    """Raise ``SecondFactorNeeded`` if the actor has a second factor this session has not shown.

    Otherwise whoever gets hold of the first factor would simply set up a second one of their own.
    """
    if actor.second_factor:
        return
    # The account's row is held, so that two first set-ups cannot both find nothing.
    await session.get_one(Account, actor.id, with_for_update=True)
    state = await state_of(await session.connection(), actor)
    if state.has_authenticator_app or state.passkeys:
        raise SecondFactorNeeded


async def set_up_app(session: AsyncSession, actor: Actor) -> AuthenticatorAppSetup:
    """Return the secret of a new authenticator app; raises ``SecondFactorNeeded``, ``AlreadyConfirmed``."""
    await require_shown_if_set_up(session, actor)
    app = await _lock_app(session, actor.id)
    if app is not None and app.confirmed_at is not None:
        raise AlreadyConfirmed
    secret = rules.new_secret()
    if app is None:
        session.add(AuthenticatorApp(account_id=actor.id, secret=seal(secret, SECRET)))
    else:
        app.secret = seal(secret, SECRET)
    account = await session.get_one(Account, actor.id)
    totp = pyotp.TOTP(secret, interval=rules.STEP_SECONDS)
    uri = totp.provisioning_uri(name=account.name, issuer_name=settings().signin.issuer)
    await audit.record(session, actor, action="second_factor:set_up")
    return AuthenticatorAppSetup(secret=secret, uri=uri, qr_svg=qr_svg(uri))


async def confirm_app(session: AsyncSession, actor: Actor, code: str) -> RecoveryCodes:
    """Let the authenticator app count from its first right code on, and return the recovery codes.

    Raises ``NothingToConfirm``, ``SecondFactorInvalid``.
    """
    await require_shown_if_set_up(session, actor)
    app = await _lock_app(session, actor.id)
    if app is None or app.confirmed_at is not None:
        raise NothingToConfirm
    _use_code(app, code)
    app.confirmed_at = clock.now()
    await note_second_factor(session, actor)
    await audit.record(session, actor, action="second_factor:confirm", object_id=app.id)
    return await _renew_recovery_codes(session, actor)


async def show(session: AsyncSession, actor: Actor, data: SecondFactorShow) -> None:
    """Note that this session has shown the second factor; raises ``SecondFactorInvalid``."""
    if data.code is not None:
        app = await _lock_app(session, actor.id)
        if app is None or app.confirmed_at is None:
            raise SecondFactorInvalid
        _use_code(app, data.code)
    else:
        await _use_recovery_code(session, actor, data.recovery_code or "")
    await note_second_factor(session, actor)


def _use_code(app: AuthenticatorApp, code: str) -> None:
    counter = rules.accepted_counter(unseal(app.secret, SECRET), code, clock.now(), app.last_counter)
    if counter is None:
        raise SecondFactorInvalid
    app.last_counter = counter


async def _use_recovery_code(session: AsyncSession, actor: Actor, text: str) -> None:
    statement = (
        sa.select(RecoveryCode)
        .where(
            _codes.c.account_id == actor.id,
            _codes.c.digest == digest(rules.normalized_recovery_code(text)),
            _codes.c.used_at.is_(None),
        )
        .with_for_update()
    )
    row = await session.scalar(statement)
    if row is None:
        raise SecondFactorInvalid
    row.used_at = clock.now()
    await audit.record(session, actor, action="second_factor:recover", object_id=row.id)


async def renew_recovery_codes(session: AsyncSession, actor: Actor) -> RecoveryCodes:
    """Return new recovery codes in place of the old; raises ``SecondFactorNeeded`` in a session that has shown none."""
    _require_shown(actor)
    return await _renew_recovery_codes(session, actor)


async def _renew_recovery_codes(session: AsyncSession, actor: Actor) -> RecoveryCodes:
    await session.execute(sa.delete(RecoveryCode).where(_codes.c.account_id == actor.id))
    codes = rules.new_recovery_codes()
    session.add_all(RecoveryCode(account_id=actor.id, digest=digest(code)) for code in codes)
    await audit.record(session, actor, action="second_factor:renew_recovery_codes")
    return RecoveryCodes(codes=codes)


async def remove_app(session: AsyncSession, actor: Actor) -> None:
    """Forget the authenticator app; raises ``SecondFactorNeeded``, ``NotFound``."""
    _require_shown(actor)
    app = await _lock_app(session, actor.id)
    if app is None:
        raise NotFound
    await session.delete(app)
    await audit.record(session, actor, action="second_factor:remove", object_id=app.id)


def _require_shown(actor: Actor) -> None:
    if not actor.second_factor:
        raise SecondFactorNeeded


async def reset(session: AsyncSession, actor: Actor, community_id: uuid.UUID, account_id: uuid.UUID) -> None:
    """Forget every second factor of a person who lost theirs; their sessions count as having shown none.

    Raises ``NotFound`` unless the account is one of the community.
    """
    account = await session.get(Account, account_id, with_for_update=True)
    if account is None or account.community_id != community_id:
        raise NotFound
    for table, column in ((AuthenticatorApp, _apps), (RecoveryCode, _codes), (Passkey, _passkeys)):
        await session.execute(sa.delete(table).where(column.c.account_id == account_id))
    await forget_second_factor(session, account_id)
    await audit.record(session, actor, action="second_factor:reset", object_id=account_id)


async def _lock_app(session: AsyncSession, account_id: uuid.UUID) -> AuthenticatorApp | None:
    statement = sa.select(AuthenticatorApp).where(_apps.c.account_id == account_id).with_for_update()
    found: AuthenticatorApp | None = await session.scalar(statement)
    return found
