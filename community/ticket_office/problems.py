"""What can go wrong at the office, as problems a caller can act on."""

from app.core.problems import Conflict, Problem


class ShiftOpen(Conflict):
    """This person has a till open here: ``shift_id`` says which; it is closed before another is opened."""

    code, title = "shift_open", "You have a till open already"


class ShiftClosed(Conflict):
    """The till was counted and closed: nothing is sold or given back from it any more."""

    code, title = "shift_closed", "This till is closed"


class DifferenceUnexplained(Conflict):
    """Something else was counted than expected: it is counted again, or explained.

    ``expected_amount`` and ``difference_amount`` say how much that is.
    """

    code, title = "difference_unexplained", "The till does not hold what it should"


class TooLittleCash(Problem):
    """Less was put down than it costs."""

    code, status, title = "too_little_cash", 422, "That is less than it costs"


class TillShort(Conflict):
    """There is not so much in the till: ``expected_amount`` is what it should hold."""

    code, title = "till_short", "There is not so much cash in the till"


class SlipKnown(Conflict):
    """The terminal's slip is recorded already: ``order_id`` says for which sale."""

    code, title = "slip_known", "This slip is recorded already"


class NothingAllotted(Conflict):
    """The reseller has nothing, or not so much, of this slot any more: ``left`` says how much."""

    code, title = "nothing_allotted", "There is not so much left of the allotment"


class AllotmentOver(Conflict):
    """It is too late to allot anything of a slot: ``slot_ids`` names which would go back at once."""

    code, title = "allotment_over", "It is too late to allot this"
