"""What can go wrong with payouts, as problems a caller can act on."""

from app.core.problems import Conflict, Unavailable


class NobodyPaysOut(Conflict):
    """This installation has no gateway that money could be paid out over."""

    code, title = "nobody_pays_out", "Nobody pays out here"


class PayoutAccountRefused(Conflict):
    """The gateway does not open such an account; ``reason`` is its code."""

    code, title = "payout_account_refused", "The account was not opened"


class GatewaySilent(Unavailable):
    """The gateway has not answered: what was asked stays wanted, and asking again does no harm."""

    code, title = "gateway_silent", "The payment service does not answer"


class NothingToReverse(Conflict):
    """No more is taken back than was paid out too much; ``reversible_amount`` is what can be, in minor units."""

    code, title = "nothing_to_reverse", "That is more than was paid out too much"


class ReversalUnderWay(Conflict):
    """Something of the transfer is being taken back already: how that ends is waited for."""

    code, title = "reversal_under_way", "Something is being taken back already"
