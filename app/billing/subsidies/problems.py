"""What can go wrong with programmes and entitlements, as problems a caller can act on."""

from app.core.problems import Conflict


class ProgrammeClosed(Conflict):
    """Nobody is entitled anew to what a programme pays that is put aside."""

    code, title = "programme_closed", "The programme is put aside"


class EntitledAlready(Conflict):
    """The resident is entitled to what the programme pays already: ``entitlement_id``."""

    code, title = "entitled_already", "The resident is entitled already"


class BudgetCommitted(Conflict):
    """The budget cannot be less than what is promised and paid of it: ``committed_amount``, in minor units."""

    code, title = "budget_committed", "More of the budget is promised already"


class MoreThanOwed(Conflict):
    """A programme sent more than it owes for the month: ``open_amount`` is what is left, in minor units."""

    code, title = "more_than_owed", "The programme owes less for this month"


class TransferKnown(Conflict):
    """A transfer with this reference has been recorded already: ``settlement_id``."""

    code, title = "transfer_known", "The transfer has been recorded already"
