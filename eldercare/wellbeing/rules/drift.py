"""Whether somebody's days drift from what is usual for them: robust figures of their own days, never of other people's.

The median and the median absolute deviation are moved by no single bad day (Hampel, "The influence curve and its role
in robust estimation", 1974; Leys et al., "Detecting outliers: Do not use standard deviation around the mean, use
absolute deviation around the median", 2013). The numbers of days and of spreads are ours: nobody has shown which are
right, so they are chosen to ask rarely.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Final, Literal

from eldercare.wellbeing.rules.measures import Scale

Standing = Literal["not_enough_data", "as_usual", "drifting"]
Verdict = Literal["open", "end_as_usual", "end_no_data", "leave"]

RECENT: Final = 7
"""How many days are compared …"""
RECENT_NEEDED: Final = 4
BEFORE: Final = 28
"""… with how many before them, which do not include them."""
BEFORE_NEEDED: Final = 10
SPREADS: Final = 2.0
TO_DEVIATION: Final = 1.4826
"""What makes a median absolute deviation a standard deviation, were the days normally distributed."""
LETS_GO: Final = 0.5
"""A flag ends only once the difference is less than this share of what opened it …"""
DAYS_IN_A_ROW: Final = 2
"""… and it takes so many days in a row to open one or to end it."""
FORGOTTEN_AFTER: Final = 14
"""So many days of which nothing is known end a flag: it speaks of a time that is over."""
LOOKED_BACK: Final = RECENT + BEFORE + DAYS_IN_A_ROW - 1
"""How many days the rules look at, at most."""

Days = Mapping[date, float]


@dataclass(frozen=True, slots=True)
class Finding:
    """How the last days compare with those before. Without enough days there is no figure but the numbers of days."""

    standing: Standing
    recent_days: int
    usual_days: int
    recent: float | None = None
    usual: float | None = None
    spread: float | None = None
    shift: float | None = None
    """How much worse the last days are, in the measure's unit; less than nought where they are better."""
    bound: float | None = None
    """From which shift on it is a drift."""

    @property
    def lingers(self) -> bool:
        """Whether the difference is still too large for a flag to end."""
        return self.shift is None or self.bound is None or self.shift >= self.bound * LETS_GO


def compare(days: Days, last: date, scale: Scale) -> Finding:
    """Return how the ``RECENT`` days up to ``last`` compare with the ``BEFORE`` days before these.

    Days that are missing are missing: they count as neither good nor bad, and too few of them are no finding at all.
    """
    recent = _known(days, last, RECENT)
    before = _known(days, last - timedelta(days=RECENT), BEFORE)
    if len(recent) < RECENT_NEEDED or len(before) < BEFORE_NEEDED:
        return Finding("not_enough_data", len(recent), len(before))
    usual, now = median(before), median(recent)
    spread = median(abs(value - usual) for value in before)
    shift = now - usual if scale.worse == "higher" else usual - now
    bound = max(scale.least, SPREADS * TO_DEVIATION * spread)
    standing: Standing = "drifting" if shift >= bound else "as_usual"
    return Finding(standing, len(recent), len(before), now, usual, spread, shift, bound)


def follow(days: Days, last: date, scale: Scale, *, is_flagged: bool) -> Verdict:
    """Say what becomes of a flag after the day ``last``: it opens slowly and ends slowly, so that it does not flap.

    While too little is known a flag neither opens nor ends, until nothing has been known for ``FORGOTTEN_AFTER`` days.
    """
    found = [compare(days, last - timedelta(days=ago), scale) for ago in range(DAYS_IN_A_ROW)]
    if not is_flagged:
        return "open" if all(one.standing == "drifting" for one in found) else "leave"
    if not _known(days, last, FORGOTTEN_AFTER):
        return "end_no_data"
    is_over = all(one.standing != "not_enough_data" and not one.lingers for one in found)
    return "end_as_usual" if is_over else "leave"


def _known(days: Days, last: date, count: int) -> list[float]:
    """Return what is known of the ``count`` days up to ``last``."""
    wanted = (last - timedelta(days=ago) for ago in range(count))
    return [days[day] for day in wanted if day in days]
