"""What can go wrong with charges and payments, as problems a caller can act on."""

from app.core.problems import Conflict


class ChargeNotOpen(Conflict):
    """Nothing can be paid for a charge that is paid or cancelled; ``state`` says which it is."""

    code, title = "charge_not_open", "Nothing is owed here"


class TooMuchPaid(Conflict):
    """More would be paid than is owed; ``open_amount`` is what is left, in minor units."""

    code, title = "too_much_paid", "That is more than is owed"


class OtherCurrency(Conflict):
    """A charge is paid in its own currency, ``currency``."""

    code, title = "other_currency", "The charge is in another currency"


class PaymentKnown(Conflict):
    """A payment with this reference has been recorded already: ``payment_id``."""

    code, title = "payment_known", "The payment has been recorded already"


class TooMuchRefunded(Conflict):
    """No more can be given back than was paid; ``refundable_amount`` is what is left, in minor units."""

    code, title = "too_much_refunded", "That is more than was paid"


class PaymentsToRefund(Conflict):
    """What was paid for a charge has to be given back before it can be cancelled; ``paid_amount`` is how much."""

    code, title = "payments_to_refund", "Payments have to be refunded first"


class TooMuchCredited(Conflict):
    """No more can be waived than was owed; ``creditable_amount`` is what is left, in minor units."""

    code, title = "too_much_credited", "That is more than was owed"
