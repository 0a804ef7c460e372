"""What can go wrong in a queue, as problems a caller can act on."""

from app.core.problems import Conflict


class NobodyWaits(Conflict):
    """There is nobody to call."""

    code, title = "nobody_waits", "Nobody waits"


class NotCalled(Conflict):
    """The number is not one that was called; ``state`` says how it stands."""

    code, title = "not_called", "This number was not called"


class CalledAlready(Conflict):
    """Somebody was quicker: the number was called meanwhile, or is done with; ``state`` says how it stands."""

    code, title = "called_already", "This number was called already"


class NotPutBack(Conflict):
    """Only who was called or skipped is put back; ``state`` says how the number stands."""

    code, title = "not_put_back", "This number cannot be put back"


class HasAnotherNumber(Conflict):
    """The resident has another number in that line."""

    code, title = "has_another_number", "There is another number of theirs in this line"


class TooManyDisplays(Conflict):
    """The clinic has as many screens as it can have; ``most`` says how many."""

    code, title = "too_many_displays", "There are too many screens"
