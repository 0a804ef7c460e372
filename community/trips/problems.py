"""What can go wrong with trips, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class TripNotOpen(Conflict):
    """The trip's state does not allow this; ``trip_state`` says which it is."""

    code, title = "trip_not_open", "The trip's state does not allow this"


class SignUpOver(Conflict):
    """It is too late to sign up; ``closed_at`` says since when."""

    code, title = "sign_up_over", "It is too late to sign up"


class TripUnderWay(Conflict):
    """The trip has begun: now its leaders say who travels and who does not."""

    code, title = "trip_under_way", "The trip has begun"


class TripPriceChanged(Conflict):
    """It costs something else; ``total`` is what it would cost, to be agreed to anew."""

    code, title = "trip_price_changed", "The price is another one"


class TripFull(Conflict):
    """There is no place left, or others wait for one: ``left`` and ``waiting``. One can wait, if one says so."""

    code, title = "trip_full", "There is no place left"


class AlreadySignedUp(Conflict):
    """The resident is signed up already, or waits; ``participation_id`` says how that stands."""

    code, title = "already_signed_up", "The resident is signed up already"


class OnAnotherTrip(Conflict):
    """The resident goes along on another trip at that time; ``participation_id`` says how that stands."""

    code, title = "on_another_trip", "The resident is on another trip then"


class CompanionNeeded(Conflict):
    """Somebody who needs a companion goes along with one alone: their own, a volunteer, or somebody they order."""

    code, title = "companion_needed", "This resident goes along with a companion"


class NoVolunteer(Conflict):
    """Nobody who may accompany somebody is free on this trip, or not the one who was wished for."""

    code, title = "no_volunteer", "No volunteer is free on this trip"


class ParticipationNotOpen(Conflict):
    """How it stands does not allow this; ``participation_state`` says how."""

    code, title = "participation_not_open", "How this participation stands does not allow this"


class NotALeader(Forbidden):
    """This is for those who lead the trip."""

    code, title = "not_a_leader", "You do not lead this trip"


class ContactsNotShown(Conflict):
    """Whom to call is shown around the trip alone: ``opens_at`` and ``closes_at``."""

    code, title = "contacts_not_shown", "The emergency contacts are not shown now"


class RollCallTooEarly(Conflict):
    """It is too early to count; ``opens_at`` says from when."""

    code, title = "roll_call_too_early", "It is too early to count"
