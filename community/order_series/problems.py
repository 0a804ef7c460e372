"""What can go wrong with series, as problems a caller can act on."""

from app.core.problems import Conflict


class TermsChanged(Conflict):
    """Other terms hold by now; ``terms`` are those, to be agreed to anew."""

    code, title = "terms_changed", "The terms have changed"


class SeriesEnded(Conflict):
    """The series is over: nothing of it can be changed."""

    code, title = "series_ended", "The series has ended"


class OccurrenceBound(Conflict):
    """An order is too near to be changed freely; ``order_id`` is it: it can be called off at the cost agreed."""

    code, title = "occurrence_bound", "It is too late to change this freely"


class NoSuchDay(Conflict):
    """The series has nothing on this day that is still ahead."""

    code, title = "no_such_day", "The series has nothing on this day"
