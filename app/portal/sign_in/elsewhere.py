"""Signing in through somebody else: to the issuer and back, with what has to come back kept in this browser alone."""

import hmac
import secrets
from datetime import timedelta
from typing import Final

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from app.core.access import public
from app.core.problems import Problem, Unavailable
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import route_options
from app.core.settings import settings
from app.identity.api import begin_login, login_provider, redeem_login
from app.portal.ground.asking import Refused
from app.portal.ground.forms import NotOurForm
from app.portal.ground.routing import pages_router
from app.portal.sign_in.addresses import own_address
from app.portal.sign_in.entering import NO_STORE, enter, label, nobody
from app.portal.sign_in.progress import Progress, as_id, begun, going_on, keep, posted, progress_of
from app.portal.sign_in.routes import NOBODY_YET, begin_again, choice_page, contact_page

router = pages_router("/portal/sign-in")

_BACK: Final = "/portal/sign-in/callback"
_AGAIN: Final = "/portal/sign-in/login"
_MOST: Final = 8_192
# Either has us ask the issuer, in our name: whom it has had enough of is not to be everybody. A sign-in takes both.
_LIMITED: Final = [Depends(rate_limited("portal_login", Rate(120, timedelta(minutes=10))))]


def _redirect_uri() -> str:
    return settings().http.public_url.rstrip("/") + _BACK


@router.get("/login", include_in_schema=False, dependencies=_LIMITED)
@public(NOBODY_YET)
@route_options(database=False, idempotency=False)
async def go_elsewhere(request: Request) -> Response:
    """Send the browser to an issuer; what has to come back with it is new each time."""
    progress = progress_of(request) or begun(secrets.token_urlsafe(32), next=own_address(""))
    try:
        provider = login_provider(request.query_params.get("provider", ""))
        login = await begin_login(provider, _redirect_uri(), progress.language or "en")
    except Problem as problem:
        wrong = "unavailable" if isinstance(problem, Unavailable) else "not_accepted"
        return await contact_page(request, progress, wrong, status=problem.status)
    further = going_on(progress, provider=provider.key, state=login.state, nonce=login.nonce, verifier=login.verifier)
    return keep(RedirectResponse(login.address, 303, headers=NO_STORE), further)


@router.get("/callback", include_in_schema=False, dependencies=_LIMITED)
@public("the issuer's code is the credential")
@route_options(database=False, idempotency=False)
async def come_back(request: Request) -> Response:
    """Sign in whom the issuer sent back, in the browser that was sent there and once."""
    progress = progress_of(request)
    said = request.query_params
    if progress is None or not progress.state or not _is_same(said.get("state", ""), progress.state):
        return await begin_again(request)
    used = going_on(progress, state="", verifier="")
    try:
        provider = login_provider(progress.provider)
        if said.get("iss", provider.issuer) != provider.issuer or not said.get("code"):
            return await contact_page(request, used, "not_accepted", status=401)
        id_token = await redeem_login(provider, _redirect_uri(), said["code"][:2_000], progress.verifier)
    except Problem as problem:
        wrong = "unavailable" if isinstance(problem, Unavailable) else "not_accepted"
        return await contact_page(request, used, wrong, status=problem.status)
    return await _sign_in(request, used, id_token, None)


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


@router.post("/login", include_in_schema=False)
@public("the issuer's ID token is the credential")
@route_options(database=False, idempotency=False)
async def choose_elsewhere(request: Request) -> Response:
    """Sign in as one of the people who share the address the issuer vouched for."""
    try:
        progress, form = await posted(request)
    except NotOurForm:
        return await begin_again(request)
    return await _sign_in(request, progress, form.text("id_token", _MOST), form.text("account", 40))


async def _sign_in(request: Request, progress: Progress, id_token: str, account: str | None) -> Response:
    account_id = as_id(account or "")
    body = {
        "community_id": progress.community_id,
        "id_token": id_token,
        "nonce": progress.nonce,
        "account_id": str(account_id) if account_id else None,
        "device_label": label(request),
    }
    try:
        answer = await nobody(request, progress.language).post("/v1/sign-in/oidc", body)
    except Refused as refusal:
        wrong = {429: "trouble_429", 503: "unavailable"}.get(refusal.status, "not_accepted")
        return await contact_page(request, progress, wrong, status=refusal.status)
    if "choose" in answer:
        return keep(choice_page(request, progress, _AGAIN, answer["choose"], id_token=id_token), progress)
    return await enter(request, progress, answer)
