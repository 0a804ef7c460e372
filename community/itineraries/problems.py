"""What can go wrong with days out, as problems a caller can act on."""

from app.core.problems import Conflict


class StartNotOnMap(Conflict):
    """It is not known where the home is: say from where the days begin."""

    code, title = "start_not_on_map", "Say from where to set out"


class ItineraryNotOpen(Conflict):
    """The days are over, or were dropped; ``itinerary_state`` says which."""

    code, title = "itinerary_not_open", "This plan is over"


class NothingToBook(Conflict):
    """No stop of the plan needs a ticket that is not booked yet."""

    code, title = "nothing_to_book", "There is nothing to book"


class PlanPriceChanged(Conflict):
    """The stops that are to be booked cost ``total``, which is not what was agreed to."""

    code, title = "plan_price_changed", "The plan costs something else"


class BookingRefused(Conflict):
    """One stop cannot be booked, so nothing is; ``stops`` names those at fault, ``because`` says why as a code.

    ``problem`` is what the ticket office said.
    """

    code, title = "booking_refused", "Nothing was booked"


class BookedStopLost(Conflict):
    """What is booked would not fit into this plan; ``attractions`` names it: its tickets are given back first."""

    code, title = "booked_stop_lost", "Something that is booked would be left out"


class StopNotAhead(Conflict):
    """The stop's state does not allow this; ``stop_state`` says which it is."""

    code, title = "stop_not_ahead", "The stop's state does not allow this"


class TooManyCompanions(Conflict):
    """Not more than ``most`` come along."""

    code, title = "too_many_companions", "Too many come along"


class TooManyItineraries(Conflict):
    """Not more than ``most`` plans are open at a time: one is dropped first."""

    code, title = "too_many_itineraries", "Too many plans are open"
