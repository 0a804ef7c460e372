"""What can go wrong with panels, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class HomeNotConnected(Conflict):
    """The home is not connected, or not any more; ``home_state`` says how it stands."""

    code, title = "home_not_connected", "The home is not connected"


class OnlyTheirOwn(Forbidden):
    """What is shown of somebody on a wall is for them to agree to, or for whoever decides such things for them."""

    code, title = "home_panel_only_their_own", "Only the resident can agree to what is shown of them"
