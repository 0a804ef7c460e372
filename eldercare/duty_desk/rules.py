"""Which script is shown, and what may become of a hand-over: decisions without I/O."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

HandoverState = Literal["offered", "accepted", "declined", "withdrawn"]

HANDOVER_TRANSITIONS: Final[Mapping[str, tuple[frozenset[str], HandoverState]]] = {
    "accept": (frozenset({"offered"}), "accepted"),
    "decline": (frozenset({"offered"}), "declined"),
    "withdraw": (frozenset({"offered"}), "withdrawn"),
}

BUILT_IN: Final = 0
"""The number of a script that comes with Hearthline; those a community writes count from 1."""
_GENERAL: Final = "concern"
_PLACE: Final = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class Script:
    """What to ask and what to do at an alarm, each in order."""

    asks: tuple[str, ...]
    does: tuple[str, ...]


@cache
def built_in(language: str) -> Mapping[str, Script]:
    """Return the scripts that come with Hearthline, by kind of alarm; ``language`` is one of ours."""
    stored = tomllib.loads((_PLACE / f"{language}.toml").read_text(encoding="utf-8"))
    return {kind: Script(tuple(script["asks"]), tuple(script["does"])) for kind, script in stored.items()}


def built_in_for(kind: str, language: str) -> Script:
    """Return what comes with us for a kind of alarm, in general terms for one without words of its own.

    A kind that somebody forgot to write a script for must still be taken: its alarm is as real.
    """
    known = built_in(language)
    return known.get(kind, known[_GENERAL])
