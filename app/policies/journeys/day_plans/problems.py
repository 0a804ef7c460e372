"""What can go wrong when a plan is carried out, as problems a caller can act on."""

from app.core.problems import Conflict


class DayPlanAccepted(Conflict):
    """The plan is carried out already, or is worked on still; ``plan_state`` says which."""

    code, title = "day_plan_not_open", "This plan cannot be accepted"


class DayPlanStale(Conflict):
    """Some of what was planned is not as it was: ``visit_ids`` and ``order_ids`` name it. Plan anew."""

    code, title = "day_plan_stale", "Something has changed since it was planned"
