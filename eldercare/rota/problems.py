"""What can go wrong with the rota, as problems a caller can act on."""

from app.core.problems import Conflict


class SwapOverlaps(Conflict):
    """One of the two gives or takes another turn at that time; ``swap_id`` names it."""

    code, title = "swap_overlaps", "There is another swap at that time"


class SwapOver(Conflict):
    """The swap was answered or withdrawn before, or its time has passed."""

    code, title = "swap_over", "This swap can no longer be changed"


class TakerAway(Conflict):
    """Who would take the turn is away on one of those days."""

    code, title = "taker_away", "This person is away at that time"
