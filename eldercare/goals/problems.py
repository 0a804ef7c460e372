"""What can go wrong with goals, as problems a caller can act on."""

from app.core.problems import Conflict


class GoalNotOpen(Conflict):
    """What is asked does not follow from where the goal stands; ``lifecycle_status`` says where that is."""

    code, title = "goal_not_open", "The goal's status does not allow this"


class TooManyGoals(Conflict):
    """The care plan has as many goals under way as anybody can follow."""

    code, title = "too_many_goals", "The care plan has as many goals as it can have"
