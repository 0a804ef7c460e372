"""Why a residence cannot be ended or resumed."""

from app.core.problems import Conflict


class NotClosed(Conflict):
    """The resident lives in the community."""

    code, title = "not_closed", "The residence has not ended"
