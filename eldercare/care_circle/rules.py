"""Who of a care circle is on call, and how one gets in and out: pure decisions."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Hours:
    """A weekly window of wall time that starts on ``weekday`` (0 is Monday); it may run past midnight."""

    weekday: int
    start: time
    end: time

    def contains(self, weekday: int, at: time) -> bool:
        """Say whether the wall time lies in the window."""
        if self.start < self.end:
            return weekday == self.weekday and self.start <= at < self.end
        # Past midnight: the evening of its day, and the morning of the next. Equal ends are a whole day.
        return (weekday == self.weekday and at >= self.start) or (weekday == (self.weekday + 1) % 7 and at < self.end)


def is_on_call(windows: Iterable[Hours], time_zone: str, at: datetime) -> bool:
    """Say whether somebody with these hours can be called at the instant; without hours they always can."""
    local = at.astimezone(ZoneInfo(time_zone))
    windows = tuple(windows)
    wall = local.time().replace(tzinfo=None)
    return not windows or any(window.contains(local.weekday(), wall) for window in windows)


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
