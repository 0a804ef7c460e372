"""Where somebody goes after signing in, and what their browser is called: decisions about what came from outside."""

import re
from typing import Final
from urllib.parse import urlsplit

START: Final = "/portal"
_SIGNING: Final = ("/portal/sign-in", "/portal/sign-out")
_MOST: Final = 500
# Browsers take a backslash for a slash and drop tabs and line ends: none of it belongs into an address of ours.
_STRANGE: Final = re.compile(r"[\s\\\x00-\x1f\x7f]")

_BROWSERS: Final = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"))
_MORE_BROWSERS: Final = (("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def own_address(wanted: str) -> str:
    """Return ``wanted`` if it is a page of the portal other than those of signing in, or else the first page."""
    if not wanted or len(wanted) > _MOST or _STRANGE.search(wanted):
        return START
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return START
    is_of_portal = parts.path == START or parts.path.startswith(f"{START}/")
    if parts.scheme or parts.netloc or not is_of_portal or parts.path.startswith(_SIGNING):
        return START
    return wanted


def browser_label(user_agent: str) -> str | None:
    """Return what a person would call a browser, such as ``Firefox, Android``; ``None`` of one that says nothing."""
    browser = next((name for mark, name in (*_BROWSERS, *_MORE_BROWSERS) if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    known = [name for name in (browser, system) if name]
    return ", ".join(known) or None
