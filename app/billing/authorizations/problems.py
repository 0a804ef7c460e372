"""What can go wrong with authorizations, as problems a caller can act on."""

from app.core.problems import Conflict


class PaymentMethodUnusable(Conflict):
    """The saved card is not there, not the payer's, or can no longer be used."""

    code, title = "payment_method_unusable", "This card cannot be used"


class NotAuthorized(Conflict):
    """The money is not promised; ``state`` says how it stands."""

    code, title = "not_authorized", "The money is not promised"


class NothingToRefund(Conflict):
    """No more can be given back than was paid; ``refundable_amount`` is what is left, in minor units."""

    code, title = "nothing_to_refund", "That is more than was paid"


class NothingToProve(Conflict):
    """The bank does not ask the payer who they are: ``state`` says how the money stands."""

    code, title = "nothing_to_prove", "The bank asks for nothing"
