"""What can go wrong with orders, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden, Problem


class PriceChanged(Conflict):
    """It costs something else by now; ``quote`` is what it would cost, to be agreed to anew."""

    code, title = "price_changed", "The price has changed"


class OrderExists(Conflict):
    """The resident has ordered this for this time already; ``order_id`` is that order."""

    code, title = "order_exists", "This is ordered for this time already"


class HomeNotOnMap(Conflict):
    """It is not known where the resident's home is: nobody can say whether the provider comes there."""

    code, title = "home_not_on_map", "The home is not on the map"


class OrderNotOpen(Conflict):
    """The order's state does not allow this; ``order_state`` says which it is."""

    code, title = "order_not_open", "The order's state does not allow this"


class FeeChanged(Conflict):
    """Calling off costs something else by now; ``fee`` is what, in minor units, to be agreed to anew."""

    code, title = "cancellation_fee_changed", "Calling off costs something else by now"


class NotYourOrder(Forbidden):
    """The order is somebody else's to carry out."""

    code, title = "not_your_order", "You do not carry this order out"


class WorkerUnsuitable(Conflict):
    """Rules speak against sending this worker; ``obstacles`` names them, and ``despite`` can set them aside."""

    code, title = "worker_unsuitable", "This worker should not be sent there"


class OutsideWindow(Conflict):
    """The order may not be planned for then; ``since`` and ``until`` say when it may begin."""

    code, title = "outside_window", "The order may not begin then"


class TooEarly(Conflict):
    """It is too early for this; ``opens_at`` says from when it can be done."""

    code, title = "too_early", "It is too early for this"


class WrongStartCode(Conflict):
    """That is not the resident's code; ``left`` says how many tries there are."""

    code, title = "wrong_start_code", "This is not the code"


class StartCodeLocked(Conflict):
    """Too many wrong codes: the provider confirms the start instead."""

    code, title = "start_code_locked", "The start is confirmed by the provider now"


class DoorNotShown(Conflict):
    """How to get in is shown around the visit only; ``opens_at`` says from when."""

    code, title = "door_not_shown", "How to get in is not shown at present"


class ExtraPending(Conflict):
    """More time was asked for, and is not answered yet."""

    code, title = "extra_pending", "More time was asked for already"


class ExtraOver(Conflict):
    """The question was answered, or nobody answered it in time."""

    code, title = "extra_over", "This question is over"


class ChecklistOpen(Conflict):
    """Some steps are neither done nor explained; ``codes`` names them."""

    code, title = "checklist_open", "Some steps are neither done nor explained"


class UnknownStep(Problem):
    """The order has no such step."""

    code, status, title = "unknown_step", 422, "The order has no such step"
