"""Whom the desk's step reaches, and which hours nobody has: pure decisions, readable aloud to an operator."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

ShiftKind = Literal["desk", "on_call"]

SITTING: Final = ("dispatcher", "operator")
"""The roles of those who can have a shift; who no longer has one of them is told nothing, whatever was planned."""
LOOKED_AHEAD: Final = timedelta(hours=24)
LOOKED_AGAIN: Final = timedelta(hours=1)
LONGEST_SHIFT: Final = timedelta(days=7)
ON_CALL_HELPS_UNTIL: Final = timedelta(seconds=180)
"""How long an alarm waits for the shift and the on-call alone: the outer limit of the response-time yardstick."""


@dataclass(frozen=True, slots=True)
class Period:
    """A time from one instant to before another."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    """Who can be told at a community's desk at this instant: ``everyone`` works there, on shift or not."""

    on_shift: tuple[uuid.UUID, ...]
    on_call: tuple[uuid.UUID, ...]
    everyone: tuple[uuid.UUID, ...]

    def reached(self, waited: timedelta | None) -> list[uuid.UUID]:
        """Return whom an alarm is told to that has waited at the desk so long; ``None`` when it just arrives there.

        First who is on shift, or the on-call where nobody is; then both; in the end everybody who works there. Where
        no shift is planned it is everybody from the start: a plan that is missing must not silence anybody.
        """
        if waited is None:
            people = self.on_shift or self.on_call
        elif waited < ON_CALL_HELPS_UNTIL:
            people = (*self.on_shift, *self.on_call)
        else:
            people = (*self.on_shift, *self.on_call, *self.everyone)
        return list(dict.fromkeys(people or self.everyone))

    def patience(self, waited: timedelta | None, wait: timedelta) -> timedelta:
        """Return when an alarm is looked at again: after the plan's own ``wait``, unless the shift has it alone.

        A plan may give the desk an hour, as if everybody there was told. While only some are, it is looked at in time
        for the others.
        """
        if not (self.on_shift or self.on_call):
            return wait
        alone = ON_CALL_HELPS_UNTIL - (waited or timedelta())
        return min(wait, alone) if alone > timedelta() else wait

    def people(self) -> frozenset[uuid.UUID]:
        """Return everybody the desk can reach, however long an alarm waits."""
        return frozenset((*self.on_shift, *self.on_call, *self.everyone))

    def phoned(self) -> frozenset[uuid.UUID]:
        """Return who is phoned beside all else: the on-call have no screen in front of them."""
        return frozenset(self.on_call) - frozenset(self.on_shift)


def uncovered(periods: Iterable[Period], since: datetime, until: datetime) -> list[Period]:
    """Return the parts of ``[since, until)`` that lie in no period, in order; none of them is empty."""
    found: list[Period] = []
    reached = since
    for period in sorted(periods, key=lambda period: period.starts_at):
        if period.starts_at >= until:
            break
        if period.starts_at > reached:
            found.append(Period(reached, period.starts_at))
        reached = max(reached, period.ends_at)
    if reached < until:
        found.append(Period(reached, until))
    return found


def next_look(gaps: Sequence[Period], now: datetime) -> datetime:
    """Return when a desk's coming day is looked at again: within the hour, and when a gap that is known begins."""
    begins = (gap.starts_at for gap in gaps if gap.starts_at > now)
    return min([now + LOOKED_AGAIN, *begins])
