"""What can go wrong with well-being, as problems a caller can act on."""

from app.core.problems import Conflict


class FlagNotOpen(Conflict):
    """The flag is over or was dismissed: there is nothing left to say about it."""

    code, title = "wellbeing_flag_not_open", "The flag is not open any more"
