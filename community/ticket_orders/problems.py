"""What can go wrong with tickets, as problems a caller can act on."""

from app.core.problems import Conflict


class TicketPriceChanged(Conflict):
    """It costs something else by now; ``quote`` is what it would cost, to be agreed to anew."""

    code, title = "ticket_price_changed", "The price has changed"


class EntitlementMissing(Conflict):
    """No verified card entitles to this; ``items`` names which places of the cart need which entitlement."""

    code, title = "entitlement_missing", "No verified card entitles to this"


class CompanionAlone(Conflict):
    """A companion comes with somebody: there is no ticket of theirs for ``slot_id``."""

    code, title = "companion_alone", "A companion comes with somebody"


class LimitReached(Conflict):
    """Nobody has more than ``most`` of ``product_id`` on ``day``."""

    code, title = "limit_reached", "That is more than one person can have"


class CartExists(Conflict):
    """The same is bought already, in ``cart_id``; whoever wants it once more says so."""

    code, title = "cart_exists", "The same is bought already"


class DeskNotAllowed(Conflict):
    """Some of it has to be paid for when it is bought."""

    code, title = "desk_not_allowed", "This cannot be paid for at the desk"


class TicketsNotOpen(Conflict):
    """Some of the tickets can no longer be changed; ``tickets`` says how each stands."""

    code, title = "tickets_not_open", "Some of these tickets can no longer be changed"


class RefundChanged(Conflict):
    """Something else is given back by now; ``amount`` says how much, in minor units."""

    code, title = "refund_changed", "Something else is given back by now"


class MoveNotAllowed(Conflict):
    """The ticket cannot go to that slot; ``reason`` says why."""

    code, title = "move_not_allowed", "The ticket cannot go to that slot"


class OfferOver(Conflict):
    """Nothing is held for this entry of the waiting list, or what is held is something else."""

    code, title = "offer_over", "Nothing is held for this any more"


class NobodyToTell(Conflict):
    """It was sold to somebody who has no account here: its tickets are printed, and not sent."""

    code, title = "nobody_to_tell", "Nobody here has these tickets on their phone"
