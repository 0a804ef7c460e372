"""What a text message or a pressed key says, before anybody asks which check-in or alarm it is about."""

import unicodedata
from collections.abc import Mapping
from typing import Final, Literal

# The words that providers and carriers act on themselves, and what people send in China.
_STOP: Final = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "td", "退订"})
_START: Final = frozenset({"start", "unstop", "恢复订阅"})
KEYS: Final[Mapping[str, Literal["ok", "needs_help"]]] = {"1": "ok", "2": "needs_help"}
"""What the keys of a check-in's call say."""

Wish = Literal["stop", "start"]
Outcome = Literal[
    "answered",
    "contradicts",
    "too_early",
    "acknowledged",
    "taken",
    "closed",
    "refused",
    "nothing_open",
    "ambiguous",
    "unreadable",
    "heard",
    "kept",
    "dropped",
    "opted_out",
    "opted_in",
]
NOT_HEARD: Final[frozenset[Outcome]] = frozenset({"unreadable"})
"""After these a call says its text again; after everything else a person has reacted."""


def read_wish(text: str) -> Wish | None:
    """Return whether a text message asks for no more messages, or for them again."""
    word = unicodedata.normalize("NFKC", text).strip().strip(".!。！").lower()
    if word in _STOP:
        return "stop"
    return "start" if word in _START else None
