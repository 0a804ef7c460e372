"""Scripts, looks and pictures of the pages: each under an address that changes with any of them, so kept for ever."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from fastapi import Header, Response

from app.core.access import public
from app.core.problems import NotFound, problem_responses
from app.core.routing import Router, route_options

router = Router(tags=["portal"], prefix="/portal/assets")

PORTAL: Final = Path(__file__).parent.parent
ASSETS: Final = "assets"
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_KEPT: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}


@cache
def files() -> Mapping[tuple[str, str], bytes]:
    """Return every file that can be asked for, by its feature and name: there are no others."""
    found = sorted(path for path in PORTAL.glob(f"*/{ASSETS}/*") if path.suffix in _TYPES)
    return {(path.parent.parent.name, path.name): path.read_bytes() for path in found}


@cache
def _packed(feature: str, name: str) -> bytes:
    return gzip.compress(files()[feature, name], mtime=0)


@cache
def version() -> str:
    """Return what changes with any file."""
    together = hashlib.sha256()
    for (feature, name), content in files().items():
        together.update(f"{feature}/{name}\0{len(content)}\0".encode() + content)
    return together.hexdigest()[:16]


@cache
def asset(path: str) -> str:
    """Return the address of ``feature/name``; raises ``KeyError`` for a file there is not."""
    feature, _, name = path.partition("/")
    if (feature, name) not in files():
        raise KeyError(path)
    return f"/portal/assets/{version()}/{feature}/{name}"


@router.get("/{of_version}/{feature}/{name}", include_in_schema=False, responses=problem_responses(NotFound))
@public("says nothing about anybody: scripts and looks")
@route_options(database=False)
async def get_asset(
    of_version: str, feature: str, name: str, accept_encoding: Annotated[str, Header()] = ""
) -> Response:
    """Return a file, packed for whoever can unpack it: it holds nobody's secrets, so its length may be seen.

    One of another version is never kept: a page is not put together of two for long.
    """
    content = files().get((feature, name))
    if content is None:
        raise NotFound
    headers = dict(_KEPT)
    if of_version != version():
        headers["Cache-Control"] = "no-store"
    if "gzip" in accept_encoding and not name.endswith(".png"):
        headers["Content-Encoding"] = "gzip"
        content = _packed(feature, name)
    return Response(content, media_type=_TYPES[Path(name).suffix], headers=headers)
