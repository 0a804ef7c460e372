"""Rendering: templates, the words of a language, and the headers that keep a page to itself."""

import secrets
from collections import ChainMap
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from app.core import clock
from app.core.settings import settings
from app.identity.api import LANGUAGES, language_for
from app.portal.ground.amounts import amount_filter
from app.portal.ground.assets import PORTAL, asset
from app.portal.ground.calling import calls_at_hand
from app.portal.ground.demo import acts
from app.portal.ground.forms import CSRF, KEY
from app.portal.ground.links import call_link, map_link
from app.portal.ground.moments import FILTERS
from app.portal.ground.navigation import places
from app.portal.ground.texts import COMMON
from app.portal.ground.visits import LOOK_COOKIE, LOOKS, Visit

Words = Mapping[str, Mapping[str, str]]

WHO: Final = "X-Who"
"""Whose page it is: a worker keeps it for nobody else. A page of whoever only looks on has none, and is never kept."""
VIEWING: Final = "X-Viewing"
"""As whom support looks on: a page that is open sees that it has begun, or is over."""
_HEADERS: Final[Mapping[str, str]] = {
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "no-store",
}


def policy(nonce: str) -> str:
    """Return the page's Content-Security-Policy: our own files alone, and nothing written into the page runs."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )


@cache
def environment() -> Environment:
    """Return the environment of all templates: everything is escaped, and what is not there is an error."""
    made = Environment(
        loader=FileSystemLoader(PORTAL),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters.update(FILTERS, tel=call_link, amount=amount_filter)
    made.globals.update(asset=asset, form_fields=form_fields, map_link=map_link, LANGUAGES=LANGUAGES)
    made.globals.update(calls_at_hand=calls_at_hand)
    return made


def form_fields(visit: "Visit | Stranger") -> Markup:
    """Return the hidden fields every form has: what shows that it is ours, and what makes pressing twice do once."""
    fields = Markup('<input type="hidden" name="{}" value="{}"><input type="hidden" name="{}" value="{}">')
    return fields.format(CSRF, visit.csrf, KEY, secrets.token_urlsafe(24))


def words_of(words: Words, language: str) -> Mapping[str, str]:
    """Return a feature's words and, under them, those all pages share."""
    return ChainMap(words[language], COMMON[language])  # type: ignore[arg-type]  # nobody writes into it


@cache
def template(path: str) -> Template:
    """Return a template by its path under the portal."""
    return environment().get_template(path)


class Stranger:
    """Somebody who is not signed in, before the pages that sign in: what a template asks of a visit."""

    name, viewing, is_viewing_as, csrf = "", None, False, ""

    def __init__(self, request: Request, language: str = "") -> None:
        self.request = request
        self.nonce = secrets.token_urlsafe(16)
        self.language = language_for(
            language or request.query_params.get("lang") or request.headers.get("accept-language", "")
        )
        chosen = request.cookies.get(LOOK_COOKIE, "")
        self.look = chosen if chosen in LOOKS else ""
        self.time_zone = clock.now().tzinfo


def rendered(visit: "Visit | Stranger", path: str, words: Words, **values: Any) -> str:
    """Return what a template makes of ``values``."""
    own = words_of(words, visit.language)
    done = own.get(f"done_{visit.request.query_params.get('done', '')}", "")
    nav = places(visit) if isinstance(visit, Visit) else ()
    is_demo = settings().demo.enabled
    shown = {"done": done, **values}  # a page that knows better than its address what was done says so
    return template(path).render(
        visit=visit,
        words=own,
        shared=COMMON[visit.language],  # the layout's own: what a feature calls its words never changes them
        places=nav,
        here=visit.request.url.path,
        now=clock.now(),
        is_demo=is_demo,
        demo_acts=acts(visit) if is_demo and isinstance(visit, Visit) else (),
        **shown,
    )


def show(visit: "Visit | Stranger", path: str, words: Words, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page: the template at ``path`` with ``values``, in the visitor's language."""
    text = rendered(visit, path, words, **values)
    headers = {**_HEADERS, "Content-Security-Policy": policy(visit.nonce)}
    if isinstance(visit, Visit):
        name, whose = (VIEWING, visit.viewing.id) if visit.viewing else (WHO, visit.actor.id)
        headers[name] = str(whose)
    return HTMLResponse(text, status, headers=headers)


def address(path: str, **query: Any) -> str:
    """Return a page's address with what is given of ``query``."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def again(address: str, done: str = "") -> Response:
    """Return the way back to a page after something was posted; ``done`` names the words it then says.

    ``address`` is ours; raises ``ValueError`` for any other.
    """
    parts = urlsplit(address)
    # Browsers take a backslash for a slash.
    if parts.scheme or parts.netloc or not address.startswith("/") or "\\" in address:
        raise ValueError("not an address of ours")
    query = [pair for pair in parse_qsl(parts.query) if pair[0] != "done"] + ([("done", done)] if done else [])
    return RedirectResponse(parts._replace(query=urlencode(query)).geturl(), 303, headers=dict(_HEADERS))
