"""The script of a worker by which pages can be read without a connection, and what waits is sent from no page at all.

A classic worker loads no modules everywhere, so what pages import stands in it as text.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from app.portal.ground.assets import asset, files, version

_HERE: Final = Path(__file__).parent
_SHARED: Final = ("store.js", "sending.js")
_IMPORT: Final = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ", re.MULTILINE)
ALWAYS: Final = ("ground", "offline", "push")
"""Features whose files every page loads."""


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
