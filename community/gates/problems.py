"""What can go wrong at gates, as problems a caller can act on."""

from app.core.problems import Conflict


class TicketNotValid(Conflict):
    """The ticket opens nothing (any more): it is not paid for, given back, called off, used or over."""

    code, title = "ticket_not_valid", "This ticket has no code: it is not valid"


class ConflictClosed(Conflict):
    """Somebody has decided on this already, or it explained itself."""

    code, title = "conflict_closed", "This was decided already"


class GateClosed(Conflict):
    """Nobody goes in or out here any more: the gate was put aside."""

    code, title = "gate_closed", "This gate is not in use"
