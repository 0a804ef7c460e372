"""How many of a period's messages a cap lets through."""


def let_through(most: int, used: int, added: int) -> int:
    """Return how many of the last ``added`` of ``used`` messages are within ``most`` in their period."""
    return max(0, min(added, most - (used - added)))
