"""What can go wrong when somebody takes an order, as problems a caller can act on."""

from app.core.problems import Conflict


class OfferOver(Conflict):
    """It can be taken no more; ``offer_state`` says why: somebody was faster or it was called off, or time is up."""

    code, title = "offer_over", "This cannot be taken any more"


class NobodyIsLookedFor(Conflict):
    """The order has somebody, or is over; ``order_state`` says which."""

    code, title = "nobody_is_looked_for", "Nobody is looked for"
