"""What can go wrong with care circles, as problems a caller can act on."""

from app.core.problems import Conflict


class AlreadyInCircle(Conflict):
    """The person was asked already, or belongs to the circle."""

    code, title = "already_in_circle", "This person is already in the care circle"


class InvitationAnswered(Conflict):
    """The invitation was answered or taken back before."""

    code, title = "invitation_answered", "This invitation was already answered"


class CircleFull(Conflict):
    """A circle has at most fifty members."""

    code, title = "circle_full", "The care circle is full"


class CircleChanged(Conflict):
    """The order does not name each member of the circle once."""

    code, title = "circle_changed", "The care circle has other members by now"


class InvitationLapsed(Conflict):
    """Whoever asked may not give any more what they promised."""

    code, title = "invitation_lapsed", "Who asked you in may not do so any more; let yourself be asked again"
