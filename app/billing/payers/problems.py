"""What can go wrong with payers, as problems a caller can act on."""

from app.core.problems import Conflict


class AskedAlready(Conflict):
    """The person pays for the resident, or has been asked to: ``payer_id``."""

    code, title = "payer_asked_already", "They have been asked already"


class NotAsked(Conflict):
    """There is nothing to answer: ``state`` says how it stands."""

    code, title = "payer_not_asked", "There is nothing to answer"


class NotThePayer(Conflict):
    """Whoever is to pay neither orders, nor is the resident, nor has agreed to pay for them."""

    code, title = "not_the_payer", "They do not pay for this resident"


class PayerLimit(Conflict):
    """More would be promised in the month than the payer agreed to; ``left_amount`` is what is left, in minor units."""

    code, title = "payer_limit", "That is more than the payer agreed to in a month"
