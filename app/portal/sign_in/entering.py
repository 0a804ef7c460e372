"""What all ways of signing in end in: a cookie nobody can have known before, and the page one came for."""

import unicodedata
import uuid
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from app.core.database import unit_of_work
from app.identity.api import begin_browser_session, browser_cookie, end_browser_session, is_safe
from app.portal.ground.asking import OwnApi, Refused
from app.portal.sign_in.addresses import browser_label
from app.portal.sign_in.progress import Progress, forget

NO_STORE: Final = {"Cache-Control": "no-store"}
# The longest browsers keep a cookie. When its session ends without use is decided here, and not by the browser.
_KEPT: Final = 400 * 24 * 3600


def digits(text: str) -> str:
    """Return the digits of a code, however it was typed."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text) if letter.isdecimal())


def nobody(request: Request, language: str) -> OwnApi:
    """Return the API as anybody may use it."""
    return OwnApi(request, None, language)


def to_page(address: str) -> Response:
    """Return the way to a page of ours."""
    return RedirectResponse(address, 303, headers=NO_STORE)


def label(request: Request) -> str | None:
    """Return what the list of somebody's sessions calls this browser."""
    return browser_label(request.headers.get("user-agent", "")[:400])


async def enter(request: Request, progress: Progress, tokens: dict[str, Any]) -> Response:
    """Sign the browser in by the session that has begun, and lead on; whoever was signed in there is so no more."""
    async with unit_of_work() as session:
        before = request.cookies.get(browser_cookie(), "")
        if before:
            await end_browser_session(session, before)
        secret = await begin_browser_session(session, uuid.UUID(tokens["session_id"]))
    address = progress.next
    own = OwnApi(request, tokens["access_token"], progress.language)
    if await asks_for_second_factor(own):
        address = f"/portal/sign-in/second-factor?{urlencode({'next': address})}"
    return forget(signed_in_by(to_page(address), secret))


async def asks_for_second_factor(api: OwnApi) -> bool:
    """Say whether somebody has to show a second factor before they can work."""
    try:
        state = await api.get("/v1/me/second-factor")
    except Refused:
        return False
    return bool(state["is_asked_for"] and not state["is_shown"])


async def renewed(answer: Response, session_id: uuid.UUID) -> Response:
    """Let a session that has come to be worth more go on under a new cookie."""
    async with unit_of_work() as session:
        secret = await begin_browser_session(session, session_id)
    return signed_in_by(answer, secret)


def signed_in_by(answer: Response, secret: str) -> Response:
    """Let the browser keep the cookie it is signed in by."""
    answer.set_cookie(
        browser_cookie(), secret, max_age=_KEPT, secure=is_safe(), httponly=True, samesite="lax", path="/"
    )
    return answer


def signed_out(answer: Response) -> Response:
    """Let the browser forget the cookie it was signed in by."""
    answer.delete_cookie(browser_cookie(), secure=is_safe(), httponly=True, samesite="lax", path="/")
    return answer
