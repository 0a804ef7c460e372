"""What can go wrong with drills, as problems a caller can act on."""

from app.core.problems import Conflict


class DrillRunning(Conflict):
    """An exercise about this resident is under way: it is finished first; ``alarm_id`` names its alarm."""

    code, title = "drill_running", "An exercise is under way for this resident"
