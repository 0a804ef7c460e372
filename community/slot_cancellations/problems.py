"""What can go wrong when slots are called off together."""

from app.core.problems import Conflict


class SlotsNotOpen(Conflict):
    """Some of the slots are over, or were called off already: ``conflicts`` says which and why. None was touched."""

    code, title = "slots_not_open", "Some of these are over or called off already"
