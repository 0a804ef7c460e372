"""How a day out stands: when one would be at each stop from where one is, and when somebody looks next."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

StopState = Literal["ahead", "arrived", "left", "skipped", "off"]
Look = Literal["crowd", "late"]

MAY_BECOME: Final[dict[StopState, frozenset[StopState]]] = {
    "ahead": frozenset({"arrived", "left", "skipped"}),
    "arrived": frozenset({"left"}),
    "left": frozenset(),
    "skipped": frozenset({"arrived"}),
    "off": frozenset({"skipped"}),
}
"""What somebody can say of a stop: whoever left something out may turn up there all the same."""
BEFORE: Final = timedelta(minutes=30)
"""How long before one sets out somebody looks whether it is worth it."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A stop as it stands; ``sits`` is the rest that follows the visit."""

    id: uuid.UUID
    state: StopState
    leaves_for_at: datetime
    way: timedelta
    enters_at: datetime
    enter_until: datetime
    leaves_at: datetime
    sits: timedelta
    checked_at: datetime | None = None

    @property
    def last_call(self) -> datetime:
        """Return when it is too late to set out for it."""
        return self.enter_until - self.way


@dataclass(frozen=True, slots=True)
class Expected:
    """When one would be at a stop."""

    id: uuid.UUID
    leaves_for_at: datetime
    arrives_at: datetime
    enters_at: datetime
    is_reachable: bool
    last_call: datetime


def outlook(legs: Sequence[Leg], now: datetime) -> list[Expected]:
    """Return the stops ahead of a day as they can be expected: nobody leaves a visit or a rest early to be in time."""
    free, sits = now, timedelta()
    found: list[Expected] = []
    for leg in legs:
        if leg.state == "arrived":
            begun = max(leg.enters_at, leg.checked_at or leg.enters_at)
            free, sits = max(now, begun + (leg.leaves_at - leg.enters_at)), leg.sits
        elif leg.state == "left":
            free, sits = leg.checked_at or now, timedelta()
        elif leg.state == "ahead":
            sets_out = max(free + sits, leg.leaves_for_at)
            arrives = sets_out + leg.way
            enters = max(arrives, leg.enters_at)
            is_reachable = enters <= leg.enter_until
            found.append(Expected(leg.id, sets_out, arrives, enters, is_reachable, leg.last_call))
            if is_reachable:  # whoever cannot go in goes on from where they are
                free, sits = enters + (leg.leaves_at - leg.enters_at), leg.sits
    return found


def looks(legs: Sequence[Leg], hinted: Collection[str]) -> list[tuple[datetime, Look, uuid.UUID]]:
    """Return when somebody looks after which stop, and at what, of all that was not looked at: the first first."""
    found: list[tuple[datetime, Look, uuid.UUID]] = []
    for leg in legs:
        if leg.state == "ahead":
            found += [(leg.leaves_for_at - BEFORE, "crowd", leg.id), (leg.last_call, "late", leg.id)]
    return sorted(one for one in found if tag(one[1], one[2]) not in hinted)


def tag(look: Look, stop_id: uuid.UUID) -> str:
    """Return by what it is known that somebody has looked."""
    return f"{look}:{stop_id}"
