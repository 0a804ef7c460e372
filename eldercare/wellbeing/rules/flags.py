"""What may become of a flag, and when somebody's days are looked at."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Final, Literal

from app.core.wall_time import resolve, zone

State = Literal["open", "acknowledged", "dismissed", "ended"]
EndReason = Literal["as_usual", "no_data", "closed"]
Action = Literal["acknowledge", "dismiss", "end"]

TRANSITIONS: Final[Mapping[Action, tuple[frozenset[State], State]]] = {
    "acknowledge": (frozenset({"open"}), "acknowledged"),
    "dismiss": (frozenset({"open", "acknowledged"}), "dismissed"),
    "end": (frozenset({"open", "acknowledged", "dismissed"}), "ended"),
}
"""The only table of states. What was dismissed is shown no more, and keeps the same drift from being told again."""

CURRENT: Final[tuple[State, ...]] = ("open", "acknowledged")
PAST: Final[tuple[State, ...]] = ("dismissed", "ended")

_MORNING: Final = time(9, 30)


def next_look(after: datetime, time_zone: str) -> datetime:
    """Return the first half past nine in the morning on the wall of ``time_zone`` that is later than ``after``."""
    day = after.astimezone(zone(time_zone)).date()
    while (morning := resolve(day, _MORNING, time_zone)) <= after:
        day += timedelta(days=1)
    return morning
