"""What can go wrong with zones and positions, as problems a caller can act on."""

from app.core.problems import Conflict


class LocationNotShared(Conflict):
    """Nobody may see where the resident is, so nothing is kept and nothing can be watched."""

    code, title = "location_not_shared", "The resident lets nobody see where they are"


class ZoneEnded(Conflict):
    """The zone has ended; nothing of it can change any more."""

    code, title = "safe_zone_ended", "The zone has ended"


class TooManyZones(Conflict):
    """A resident has as many zones as can be watched."""

    code, title = "too_many_safe_zones", "The resident has too many zones"
