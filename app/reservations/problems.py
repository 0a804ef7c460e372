"""What can go wrong when time is taken, as problems a caller can act on."""

from app.core.problems import Conflict


class CalendarTaken(Conflict):
    """Somebody else has the time; ``conflicts`` says whose calendar, when it is taken, and what is free nearby."""

    code, title = "calendar_taken", "This time is already taken"


class HoldOver(Conflict):
    """What was held is held no longer: it expired, or was let go."""

    code, title = "hold_over", "The hold is over"
