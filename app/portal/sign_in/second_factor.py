"""The second step of signing in, setting it up for the first time, and signing out."""

import base64
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from app.core.database import unit_of_work
from app.core.routing import route_options
from app.identity.api import browser_cookie, end_browser_session
from app.portal.ground.asking import Refused
from app.portal.ground.forms import OwnPosted, Posted
from app.portal.ground.pages import again, show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.sign_in.addresses import own_address
from app.portal.sign_in.entering import digits, renewed, signed_out, to_page
from app.portal.sign_in.texts import WORDS

router = pages_router("/portal")

_FACTOR: Final = "/v1/me/second-factor"
_WRONG: Final = {403: "wrong_factor", 422: "wrong_factor", 429: "trouble_429"}


@router.get("/sign-in/second-factor", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_second_factor_page(request: Request, visit: Visitor) -> Response:
    """Ask for the second factor; whoever has shown it goes on."""
    onward = own_address(request.query_params.get("next", ""))
    state = await visit.api.get(_FACTOR)
    return to_page(onward) if state["is_shown"] else _factor_page(visit, onward, state)


def _factor_page(visit: Visit, onward: str, state: Any, wrong: str = "", status: int = 200) -> Response:
    said = words_of(WORDS, visit.language)[wrong] if wrong else ""
    has_app, has_passkey = state["has_authenticator_app"], bool(state["passkeys"])
    return show(
        visit,
        "sign_in/second_factor.html",
        WORDS,
        status=status,
        onward=onward,
        has_app=has_app,
        has_passkey=has_passkey,
        wrong=said,
    )


@router.post("/sign-in/second-factor", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def take_app_code(visit: Visitor, form: Posted) -> Response:
    """Take the code of an authenticator app; the session goes on under a new cookie."""
    return await _shown(visit, form.text("next"), {"code": digits(form.text("code", 20))})


@router.post("/sign-in/recovery", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def take_recovery_code(visit: Visitor, form: Posted) -> Response:
    """Take a recovery code instead."""
    return await _shown(visit, form.text("next"), {"recovery_code": form.text("recovery_code", 40)})


async def _shown(visit: Visit, onward: str, body: dict[str, str]) -> Response:
    onward = own_address(onward)
    try:
        await visit.api.post(f"{_FACTOR}/verification", body)
    except Refused as refusal:
        if refusal.status not in _WRONG:
            raise
        state = await visit.api.get(_FACTOR)
        return _factor_page(visit, onward, state, _WRONG[refusal.status], refusal.status)
    return await renewed(to_page(onward), visit.session_id)


@router.post("/sign-in/authenticator", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def begin_authenticator(visit: Visitor, form: Posted) -> Response:
    """Show what an authenticator app reads, for somebody who has none yet."""
    made = await visit.api.post(f"{_FACTOR}/authenticator-app")
    picture = "data:image/svg+xml;base64," + base64.b64encode(made["qr_svg"].encode()).decode()
    return _authenticator_page(visit, form.text("next"), picture=picture, secret=made["secret"])


def _authenticator_page(visit: Visit, onward: str, *, status: int = 200, **values: str) -> Response:
    shown = {"picture": "", "secret": "", "wrong": ""} | values
    return show(visit, "sign_in/authenticator.html", WORDS, status=status, onward=own_address(onward), **shown)


@router.post("/sign-in/authenticator/confirmation", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def confirm_authenticator(visit: Visitor, form: Posted) -> Response:
    """Let the app count from its first right code on, and show the recovery codes, this once."""
    onward = form.text("next")
    try:
        made = await visit.api.post(
            f"{_FACTOR}/authenticator-app/confirmation", {"code": digits(form.text("code", 20))}
        )
    except Refused as refusal:
        if refusal.status not in _WRONG:
            raise
        said = WORDS[visit.language][_WRONG[refusal.status]]
        return _authenticator_page(visit, onward, status=refusal.status, wrong=said)
    page = show(visit, "sign_in/recovery_codes.html", WORDS, codes=made["codes"], onward=own_address(onward))
    return await renewed(page, visit.session_id)


@router.post("/sign-out", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def sign_out_here(request: Request, visit: Visitor, form: OwnPosted) -> Response:
    """Sign this browser out; a copy of its cookie is good no more."""
    del visit, form
    async with unit_of_work() as session:
        await end_browser_session(session, request.cookies.get(browser_cookie(), ""))
    return signed_out(again("/portal/sign-in", "signed_out"))
