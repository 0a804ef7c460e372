"""What can go wrong with escalation plans, as problems a caller can act on."""

from app.core.problems import Conflict


class DeskNotTested(Conflict):
    """A plan is activated only if a person at its duty desk answered a test over these channels of late."""

    code, title = "desk_not_tested", "The duty desk has not answered a test over these channels"


class PlanNotADraft(Conflict):
    """The plan was activated before; a plan that is to change is a new plan."""

    code, title = "plan_not_a_draft", "Only a draft can be activated"
