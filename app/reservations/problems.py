"""What can go wrong when time or places are taken, as problems a caller can act on."""

from app.core.problems import Conflict


class CalendarTaken(Conflict):
    """Somebody else has the time; ``conflicts`` says whose calendar, when it is taken, and what is free nearby."""

    code, title = "calendar_taken", "This time is already taken"


class PoolExhausted(Conflict):
    """There is not as much left as is wanted; ``conflicts`` says of which pool, and what is left."""

    code, title = "pool_exhausted", "There is not enough left"


class CapacityTaken(Conflict):
    """A capacity cannot be made smaller than what is taken of it; ``taken`` says how much that is."""

    code, title = "capacity_taken", "More is taken than this capacity allows"


class HoldOver(Conflict):
    """What was held is held no longer: it expired, or was let go."""

    code, title = "hold_over", "The hold is over"
