"""What can go wrong in a queue, as problems a caller can act on."""

from app.core.problems import Conflict


class NobodyWaits(Conflict):
    """There is nobody to call."""

    code, title = "nobody_waits", "Nobody waits"


class NotCalled(Conflict):
    """The number is not one that was called; ``state`` says how it stands."""

    code, title = "not_called", "This number was not called"
