"""Why a trip cannot be had with a companion, as problems a caller can act on."""

from app.core.problems import Conflict


class MeetingPointUnknown(Conflict):
    """It is not known where the bus leaves or returns: nobody can say how long the way there takes."""

    code, title = "meeting_point_unknown", "It is not known where the bus leaves or returns"
