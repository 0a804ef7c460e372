"""By which words a detector says that there is nothing: one that has more of them than on and off, too."""

import re
from typing import Final

CALM: Final = frozenset(("off", "none", "idle", "normal", "clear", "ok", "no", "false", "inactive", "undetected"))
_OVER: Final = re.compile(r"\b(no|not|non|undetected|clear(ed)?|normal|off|end(ed)?|dry|safe)\b")
_UNSURE: Final = re.compile(r"\b(un(?!detected\b)\w+|test\w*|silence\w*|mute\w*|fault)\b")
"""A detector that was silenced or is broken says no danger, nor that there is none."""


def plain(state: str | None) -> str:
    """Return a detector's word as it is compared."""
    return (state or "").lower().replace("_", " ")


def is_calm(state: str | None) -> bool:
    """Say whether a detector says that there is nothing."""
    said = plain(state)
    return said in CALM or (_OVER.search(said) is not None and not is_unsure(state))


def is_unsure(state: str | None) -> bool:
    """Say whether a detector says neither that there is a danger nor that there is none."""
    return _UNSURE.search(plain(state)) is not None
