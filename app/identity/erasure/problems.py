"""Why a person is not erased now."""

from app.core.problems import Conflict, Forbidden


class FreshSignInNeeded(Forbidden):
    """What cannot be undone is done only by somebody who has just shown who they are."""

    code, title = "fresh_sign_in_needed", "Sign in again, or show your second factor, and repeat this within minutes"


class ResidenceNotEnded(Conflict):
    """A resident who lives here erases themselves; the staff erases who died or moved out."""

    code, title = "residence_not_ended", "The residence has not ended"
