"""Passkeys (WebAuthn): made on a device, asked for as second factor.

What speaks WebAuthn is imported where it is used: it knows every maker's format, is slow to import, and most processes
never see a passkey.
"""

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.batches import delete_past
from app.core.database import unit_of_work
from app.core.problems import NotFound
from app.core.settings import settings
from app.core.tables import table_of
from app.identity.models import Account
from app.identity.second_factor.models import Passkey, PasskeyChallenge
from app.identity.second_factor.problems import SecondFactorInvalid, SecondFactorNeeded, TooManyPasskeys
from app.identity.second_factor.service import require_shown_if_set_up
from app.identity.sessions.service import note_second_factor

MAX_PASSKEYS: Final = 10
_CHALLENGE_BYTES: Final = 64
CHALLENGE_LIFETIME: Final = timedelta(minutes=5)
_TRANSPORTS: Final = frozenset({"usb", "nfc", "ble", "internal", "hybrid", "smart-card", "cable"})
Purpose = Literal["registration", "authentication"]
_passkeys = table_of(Passkey)
_challenges = table_of(PasskeyChallenge)


def _relying_party() -> tuple[str, list[str]]:
    """Return our WebAuthn id (a host name) and the origins answers may come from."""
    public = urlsplit(settings().http.public_url)
    group = settings().signin
    return group.passkey_host or str(public.hostname), [f"{public.scheme}://{public.netloc}", *group.passkey_origins]


async def registration_options(session: AsyncSession, actor: Actor) -> dict[str, Any]:
    """Return what the device needs to make a passkey; raises ``SecondFactorNeeded``, ``TooManyPasskeys``."""
    from webauthn import generate_registration_options, options_to_json  # noqa: PLC0415
    from webauthn.helpers import structs  # noqa: PLC0415

    await require_shown_if_set_up(session, actor)
    known = await _of(session, actor.id)
    if len(known) >= MAX_PASSKEYS:
        raise TooManyPasskeys
    account = await session.get_one(Account, actor.id)
    options = generate_registration_options(
        rp_id=_relying_party()[0],
        rp_name="Hearthline",
        user_id=actor.id.bytes,
        user_name=account.name,
        challenge=await _challenge(session, actor, "registration"),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=key.credential_id) for key in known],
    )
    document: dict[str, Any] = orjson.loads(options_to_json(options))
    return document


async def register(session: AsyncSession, actor: Actor, label: str, credential: dict[str, Any]) -> Passkey:
    """Return the passkey a device has made; it counts as shown. Raises what is wrong with it."""
    from webauthn import verify_registration_response  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    await require_shown_if_set_up(session, actor)
    if len(await _of(session, actor.id)) >= MAX_PASSKEYS:
        raise TooManyPasskeys
    host, origins = _relying_party()
    challenge = await _take_challenge(session, actor, "registration")
    try:
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=host,
            expected_origin=origins,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        raise SecondFactorInvalid from None
    row = Passkey(
        account_id=actor.id,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        label=label,
        transports=_transports(credential),
    )
    session.add(row)
    await session.flush()
    await audit.record(session, actor, action="passkey:register", object_id=row.id)
    await note_second_factor(session, actor)
    return row


def _transports(credential: dict[str, Any]) -> list[str]:
    response = credential.get("response")
    named = response.get("transports") if isinstance(response, dict) else None
    return sorted({name for name in named if name in _TRANSPORTS}) if isinstance(named, list) else []


async def authentication_options(session: AsyncSession, actor: Actor) -> dict[str, Any]:
    """Return what the device needs to show a passkey; raises ``NotFound`` if the actor has none."""
    from webauthn import generate_authentication_options, options_to_json  # noqa: PLC0415
    from webauthn.helpers import structs  # noqa: PLC0415

    known = await _of(session, actor.id)
    if not known:
        raise NotFound("you have no passkeys")
    options = generate_authentication_options(
        rp_id=_relying_party()[0],
        challenge=await _challenge(session, actor, "authentication"),
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=key.credential_id) for key in known],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    document: dict[str, Any] = orjson.loads(options_to_json(options))
    return document


async def show(session: AsyncSession, actor: Actor, credential: dict[str, Any]) -> None:
    """Note that this session has shown a passkey; raises ``SecondFactorInvalid``."""
    from webauthn import verify_authentication_response  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    challenge = await _take_challenge(session, actor, "authentication")
    host, origins = _relying_party()
    row = await _shown(session, actor, credential)
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=host,
            expected_origin=origins,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        raise SecondFactorInvalid from None
    row.sign_count = verified.new_sign_count
    row.last_used_at = clock.now()
    await note_second_factor(session, actor)


async def _shown(session: AsyncSession, actor: Actor, credential: dict[str, Any]) -> Passkey:
    from webauthn import base64url_to_bytes  # noqa: PLC0415

    named = credential.get("id")
    try:
        credential_id = base64url_to_bytes(named) if isinstance(named, str) else b""
    except ValueError:
        raise SecondFactorInvalid from None
    statement = (
        sa.select(Passkey)
        .where(_passkeys.c.credential_id == credential_id, _passkeys.c.account_id == actor.id)
        .with_for_update()
    )
    row = await session.scalar(statement)
    if row is None:
        raise SecondFactorInvalid
    return row


async def remove(session: AsyncSession, actor: Actor, passkey_id: uuid.UUID) -> None:
    """Forget one of the actor's passkeys; raises ``SecondFactorNeeded``, ``NotFound``."""
    if not actor.second_factor:
        raise SecondFactorNeeded
    row = await session.get(Passkey, passkey_id)
    if row is None or row.account_id != actor.id:
        raise NotFound
    await session.delete(row)
    await audit.record(session, actor, action="passkey:remove", object_id=passkey_id)


async def _of(session: AsyncSession, account_id: uuid.UUID) -> Sequence[Passkey]:
    statement = sa.select(Passkey).where(_passkeys.c.account_id == account_id).order_by(_passkeys.c.id)
    return (await session.scalars(statement)).all()


async def _challenge(session: AsyncSession, actor: Actor, purpose: Purpose) -> bytes:
    challenge = secrets.token_bytes(_CHALLENGE_BYTES)
    now = clock.now()
    values = {"challenge": challenge, "expires_at": now + CHALLENGE_LIFETIME, "updated_at": now}
    statement = insert(PasskeyChallenge).values(
        id=clock.new_id(), created_at=now, version=1, session_id=actor.session_id, purpose=purpose, **values
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["session_id", "purpose"], set_={**values, "version": _challenges.c.version + 1}
        )
    )
    return challenge


async def _take_challenge(session: AsyncSession, actor: Actor, purpose: Purpose) -> bytes:
    """Return the session's challenge and forget it: what was signed once serves once."""
    statement = (
        sa.delete(PasskeyChallenge)
        .where(
            _challenges.c.session_id == actor.session_id,
            _challenges.c.purpose == purpose,
            _challenges.c.expires_at > clock.now(),
        )
        .returning(_challenges.c.challenge)
    )
    challenge: bytes | None = await session.scalar(statement)
    if challenge is None:
        raise SecondFactorInvalid
    return challenge


async def purge() -> int:
    """Delete a batch of the challenges nobody answered in time; return how many went."""
    async with unit_of_work() as session:
        return await delete_past(session, _challenges, "expires_at", clock.now())
