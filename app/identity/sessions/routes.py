"""Sessions over HTTP: exchange a refresh token, list sessions, end them; and the keys that verify access tokens."""

import uuid
from datetime import timedelta
from typing import Any, Final

from fastapi import Depends, status

from app.core import clock
from app.core.access import public
from app.core.paging import Page
from app.core.problems import NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, limit, rate_limited
from app.core.routing import Reading, Router, Session, route_options
from app.identity.sessions import repository, service, tokens
from app.identity.sessions.problems import RefreshTokenInvalid, RefreshTokenReused
from app.identity.sessions.schemas import KeySet, SessionPublic, TokenRefresh, Tokens
from app.identity.signed_in import PeopleOnly, Person

router = Router(tags=["identity"])
well_known_router = Router(tags=["identity"], prefix="/.well-known")

# A phone exchanges its token every quarter of an hour, and a few times more when an answer is lost. Thousands of phones
# share an address behind a carrier's network.
REFRESHES_PER_ADDRESS: Final = Rate(3_000, timedelta(minutes=10))
REFRESHES_PER_SESSION: Final = Rate(30, timedelta(minutes=10))
_OWN = problem_responses(Unauthenticated, PeopleOnly)


@well_known_router.get("/jwks.json")
@public("public keys are for everyone")
@route_options(database=False)
async def get_signing_keys() -> KeySet:
    """Return the public keys that verify access tokens; keys signed with before stay until their tokens are gone."""
    keys: dict[str, Any] = tokens.key_ring().published()
    return KeySet.model_validate(keys)


@router.post(
    "/sign-in/refresh",
    dependencies=[Depends(rate_limited("refresh", REFRESHES_PER_ADDRESS))],
    responses=problem_responses(RefreshTokenInvalid, RefreshTokenReused, TooManyRequests),
)
@public("the refresh token itself is the credential")
@route_options(database=False, idempotency=False)
async def refresh_tokens(data: TokenRefresh) -> Tokens:
    """Exchange a refresh token, once, for the next pair of tokens.

    If the answer was lost, the same token may be sent again within 30 seconds, as long as nothing of a former answer
    was used. Reuse beyond that ends the session.
    """
    session_id = await service.session_of(data.refresh_token)
    if session_id is not None:
        await limit("refresh_session", str(session_id), REFRESHES_PER_SESSION)
    return await service.refresh(data.refresh_token)


@router.get("/me/sessions", responses=_OWN)
async def list_my_sessions(actor: Person, connection: Reading) -> Page[SessionPublic]:
    """List the caller's live sessions, the one used last first."""
    rows = await repository.list_of(connection, actor.id, actor.session_id, clock.now())
    return Page(items=[SessionPublic.model_validate(dict(row)) for row in rows], next=None)


@router.delete("/me/sessions", status_code=status.HTTP_204_NO_CONTENT, responses=_OWN)
async def sign_out_everywhere(actor: Person, session: Session) -> None:
    """End all sessions of the caller, this one too."""
    await service.end(session, actor, actor.id, None, "signed_out")


@router.delete("/me/sessions/current", status_code=status.HTTP_204_NO_CONTENT, responses=_OWN)
async def sign_out(actor: Person, session: Session) -> None:
    """End this session and forget the phone it is on. A paired phone can still raise an alarm."""
    await service.end(session, actor, actor.id, actor.session_id, "signed_out")


@router.delete(
    "/me/sessions/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(Unauthenticated, PeopleOnly, NotFound),
)
async def revoke_my_session(session_id: uuid.UUID, actor: Person, session: Session) -> None:
    """End one of the caller's sessions."""
    await service.end_own(session, actor, session_id)
