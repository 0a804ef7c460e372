"""Why a residence cannot be ended or resumed."""

from app.core.problems import Conflict


class NotClosed(Conflict):
    """The resident lives in the community."""

    code, title = "not_closed", "The residence has not ended"


class PersonErased(Conflict):
    """The person was erased; nothing is left that could be brought back."""

    code, title = "person_erased", "This person was erased"
