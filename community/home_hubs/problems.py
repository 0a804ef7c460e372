"""What can go wrong with hubs that are asked, as problems a caller can act on."""

from app.core.problems import Conflict


class HubAddressNotAllowed(Conflict):
    """The address is none that may be called: it has to be https, and reachable from the internet."""

    code, title = "hub_address_not_allowed", "The hub's address may not be called"


class HubNotConnected(Conflict):
    """The home has no hub that is asked."""

    code, title = "hub_not_connected", "The home has no such hub"


class HomeNotActive(Conflict):
    """The home is closed, or somebody who lives there has not agreed."""

    code, title = "home_not_active", "Nothing may be collected of the home"
