"""What can go wrong with video visits, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden, NotFound


class ClinicDoesNotServe(Conflict):
    """The organization is no clinic whose agreement lets it see this resident by video."""

    code, title = "clinic_does_not_serve", "This clinic does not see the resident by video"


class NotAClinician(Conflict):
    """The person is no clinician of the clinic."""

    code, title = "not_a_clinician", "This person is not a clinician of the clinic"


class ConsultationOver(Conflict):
    """The video visit has ended or expired."""

    code, title = "consultation_over", "The video visit is over"


class ConsultationNotOpen(Conflict):
    """Nobody can enter yet; ``opens_at`` says from when they can."""

    code, title = "consultation_not_open", "The waiting room is not open yet"


class ConsultationUnderWay(Conflict):
    """Clinician and resident are in the video visit at this moment."""

    code, title = "consultation_under_way", "The video visit is under way"


class NotTakingPart(Forbidden):
    """The actor may see the video visit, but is not one of those who take part."""

    code, title = "not_taking_part", "You do not take part in this video visit"


class NotYourConsultation(Forbidden):
    """Only the clinician who holds the video visit does this."""

    code, title = "not_your_consultation", "Somebody else holds this video visit"


class RoomFull(Conflict):
    """Four people are in the visit already."""

    code, title = "room_full", "Four people are in the visit already"


class TooManyGuests(Conflict):
    """As many guests as a visit can have are invited already."""

    code, title = "too_many_guests", "No more guests can be invited"


class TakesPartAlready(Conflict):
    """The person takes part already, or was put out for good; ``state`` says which."""

    code, title = "takes_part_already", "This person was asked to the visit already"


class NotWaiting(Conflict):
    """The person does not wait to be let in."""

    code, title = "not_waiting", "This person is not in the waiting room"


class PutOut(Forbidden):
    """The participant was put out of the visit, or may no longer take part."""

    code, title = "put_out", "You no longer take part in this video visit"


class LinkUnknown(NotFound):
    """Nobody made such a link."""

    code, title = "link_unknown", "This link is not one of ours"


class LinkUsed(Conflict):
    """The link has let somebody in already."""

    code, title = "link_used", "This link has been used already"


class LinkOver(Conflict):
    """The link's time is over, or it was taken back."""

    code, title = "link_over", "This link is no longer good"


class NoteSigned(Conflict):
    """The note is signed and stands; what is to be said further is an addendum."""

    code, title = "note_signed", "The note is signed"


class NoteMissing(Conflict):
    """There is no note that could be signed or added to."""

    code, title = "note_missing", "There is no such note yet"
