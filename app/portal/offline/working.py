"""The script of a worker by which pages can be read without a connection, and what waits is sent from no page at all.

A classic worker loads no modules everywhere, so what pages import stands in it as text.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import Request
from starlette.responses import Response

from app.portal.ground.assets import asset, files, version
from app.portal.ground.pages import Stranger, show
from app.portal.ground.texts import COMMON

_HERE: Final = Path(__file__).parent
_SHARED: Final = ("store.js", "sending.js")
_IMPORT: Final = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ", re.MULTILINE)
ALWAYS: Final = ("ground", "offline", "push")
"""Features whose files every page loads."""
SAME_FOR_ALL: Final = "says nothing about anybody: a script, a name, and that there is no connection"
# A worker lives for as long as its file is the same: the browser asks each time it wakes whether it is.
_FRESH: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


@cache
def _rules() -> str:
    shared = ((_HERE / "assets" / name).read_text(encoding="utf-8") for name in _SHARED)
    return _EXPORT.sub("", _IMPORT.sub("", "\n".join(shared))) + (_HERE / "worker.js").read_text(encoding="utf-8")


def offline_script(scope: str, *, features: Sequence[str], pages: Sequence[str], without: Sequence[str]) -> str:
    """Return the script for the pages under ``scope``.

    ``features``: those whose files are kept. ``pages``: what is kept ahead, of whoever is signed in. ``without``: the
    public pages, in English and in Chinese, that stand in for any page of which there is no copy.
    """
    kept = [asset(f"{feature}/{name}") for feature, name in files() if feature in (*ALWAYS, *features)]
    facts = {"SCOPE": scope, "VERSION": version(), "FILES": kept, "OFFLINE": list(without), "KEPT": list(pages)}
    said = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in facts.items())
    return f"(() => {{\n{said}{_rules()}}})();\n"


def script_answer(scope: str, *, features: Sequence[str], pages: Sequence[str], without: Sequence[str]) -> Response:
    """Return the answer that has the script for the pages under ``scope``, as ``offline_script`` makes it."""
    script = offline_script(scope, features=features, pages=pages, without=without)
    policy = {"Content-Security-Policy": "default-src 'none'; connect-src 'self'", "Service-Worker-Allowed": scope}
    return Response(script, media_type="text/javascript; charset=utf-8", headers=_FRESH | policy)


def manifest_answer(scope: str, name: str) -> Response:
    """Return what a home screen needs to know of the pages under ``scope``."""
    document: dict[str, Any] = {
        "name": f"Hearthline · {name.lower()}",
        "short_name": name,
        "id": scope,
        "start_url": scope,
        "scope": "/portal",
        "display": "standalone",
        "background_color": "#f3f5f4",
        "theme_color": "#0b5d66",
        "icons": [{"src": asset("ground/icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }
    return Response(orjson.dumps(document), media_type="application/manifest+json", headers=_FRESH)


def outside(request: Request, language: str, home: str) -> Response:
    """Return what stands in for a page of which there is no copy; ``home`` is where the others begin."""
    return show(Stranger(request, language), "offline/outside.html", COMMON, home=home)
