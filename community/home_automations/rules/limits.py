"""How much a home may do by itself, and what of it the resident has to agree to."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal

import orjson

from app.core.rate_limits import Rate
from community.home_commands.rules import Thing

OffReason = Literal["person", "resident", "loop", "too_many_runs", "home_closed"]

MOST_DEPTH: Final = 5
"""How many automations may lead to each other: more is a circle."""
MOST_RUNS: Final = 60
"""How often one may run within an hour: once a minute is what a busy hallway needs at most."""
RUNS_WITHIN: Final = timedelta(hours=1)
LATEST: Final = timedelta(minutes=15)
"""How late an automation still begins: the light of yesterday evening is not switched on at noon."""
EFFECT: Final = timedelta(minutes=2)
"""How long what a thing does counts as the doing of who told it to: a blind takes half a minute."""
MOST_SCENES: Final = 50
SCENES_PER_HOME: Final = Rate(10, timedelta(minutes=1))
"""A scene counts once, however many commands it has: half of one would leave a home as nobody wanted it."""
MOST_AUTOMATIONS: Final = 50
LONGEST_TRIAL: Final = timedelta(days=7)
FOLDS_WITHIN: Final = timedelta(hours=1)
"""How long the same decision not to do anything is counted in one row of the log."""

MOST_FOLDED: Final = 20
"""Of how many such decisions, each by another trigger or for another reason, that is known at once."""


def digest_of(said: Mapping[str, Any]) -> str:
    """Return by what the resident's word is known: of this very command or alarm, and of no other."""
    return hashlib.sha256(orjson.dumps(dict(said), option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def command_digest(entity_id: str, command: str, arguments: Mapping[str, Any], thing: Thing) -> str:
    """Return the digest of a command to one thing, as that is called and taken for.

    A plug that heated water and opens a gate by now is another thing: nobody agreed to that.
    """
    known_as = [thing.component, thing.device_class, thing.role, thing.names]
    return digest_of({"entity_id": entity_id, "command": command, "arguments": dict(arguments), "thing": known_as})


def alarm_digest(alarm: str, severity: str) -> str:
    """Return the digest of an alarm that an automation may raise."""
    return digest_of({"alarm": alarm, "severity": severity})
