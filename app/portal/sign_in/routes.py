"""Signing in with a code: where somebody is reached, the code that arrived, and who they are if several share it."""

import secrets
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from app.core.access import public
from app.core.routing import route_options
from app.identity.api import LANGUAGES, language_for, login_providers
from app.portal.ground.asking import Refused
from app.portal.ground.demo import FACES
from app.portal.ground.forms import NotOurForm
from app.portal.ground.pages import Stranger, show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import visit_of
from app.portal.sign_in.addresses import own_address
from app.portal.sign_in.entering import digits, enter, label, nobody, to_page
from app.portal.sign_in.progress import Progress, as_id, begun, going_on, keep, posted, progress_of
from app.portal.sign_in.texts import WORDS

router = pages_router("/portal/sign-in")

NOBODY_YET: Final = "nobody is signed in yet"
CONTACT: Final = "sign_in/contact.html"
_NAMES: Final = {"en": "English", "zh-CN": "中文"}
_CODE_OFF: Final = "sign_in_method_not_offered"


def stranger(request: Request, progress: Progress) -> Stranger:
    """Return whoever signs in, as their pages need them."""
    reader = Stranger(request, progress.language)
    reader.csrf = progress.csrf
    return reader


@router.get("", include_in_schema=False)
@public(NOBODY_YET)
@route_options(database=False, idempotency=False)
async def show_sign_in(request: Request) -> Response:
    """Ask where somebody is reached; whoever is signed in already goes on to where they wanted."""
    known = progress_of(request)
    asked = request.query_params
    onward = own_address(asked["next"]) if "next" in asked else (known.next if known else own_address(""))
    if await visit_of(request) is not None:
        return to_page(onward)
    progress = known or begun(secrets.token_urlsafe(32))
    language = language_for(asked["lang"]) if "lang" in asked else progress.language
    community = as_id(asked.get("community", ""))
    progress = going_on(progress, next=onward, language=language, community_id=str(community or progress.community_id))
    return await contact_page(request, progress)


async def contact_page(
    request: Request, progress: Progress, wrong: str = "", *, status: int = 200, contact: str = ""
) -> Response:
    """Return the first page, with what was wrong."""
    reader = stranger(request, progress)
    community = await _community(request, progress, reader.language)
    page = show(
        reader,
        CONTACT,
        WORDS,
        status=status,
        wrong=words_of(WORDS, reader.language)[wrong] if wrong else "",
        contact=contact,
        community=community["community"],
        codes=wrong != "no_codes",
        providers=login_providers(),
        faces=FACES,
        languages=[(code, {"address": f"/portal/sign-in?lang={code}", "text": _NAMES[code]}) for code in LANGUAGES],
    )
    return keep(page, going_on(progress, community_id=community["community_id"]))


async def _community(request: Request, progress: Progress, language: str) -> Any:
    api = nobody(request, language)
    try:
        return await api.get("/v1/app-config", community_id=progress.community_id or None)
    except Refused as refusal:
        if refusal.status != 404 or not progress.community_id:
            raise
        return await api.get("/v1/app-config")


@router.post("", include_in_schema=False)
@public(NOBODY_YET)
@route_options(database=False, idempotency=False)
async def send_code(request: Request) -> Response:
    """Send a code to whoever is known there; the answer is the same for everybody."""
    try:
        progress, form = await posted(request)
    except NotOurForm:
        return await begin_again(request)
    contact = form.text("contact", 254)
    where = {"email": contact} if "@" in contact else {"phone": contact}
    try:
        asked = await nobody(request, progress.language).post(
            "/v1/sign-in/codes", {"community_id": progress.community_id, **where}
        )
    except Refused as refusal:
        wrong = {422: "wrong_contact", 429: "trouble_429"}.get(refusal.status)
        wrong = "no_codes" if refusal.code == _CODE_OFF else wrong
        if wrong is None:
            raise
        return await contact_page(request, progress, wrong, status=refusal.status, contact=contact)
    return keep(to_page("/portal/sign-in/code"), going_on(progress, challenge_id=asked["challenge_id"]))


async def begin_again(request: Request) -> Response:
    """Return the first page, saying that what was begun is over; it leads where it would have led."""
    known = progress_of(request)
    fresh = begun(secrets.token_urlsafe(32), next=known.next if known else own_address(""))
    return await contact_page(request, fresh, "over", status=403)


@router.get("/code", include_in_schema=False)
@public(NOBODY_YET)
@route_options(database=False, idempotency=False)
async def show_code(request: Request) -> Response:
    """Ask for the code."""
    progress = progress_of(request)
    if progress is None or not progress.challenge_id:
        return to_page("/portal/sign-in")
    return _code_page(request, progress)


def _code_page(request: Request, progress: Progress, wrong: str = "", status: int = 200) -> Response:
    reader = stranger(request, progress)
    said = words_of(WORDS, reader.language)[wrong] if wrong else ""
    return show(reader, "sign_in/code.html", WORDS, status=status, wrong=said, challenge=progress.challenge_id)


@router.post("/code", include_in_schema=False)
@public("the code is the credential")
@route_options(database=False, idempotency=False)
async def enter_code(request: Request) -> Response:
    """Sign in with the code that arrived."""
    try:
        progress, form = await posted(request)
    except NotOurForm:
        return await begin_again(request)
    code, account = digits(form.text("code", 20)), form.uuid("account")
    if len(code) != 6 or not progress.challenge_id:
        return _code_page(request, progress, "wrong_code", 422)
    body = {
        "challenge_id": progress.challenge_id,
        "code": code,
        "account_id": str(account) if account else None,
        "device_label": label(request),
    }
    try:
        answer = await nobody(request, progress.language).post("/v1/sign-in", body)
    except Refused as refusal:
        if refusal.status not in (401, 429):
            raise
        return _code_page(request, progress, "wrong_code" if refusal.status == 401 else "trouble_429", refusal.status)
    if "choose" in answer:
        return choice_page(request, progress, "/portal/sign-in/code", answer["choose"], code=code)
    return await enter(request, progress, answer)


def choice_page(
    request: Request, progress: Progress, action: str, people: list[dict[str, str]], **kept: str
) -> Response:
    """Return the page that asks which of several people it is."""
    named = [(person["account_id"], person["name"]) for person in people]
    return show(stranger(request, progress), "sign_in/choose.html", WORDS, action=action, people=named, kept=kept)
