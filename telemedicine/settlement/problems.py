"""What can go wrong with prices, bills and claims, as problems a caller can act on."""

from app.core.problems import Conflict


class NoTerms(Conflict):
    """The clinic has not said yet on which terms it bills."""

    code, title = "no_billing_terms", "The clinic's billing terms are missing"


class NotServed(Conflict):
    """Only what took place at the clinic is billed: a fulfilled appointment, a held video visit, an encounter."""

    code, title = "not_served", "There is no such visit to bill"


class BilledAlready(Conflict):
    """The visit has a bill: ``bill_id``. Take it back to bill anew."""

    code, title = "billed_already", "The visit has been billed already"


class NoPrice(Conflict):
    """The clinic had no price for these ``codes`` on the day of the visit; none: no price for such a visit."""

    code, title = "no_price", "There is no price for this"


class PriceInPast(Conflict):
    """A price begins after the one before it: ``valid_from`` is when that begins."""

    code, title = "price_in_past", "There is a later price already"


class BillState(Conflict):
    """The bill's state does not allow this; ``state`` says which it is."""

    code, title = "bill_state", "The bill cannot be changed so"


class NoCoverage(Conflict):
    """There is no insurance in the resident's record that is in force on the day of the visit."""

    code, title = "no_coverage", "No insurance is known"


class SeveralCoverages(Conflict):
    """Several insurances are in force: say which of ``coverages`` is meant."""

    code, title = "several_coverages", "Say which insurance is meant"


class UnknownInsurer(Conflict):
    """Nobody has told how this insurer is reached."""

    code, title = "unknown_insurer", "This insurer cannot be asked from here"


class RequestUnderWay(Conflict):
    """The insurer is being asked at this very moment; try again in a minute."""

    code, title = "request_under_way", "The insurer is being asked right now"
