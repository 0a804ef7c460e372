"""The page of a gate and what it loads: the same for everybody, it knows nobody until somebody signs in on it.

All its files carry their version in their address, and its service worker keeps all of one version or none: a page is
never put together of two.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from fastapi import Header, Query, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined, Template

from app.core.access import public
from app.core.problems import NotFound, problem_responses
from app.core.routing import Router, route_options
from app.identity.api import LANGUAGES, language_for
from app.portal.gates.texts import WORDS

router = Router(tags=["portal"], prefix="/portal/gates")

_PAGE: Final = "/portal/gates"
_WORKER: Final = "worker.js"
_SHARED: Final = ("/portal/video-visits/assets/icon.svg", "/portal/video-visits/assets/visit.css")
"""Of the other pages: the looks that all have in common."""
_TYPES: Final = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_SAME_FOR_ALL: Final = "says nothing about anybody: who scans signs in on the page"
_PLAIN: Final[Mapping[str, str]] = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
# Nothing but our own files is loaded, and nothing written into the page runs.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "camera=(self), screen-wake-lock=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def _files() -> Path:
    return Path(__file__).parent


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_files() / "page.html").read_text(encoding="utf-8"))


@cache
def _assets() -> Mapping[str, str]:
    """Return what the page loads by name: nothing else can be asked for."""
    own = (_files() / "assets").iterdir()
    # The reader of codes is shared with other pages; here it is kept with the gate's own version all the same.
    shared = (_files().parent / "ground" / "assets").iterdir()
    files = sorted([*own, *(file for file in shared if file.name == "camera.js" or file.name.startswith("qr_"))])
    return {file.name: file.read_text(encoding="utf-8") for file in files if file.is_file()}


@cache
def version() -> str:
    """Return what changes with any file or word of the page."""
    looks = [(_files().parent / "video_visits" / "assets" / Path(path).name).read_text() for path in _SHARED]
    everything = json.dumps([dict(_assets()), (_files() / "page.html").read_text(), looks, WORDS])
    return hashlib.sha256(everything.encode()).hexdigest()[:16]


@cache
def _worker() -> str:
    """Return the service worker with what it is to keep written before it: it differs when any of that does."""
    pages = [_PAGE, *(f"{_PAGE}?lang={language}" for language in LANGUAGES)]
    own = (f"{_PAGE}/assets/{version()}/{name}" for name in _assets() if name != _WORKER)
    kept = {"VERSION": version(), "PAGES": pages, "FILES": [*own, *_SHARED]}
    before = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in kept.items())
    return before + _assets()[_WORKER]


@router.get("", response_class=HTMLResponse, include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def show_gate(
    lang: Annotated[str | None, Query(max_length=35)] = None, accept_language: Annotated[str, Header()] = ""
) -> HTMLResponse:
    """Return the page in the language that was asked for, or the browser's."""
    language = language_for(lang or accept_language)
    page = _page().render(language=language, version=version(), words=WORDS[language])
    return HTMLResponse(page, headers=dict(_HEADERS))


@router.get("/worker.js", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_gate_worker() -> Response:
    """Return the service worker: it may serve the page, which lies above it, and nothing else of ours."""
    headers = {**_PLAIN, "Service-Worker-Allowed": _PAGE, "Content-Security-Policy": _POLICY}
    return Response(_worker(), media_type=_TYPES["js"], headers=headers)


@router.get("/assets/{of_version}/{name}", include_in_schema=False, responses=problem_responses(NotFound))
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_gate_asset(of_version: str, name: str) -> Response:
    """Return a script or a style sheet of the page, of this version alone."""
    content = _assets().get(name)
    if content is None or of_version != version() or name == _WORKER:
        raise NotFound
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]], headers=dict(_PLAIN))
