"""The page of a video visit and what it loads: the same for everybody, it knows nobody until a link is used."""

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
from app.portal.video_visits.texts import WORDS

router = Router(tags=["portal"], prefix="/portal")

_TYPES: Final = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
_SAME_FOR_ALL: Final = "says nothing about anybody: who is meant stands in the link, behind the number sign"
# Nothing but our own files is loaded, and nothing written into the page runs.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_files() / "page.html").read_text(encoding="utf-8"))


@cache
def _assets() -> Mapping[str, str]:
    """Return what the page loads by name: nothing else can be asked for."""
    return {file.name: file.read_text(encoding="utf-8") for file in (_files() / "assets").iterdir() if file.is_file()}


def _files() -> Path:
    return Path(__file__).parent


@router.get("/video-visits", response_class=HTMLResponse, include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def show_video_visit(
    lang: Annotated[str | None, Query(max_length=35)] = None, accept_language: Annotated[str, Header()] = ""
) -> HTMLResponse:
    """Return the page in the language that was asked for, or the browser's."""
    language = language_for(lang or accept_language)
    page = _page().render(language=language, languages=LANGUAGES, words=WORDS[language])
    return HTMLResponse(page, headers=dict(_HEADERS))


@router.get("/video-visits/assets/{name}", include_in_schema=False, responses=problem_responses(NotFound))
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_video_visit_asset(name: str) -> Response:
    """Return a script or a style sheet of the page."""
    content = _assets().get(name)
    if content is None:
        raise NotFound
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)
