"""Signing in over HTTP: ask for a code and send it back, or bring a login from elsewhere."""

from datetime import timedelta
from typing import Final

from fastapi import Depends, status

from app.core.access import public
from app.core.problems import NotFound, TooManyRequests, Unavailable, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Router, Session, route_options
from app.identity.sessions.schemas import Tokens
from app.identity.sign_in import external, firebase, oidc, service
from app.identity.sign_in.problems import LoginNotAccepted, MethodNotOffered, SignInCodeInvalid
from app.identity.sign_in.schemas import (
    AccountChoice,
    CodeRequest,
    CodeRequested,
    CodeSignIn,
    FirebaseSignIn,
    OidcSignIn,
)

router = Router(tags=["identity"])

_CODES_PER_ADDRESS: Final = rate_limited("sign_in_codes", Rate(30, timedelta(minutes=10)))
_SIGN_INS_PER_ADDRESS: Final = rate_limited("sign_in", Rate(60, timedelta(minutes=10)))
_LIMITED: Final = [Depends(_SIGN_INS_PER_ADDRESS)]


@router.post(
    "/sign-in/codes",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(_CODES_PER_ADDRESS)],
    responses=problem_responses(MethodNotOffered, NotFound, TooManyRequests),
)
@public("nobody is signed in yet")
@route_options(
    idempotency=False
)  # whose answers are kept is asked of a credential, and a stale one must not matter here
async def request_sign_in_code(data: CodeRequest, session: Session) -> CodeRequested:
    """Ask for a one-time code. The answer is the same whether or not anybody is known at that number or address."""
    service.require_offered()
    destination = service.normalized(data, await service.country_of(session, data.community_id))
    await service.limit_codes(data.community_id, destination)
    return await service.request_code(session, data, destination)


@router.post(
    "/sign-in", dependencies=_LIMITED, responses=problem_responses(SignInCodeInvalid, MethodNotOffered, TooManyRequests)
)
@public("the code is the credential")
@route_options(database=False, idempotency=False)
async def sign_in_with_code(data: CodeSignIn) -> Tokens | AccountChoice:
    """Sign in with the code that arrived. If several people share the number, answers whom to choose from."""
    service.require_offered()
    return await service.sign_in(data)


@router.post(
    "/sign-in/firebase",
    dependencies=_LIMITED,
    responses=problem_responses(LoginNotAccepted, MethodNotOffered, TooManyRequests, Unavailable),
)
@public("the ID token is the credential")
@route_options(database=False, idempotency=False)
async def sign_in_with_firebase(data: FirebaseSignIn) -> Tokens | AccountChoice:
    """Sign in with an ID token of the community's Firebase project."""
    login = await firebase.verify(data.id_token)
    return await external.sign_in(login, data.community_id, data.account_id, data.device_label)


@router.post(
    "/sign-in/oidc",
    dependencies=_LIMITED,
    responses=problem_responses(LoginNotAccepted, MethodNotOffered, TooManyRequests, Unavailable),
)
@public("the ID token is the credential")
@route_options(database=False, idempotency=False)
async def sign_in_with_oidc(data: OidcSignIn) -> Tokens | AccountChoice:
    """Sign in with an ID token of an OpenID Connect issuer that is accepted here."""
    login = await oidc.verify(data.id_token, data.nonce)
    return await external.sign_in(login, data.community_id, data.account_id, data.device_label)
