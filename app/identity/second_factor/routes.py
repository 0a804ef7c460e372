"""Second factors over HTTP: set up, shown, removed; reset by the operator for who has lost theirs."""

import uuid
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, status

from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Reading, Router, Session, route_options
from app.identity.access import Member, member_guard
from app.identity.second_factor import passkeys, service
from app.identity.second_factor.problems import (
    AlreadyConfirmed,
    NothingToConfirm,
    SecondFactorInvalid,
    SecondFactorNeeded,
    TooManyPasskeys,
)
from app.identity.second_factor.schemas import (
    AppCode,
    AuthenticatorAppSetup,
    PasskeyOptions,
    PasskeyPublic,
    PasskeyRegister,
    PasskeyShow,
    RecoveryCodes,
    SecondFactorShow,
    SecondFactorState,
)
from app.identity.signed_in import PeopleOnly, Person

router = Router(tags=["identity"])

_OWN = (Unauthenticated, PeopleOnly)
# Of a million codes three are good at any time: six guesses now, and not so many a day that patience finds one.
# Counted even though a wrong code is refused.
_GUESSES: Final = [
    Depends(rate_limited("second_factor", Rate(6, timedelta(minutes=15)), by="actor")),
    Depends(rate_limited("second_factor_day", Rate(30, timedelta(days=1)), by="actor")),
]


@router.get("/me/second-factor", responses=problem_responses(*_OWN))
async def get_my_second_factor(actor: Person, connection: Reading) -> SecondFactorState:
    """Tell what the caller has set up and whether this session has shown it."""
    return await service.state_of(connection, actor)


@router.post(
    "/me/second-factor/verification",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=_GUESSES,
    responses=problem_responses(*_OWN, SecondFactorInvalid, TooManyRequests),
)
@route_options(idempotency=False)
async def show_second_factor(data: SecondFactorShow, actor: Person, session: Session) -> None:
    """Show a code of the authenticator app, or a recovery code; from now on this session has a second factor."""
    await service.show(session, actor, data)


@router.post(
    "/me/second-factor/authenticator-app",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(*_OWN, SecondFactorNeeded, AlreadyConfirmed),
)
@route_options(idempotency=False)
async def set_up_authenticator_app(actor: Person, session: Session) -> AuthenticatorAppSetup:
    """Set up an authenticator app; it counts once a code has confirmed it."""
    return await service.set_up_app(session, actor)


@router.post(
    "/me/second-factor/authenticator-app/confirmation",
    dependencies=_GUESSES,
    responses=problem_responses(*_OWN, SecondFactorInvalid, SecondFactorNeeded, NothingToConfirm, TooManyRequests),
)
@route_options(idempotency=False)
async def confirm_authenticator_app(data: AppCode, actor: Person, session: Session) -> RecoveryCodes:
    """Confirm the authenticator app with its first code. Answers the recovery codes, this once."""
    return await service.confirm_app(session, actor, data.code)


@router.delete(
    "/me/second-factor/authenticator-app",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(*_OWN, SecondFactorNeeded, NotFound),
)
async def remove_authenticator_app(actor: Person, session: Session) -> None:
    """Remove the authenticator app."""
    await service.remove_app(session, actor)


@router.post("/me/second-factor/recovery-codes", responses=problem_responses(*_OWN, SecondFactorNeeded))
@route_options(idempotency=False)
async def renew_recovery_codes(actor: Person, session: Session) -> RecoveryCodes:
    """Replace the recovery codes; the old ones end."""
    return await service.renew_recovery_codes(session, actor)


@router.post("/me/passkeys/registration", responses=problem_responses(*_OWN, SecondFactorNeeded, TooManyPasskeys))
@route_options(idempotency=False)
async def begin_passkey_registration(actor: Person, session: Session) -> PasskeyOptions:
    """Begin making a passkey: the answer goes to the device's passkey API."""
    return PasskeyOptions(public_key=await passkeys.registration_options(session, actor))


@router.post(
    "/me/passkeys",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(*_OWN, SecondFactorInvalid, SecondFactorNeeded, TooManyPasskeys),
)
@route_options(idempotency=False)
async def register_passkey(data: PasskeyRegister, actor: Person, session: Session) -> PasskeyPublic:
    """Register the passkey a device has made; this session has a second factor from now on."""
    row = await passkeys.register(session, actor, data.label, data.credential)
    return PasskeyPublic.model_validate(row, from_attributes=True)


@router.post("/me/passkeys/authentication", responses=problem_responses(*_OWN, NotFound))
@route_options(idempotency=False)
async def begin_passkey_authentication(actor: Person, session: Session) -> PasskeyOptions:
    """Begin showing a passkey: the answer goes to the device's passkey API."""
    return PasskeyOptions(public_key=await passkeys.authentication_options(session, actor))


@router.post(
    "/me/passkeys/verification",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(*_OWN, SecondFactorInvalid),
)
@route_options(idempotency=False)
async def show_passkey(data: PasskeyShow, actor: Person, session: Session) -> None:
    """Show a passkey; this session has a second factor from now on."""
    await passkeys.show(session, actor, data.credential)


@router.delete(
    "/me/passkeys/{passkey_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(*_OWN, SecondFactorNeeded, NotFound),
)
async def remove_passkey(passkey_id: uuid.UUID, actor: Person, session: Session) -> None:
    """Remove a passkey."""
    await passkeys.remove(session, actor, passkey_id)


@router.delete(
    "/accounts/{account_id}/second-factor",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound),
)
async def reset_second_factor(
    account_id: uuid.UUID,
    member: Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))],
    session: Session,
) -> None:
    """Reset the second factor of a person who has lost it: they set up another at their next sign-in."""
    await service.reset(session, member.actor, member.community_id, account_id)
