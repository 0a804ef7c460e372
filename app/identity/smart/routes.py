"""SMART over HTTP: clients are registered, tokens are given and ended, a person sees and ends the apps they agreed to.

The token endpoints speak OAuth: forms in, its own errors out. They are described where OAuth's clients look, in
``/fhir/R4/.well-known/smart-configuration``, and not in the OpenAPI document.
"""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import Depends, Request, status
from starlette.responses import Response

from app.core.access import public
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.identity import addresses
from app.identity.access import Member, member_guard
from app.identity.clients.problems import KindOfClient, ScopeBeyondYours
from app.identity.sessions.tokens import ALGORITHM
from app.identity.signed_in import PeopleOnly, Person
from app.identity.smart import views
from app.identity.smart.problems import OAuthRefused
from app.identity.smart.rules.keys import ALGORITHMS
from app.identity.smart.schemas import ConnectedApp, SmartClientCreate, SmartClientPublic, SmartClientReplace
from app.identity.smart.service import clients, tokens

router = Router(tags=["identity"])
well_known_router = Router(tags=["identity"], prefix="/.well-known")

Manager = Annotated[Member, Depends(member_guard("operator", "coordinator"))]
_PATH: Final = "/organizations/{organization_id}/smart-clients"
_PROBLEMS: Final = (Unauthenticated, Forbidden, NotFound)
_OWN: Final = (Unauthenticated, PeopleOnly)
# A clinic's system asks every five minutes, an app every quarter of an hour; many share an address.
_LIMITED: Final = [Depends(rate_limited("oauth", Rate(600, timedelta(minutes=10))))]
_NOT_STORED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 30
_BY_ITSELF: Final = "the client shows who it is in the form"


@router.post(_PATH, status_code=status.HTTP_201_CREATED, responses=problem_responses(*_PROBLEMS, ScopeBeyondYours))
async def create_smart_client(
    organization_id: uuid.UUID, data: SmartClientCreate, member: Manager, session: Session, response: Response
) -> SmartClientPublic:
    """Register a system that shows itself by keys of its own, or an app that acts for people who agree to it."""
    client = await clients.create_client(session, member, organization_id, data)
    set_etag(response, client.version)
    return client


@router.put(f"{_PATH}/{{client_id}}", responses=problem_responses(*_PROBLEMS, KindOfClient, StaleVersion))
async def replace_smart_client(
    organization_id: uuid.UUID,
    client_id: uuid.UUID,
    data: SmartClientReplace,
    member: Manager,
    session: Session,
    *,
    if_match: IfMatch,
    response: Response,
) -> SmartClientPublic:
    """Register the public keys of an API client, or others; tokens given for keys that are gone end at once."""
    client = await clients.replace_keys(session, member, organization_id, client_id, data, if_match)
    set_etag(response, client.version)
    return client


@router.get("/me/connected-apps", responses=problem_responses(*_OWN))
async def list_my_connected_apps(actor: Person, connection: Reading) -> Page[ConnectedApp]:
    """List the apps the caller agreed to, the latest first, with what each may do and with whom."""
    return Page(items=await views.connected_apps(connection, actor.id), next=None)


@router.delete(
    "/me/connected-apps/{connected_app_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(*_OWN, NotFound),
)
async def disconnect_my_app(connected_app_id: uuid.UUID, actor: Person, session: Session) -> None:
    """End what the caller agreed to with an app: all its tokens are good no more."""
    await tokens.disconnect(session, actor, connected_app_id)


@router.post("/oauth/token", include_in_schema=False, dependencies=_LIMITED)
@public(_BY_ITSELF)
@route_options(database=False, idempotency=False)
async def give_token(request: Request) -> Response:
    """Give an access token (RFC 6749; SMART App Launch 2.2)."""
    return await _answered(request, tokens.exchange)


@router.post("/oauth/introspect", include_in_schema=False, dependencies=_LIMITED)
@public(_BY_ITSELF)
@route_options(database=False, idempotency=False)
async def introspect_token(request: Request) -> Response:
    """Say what a token of the client's is good for (RFC 7662)."""
    return await _answered(request, tokens.introspect)


@router.post("/oauth/revoke", include_in_schema=False, dependencies=_LIMITED)
@public(_BY_ITSELF)
@route_options(database=False, idempotency=False)
async def revoke_token(request: Request) -> Response:
    """End a token of the client's (RFC 7009)."""
    return await _answered(request, tokens.revoke)


async def _answered(request: Request, answer: Callable[[dict[str, str]], Awaitable[Any]]) -> Response:
    try:
        said = await answer(await _form(request))
    except OAuthRefused as refusal:
        code = status.HTTP_401_UNAUTHORIZED if refusal.error == "invalid_client" else status.HTTP_400_BAD_REQUEST
        return _json({"error": refusal.error, "error_description": refusal.description}, code)
    return Response(headers=_NOT_STORED) if said is None else _json(said, status.HTTP_200_OK)


def _json(body: dict[str, Any], code: int) -> Response:
    return Response(orjson.dumps(body), code, headers=_NOT_STORED, media_type="application/json")


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form; raises ``OAuthRefused`` for anything else, and for what is said twice."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise OAuthRefused("invalid_request", f"send {_FORM}")
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise OAuthRefused("invalid_request", "this is no form") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise OAuthRefused("invalid_request", "a parameter is there twice")
    if "\0" in "".join(fields.values()):
        raise OAuthRefused("invalid_request", "a NUL character")
    return fields


@well_known_router.get("/openid-configuration", include_in_schema=False)
@public("how apps learn who is signed in is the same for everyone")
@route_options(database=False)
async def get_openid_configuration() -> dict[str, Any]:
    """Say how ID tokens are made (OpenID Connect Discovery)."""
    return {
        "issuer": addresses.issuer(),
        "authorization_endpoint": addresses.authorize_url(),
        "token_endpoint": addresses.token_url(),
        "jwks_uri": addresses.keys_url(),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": ["openid", "fhirUser"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"],
    }
