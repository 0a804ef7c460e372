"""What can go wrong with waiting, as problems a caller can act on."""

from app.core.problems import Conflict


class PlacesLeft(Conflict):
    """There is as much as is wanted: it can be bought."""

    code, title = "places_left", "There are places left: buy them"


class AlreadyWaiting(Conflict):
    """They wait for this already; ``wait_id`` is that entry."""

    code, title = "already_waiting", "They wait for this already"


class WaitOver(Conflict):
    """There is nothing to wait for any more; ``wait_state`` says how it ended."""

    code, title = "wait_over", "There is nothing to wait for any more"
