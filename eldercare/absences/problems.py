"""What can go wrong with absences, as problems a caller can act on."""

from app.core.problems import Conflict


class AbsenceOver(Conflict):
    """The absence is over already."""

    code, title = "check_in_pause_over", "The pause is over"


class ResidentClosed(Conflict):
    """The resident has moved out or died: nobody is cared for any more."""

    code, title = "resident_closed", "The resident is no longer cared for"


class ResidentAway(Conflict):
    """The resident is away then; ``until`` says when they are back."""

    code, title = "resident_away", "The resident is away then"
