"""What can go wrong with tips, as problems a caller can act on."""

from app.core.problems import Conflict


class NoTipNow(Conflict):
    """Only for work that is done, within seven days of its end."""

    code, title = "no_tip_now", "There is nothing to tip for at present"


class TipExists(Conflict):
    """A tip was given for this order already."""

    code, title = "tip_exists", "A tip was given already"


class TipTooLarge(Conflict):
    """A tip is no more than the work cost; ``most`` says how much that is."""

    code, title = "tip_too_large", "That is more than a tip"
