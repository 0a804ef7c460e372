"""A member's weekly hours as they are kept, and how one gets in and out of a circle: pure decisions."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True, slots=True)
class Hours:
    """A weekly window of wall time that starts on ``weekday`` (0 is Monday); it may run past midnight."""

    weekday: int
    start: time
    end: time


def hours_of(stored: Iterable[dict[str, object]]) -> list[Hours]:
    """Return the windows as they are stored in a member's ``on_call``."""
    return [
        Hours(int(str(row["weekday"])), time.fromisoformat(str(row["start"])), time.fromisoformat(str(row["end"])))
        for row in stored
    ]


class Step(enum.StrEnum):
    """What moves a member of a circle from one state to another."""

    ACCEPT = "accept"
    DECLINE = "decline"
    REMOVE = "remove"


TRANSITIONS: dict[Step, tuple[frozenset[str], str]] = {
    Step.ACCEPT: (frozenset({"invited"}), "accepted"),
    Step.DECLINE: (frozenset({"invited"}), "declined"),
    Step.REMOVE: (frozenset({"invited", "accepted"}), "removed"),
}

MOST_MEMBERS = 50
