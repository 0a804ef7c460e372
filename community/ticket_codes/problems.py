"""What can go wrong with the keys of ticket codes, as problems a caller can act on."""

from app.core.problems import Conflict


class KeyNumbersUsedUp(Conflict):
    """Every number a key can have still belongs to one that verifies tickets: one has to be over first."""

    code, title = "key_numbers_used_up", "Too many keys are in use at once"
