"""The pages an app sends a person to: they sign in with a code, see what it asks for, and decide.

There is no script. What is posted counts only from the browser in which the app began (a cookie that only we set and
read), from our own pages, and as long as the request goes on.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined, Template
from starlette.responses import RedirectResponse, Response

from app.core.access import Actor, public
from app.core.database import reading, unit_of_work
from app.core.paging import PageRequest
from app.core.problems import Malformed, NotFound, Problem, TooManyRequests
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Router, route_options
from app.core.settings import settings
from app.identity.api import (
    AccountChoice,
    Asking,
    OAuthRefused,
    ResidentQuery,
    SentBack,
    authorizing,
    browser_secret,
    language_for,
    people,
    redirect_source,
    resident_records,
)
from app.portal.authorize.texts import WORDS, how_long, lines
from telemedicine.api import practitioner_of

router = Router(tags=["portal"], prefix="/portal/authorize")

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 30
_MOST_PATIENTS: Final = 20
_NOBODY_YET: Final = "who decides signs in on these pages"
_LIMITED: Final = [Depends(rate_limited("authorize", Rate(300, timedelta(minutes=10))))]
# A form may lead to us, and by our answer to the app: browsers hold redirects of forms to this, too.
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_HEADERS: Final[Mapping[str, str]] = {
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))


def _page(language: str, status: int = 200, *, asking: Asking | None = None, **values: Any) -> HTMLResponse:
    shown = {"trouble": None, "step": "", "code": "", "people": (), "patients": (), "more": False, "sought": ""}
    text = _template().render(language=language, words=WORDS[language], asking=asking, **(shown | values))
    policy = f"{_POLICY} {redirect_source(asking.redirect_uri)}" if asking is not None else _POLICY
    return HTMLResponse(text, status, headers={**_HEADERS, "Content-Security-Policy": policy})


def _trouble(language: str, what: str, status: int = 400) -> HTMLResponse:
    return _page(language, status, trouble=WORDS[language][what])


def _sent_to(address: str) -> Response:
    return RedirectResponse(address, 303, headers=dict(_HEADERS))


@router.get("", include_in_schema=False, dependencies=_LIMITED)
@public(_NOBODY_YET)
@route_options(database=False)
async def show_authorization(request: Request) -> Response:
    """Check what an app asks, and show who asks (RFC 6749, 4.1.1; SMART App Launch 2.2)."""
    pairs = request.query_params.multi_items()
    form = dict(pairs)
    language = language_for(form.get("lang") or form.get("ui_locales") or request.headers.get("accept-language", ""))
    secret = browser_secret(request.cookies.get(_cookie()))
    if len(form) < len(pairs):
        return _trouble(language, "no_app")
    try:
        asking = await authorizing.begin(form, secret)
    except OAuthRefused:
        return _trouble(language, "no_app")
    except SentBack as refusal:
        return _sent_to(refusal.address)
    page = _page(language, asking=asking, step="contact")
    page.set_cookie(_cookie(), secret, secure=_is_safe(), httponly=True, samesite="lax")
    return page


def _is_safe() -> bool:
    return urlsplit(settings().http.public_url).scheme == "https"


def _cookie() -> str:
    """Return the cookie's name: by its beginning browsers let nobody set it but us, on https (RFC 6265bis, 4.1.3)."""
    return f"{'__Host-' if _is_safe() else ''}hearthline_authorize"


class _Posted:
    """What was posted from a page of ours: which request it is about, in which browser, in which language."""

    def __init__(self, request: Request, form: Mapping[str, str]) -> None:
        self.form = form
        self.language = language_for(form.get("lang", ""))
        self.browser = request.cookies.get(_cookie(), "")
        self.id = self.id_in("authorization")
        # Browsers say where a form comes from; those too old to say so still send the cookie to nobody else's.
        self.is_ours = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"

    def id_in(self, name: str) -> uuid.UUID | None:
        """Return a field that is an id."""
        try:
            return uuid.UUID(self.form.get(name, ""))
        except ValueError:
            return None

    @property
    def authorization(self) -> uuid.UUID:
        """Return which request it is about; raises ``NotFound`` for none, and for what others' pages post."""
        if self.id is None or not self.is_ours:
            raise NotFound
        return self.id


async def _posted(request: Request) -> _Posted:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        body = (await request.body()).decode() if kind == _FORM else ""
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        pairs = []
    return _Posted(request, {name: value.replace("\0", "") for name, value in pairs})


@router.post("/code", include_in_schema=False, dependencies=_LIMITED)
@public(_NOBODY_YET)
@route_options(database=False, idempotency=False)
async def send_authorization_code(request: Request) -> Response:
    """Send a code to sign in with, whoever is known there."""
    posted = await _posted(request)
    try:
        async with unit_of_work() as session:
            asking = await authorizing.send_code(
                session, posted.authorization, posted.browser, posted.form.get("contact", "").strip()
            )
    except NotFound:
        return _trouble(posted.language, "over")
    except (Malformed, TooManyRequests) as refusal:
        what = "wrong_contact" if isinstance(refusal, Malformed) else "too_many"
        return await _again(posted, what, refusal.status)
    except Problem as refusal:
        return _trouble(posted.language, "no_codes", refusal.status)
    return _page(posted.language, asking=asking, step="code")


async def _again(posted: _Posted, what: str, status: int) -> Response:
    """Return the first page once more, saying what was wrong."""
    async with unit_of_work() as session:
        asking = await authorizing.going_on(session, posted.authorization, posted.browser)
    return _page(posted.language, status, asking=asking, step="contact", trouble=WORDS[posted.language][what])


@router.post("/sign-in", include_in_schema=False, dependencies=_LIMITED)
@public("the code is the credential")
@route_options(database=False, idempotency=False)
async def enter_authorization(request: Request) -> Response:
    """Sign in with the code, and show what the app asks for."""
    posted = await _posted(request)
    language, code = posted.language, posted.form.get("code", "").strip()
    try:
        asking, who = await authorizing.enter(posted.authorization, posted.browser, code, posted.id_in("account"))
        if who is None:
            return _page(language, 400, asking=asking, step="code", trouble=WORDS[language]["wrong_code"])
        if isinstance(who, AccountChoice):
            return _page(language, asking=asking, step="code", code=code, people=who.choose)
        return await _consent(posted)
    except NotFound:
        return _trouble(language, "over")


@router.post("/find", include_in_schema=False, dependencies=_LIMITED)
@public("whoever has signed in on the page before, in the same browser")
@route_options(database=False, idempotency=False)
async def find_authorization_patients(request: Request) -> Response:
    """Show what the app asks for, and whom the person may choose by a name."""
    posted = await _posted(request)
    try:
        return await _consent(posted)
    except NotFound:
        return _trouble(posted.language, "over")


async def _consent(posted: _Posted) -> Response:
    async with unit_of_work() as session:
        asking, actor = await authorizing.asked(session, posted.authorization, posted.browser)
    sought = posted.form.get("name", "").strip()[:100]
    async with reading() as connection:
        found = await resident_records(connection, actor, _named(sought), PageRequest(_MOST_PATIENTS, None))
        name = (await people(connection, [actor.id]))[actor.id].name
    return _page(
        posted.language,
        asking=asking,
        step="consent",
        name=name,
        lines=lines(asking.scopes, posted.language),
        how_long=how_long(asking.scopes, posted.language),
        patients=found.items if asking.wants_patient else (),
        more=found.next is not None or bool(sought),
        sought=sought,
    )


def _named(text: str) -> ResidentQuery:
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return ResidentQuery(name=f"%{escaped}%" if text else None, lives_here=True)


@router.post("/decision", include_in_schema=False, dependencies=_LIMITED)
@public("whoever has signed in on the page before, in the same browser")
@route_options(database=False, idempotency=False)
async def decide_authorization(request: Request) -> Response:
    """Send the person back to the app, with a code if they agree."""
    posted = await _posted(request)
    try:
        async with unit_of_work() as session:
            if posted.form.get("decision") != "agree":
                return _sent_to(await authorizing.refuse(session, posted.authorization, posted.browser))
            _, actor = await authorizing.asked(session, posted.authorization, posted.browser)
            user = await _in_fhir(await session.connection(), actor)
            address = await authorizing.agree(
                session, posted.authorization, posted.browser, posted.id_in("patient"), user
            )
    except NotFound:
        return _trouble(posted.language, "over")
    return _sent_to(address)


async def _in_fhir(connection: Any, actor: Actor) -> str | None:
    """Return who a person is in FHIR: a patient, or a practitioner; ``None`` for others, as relatives are."""
    practitioner_id = await practitioner_of(connection, actor.id)
    if practitioner_id is not None:
        return f"Practitioner/{practitioner_id}"
    return f"Patient/{actor.resident_id}" if actor.resident_id is not None else None
