"""What can go wrong with tickets on offer, as problems a caller can act on."""

from app.core.problems import Conflict


class NotOnSale(Conflict):
    """Some of what is wanted is not sold; ``conflicts`` says which slot and product, and why."""

    code, title = "not_on_sale", "This is not on sale"


class CodeTaken(Conflict):
    """The attraction has something of this code already: it is changed, not added twice."""

    code, title = "code_taken", "There is something of this code already"


class MoreIsSold(Conflict):
    """More is sold than would be left; ``conflicts`` names each slot or quota, and how many persons are booked.

    It can be done on purpose, with a reason: nothing is sold until enough was given back.
    """

    code, title = "more_is_sold", "More is sold than that"


class SlotOver(Conflict):
    """The slot has begun, or was called off: nothing of it changes any more."""

    code, title = "slot_over", "This slot is over or cancelled"


class NotAGuide(Conflict):
    """The person does not work for this attraction."""

    code, title = "not_a_guide", "This person does not work here"


class NotGuided(Conflict):
    """The slot has no language, so it is no guided tour."""

    code, title = "not_guided", "This is no guided tour"
