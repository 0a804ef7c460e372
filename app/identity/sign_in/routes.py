"""Signing in over HTTP: ask for a code and send it back, or bring a login from elsewhere."""

from fastapi import status

from app.core.access import public
from app.core.problems import NotFound, Unavailable, problem_responses
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


@router.post(
    "/sign-in/codes",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problem_responses(MethodNotOffered, NotFound),
)
@public("nobody is signed in yet")
async def request_sign_in_code(data: CodeRequest, session: Session) -> CodeRequested:
    """Ask for a one-time code. The answer is the same whether or not anybody is known at that number or address."""
    service.require_offered()
    destination = service.normalized(data, await service.country_of(session, data.community_id))
    return await service.request_code(session, data, destination)


@router.post("/sign-in", responses=problem_responses(SignInCodeInvalid, MethodNotOffered))
@public("the code is the credential")
@route_options(database=False, idempotency=False)
async def sign_in_with_code(data: CodeSignIn) -> Tokens | AccountChoice:
    """Sign in with the code that arrived. If several people share the number, answers whom to choose from."""
    service.require_offered()
    return await service.sign_in(data)


@router.post("/sign-in/firebase", responses=problem_responses(LoginNotAccepted, MethodNotOffered, Unavailable))
@public("the ID token is the credential")
@route_options(database=False, idempotency=False)
async def sign_in_with_firebase(data: FirebaseSignIn) -> Tokens | AccountChoice:
    """Sign in with an ID token of the community's Firebase project."""
    login = await firebase.verify(data.id_token)
    return await external.sign_in(login, data.community_id, data.account_id, data.device_label)


@router.post("/sign-in/oidc", responses=problem_responses(LoginNotAccepted, MethodNotOffered, Unavailable))
@public("the ID token is the credential")
@route_options(database=False, idempotency=False)
async def sign_in_with_oidc(data: OidcSignIn) -> Tokens | AccountChoice:
    """Sign in with an ID token of an OpenID Connect issuer that is accepted here."""
    login = await oidc.verify(data.id_token, data.nonce)
    return await external.sign_in(login, data.community_id, data.account_id, data.device_label)
