"""What can go wrong with alarms, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden, Unavailable


class AlarmClosed(Conflict):
    """The alarm is resolved or cancelled; nothing more can be done with it."""

    code, title = "alarm_closed", "The alarm is already closed"


class AlarmOpen(Conflict):
    """An alarm about the person, or one they have taken, is open: first it has to be brought to its end."""

    code, title = "alarm_open", "An alarm is open"


class AlarmAlreadyAcknowledged(Conflict):
    """Somebody else has taken the alarm; ``acknowledged_by`` names the account."""

    code, title = "alarm_already_acknowledged", "Somebody else has already taken this alarm"


class AlarmAlreadyOnScene(Conflict):
    """Somebody is already with the resident."""

    code, title = "alarm_already_on_scene", "Somebody is already with the resident"


class AlarmNotYours(Conflict):
    """Only who has taken an alarm can give it back or hand it over; ``acknowledged_by`` names the account, if any."""

    code, title = "alarm_not_yours", "You have not taken this alarm"


class CountdownOver(Conflict):
    """The resident can take an alarm back only while its countdown runs."""

    code, title = "alarm_countdown_over", "The alarm can no longer be taken back"


class CalledAgain(Conflict):
    """The resident has called for help again since the call that is taken back, and that is not taken back with it."""

    code, title = "alarm_called_again", "Help was called for again since"


class NotForTheResident(Forbidden):
    """A resident does not answer their own alarm: it would stop the people who are coming."""

    code, title = "not_for_the_resident", "The resident cannot answer their own alarm"


class NotAResident(Forbidden):
    """SOS calls help to a resident, and the account is not one; the numbers to call instead are in the document."""

    code, title = "not_a_resident", "This account belongs to nobody who lives here"


class SosNotStored(Unavailable):
    """The alarm could not be stored: the caller must phone. The numbers are in the document."""

    code, title = "sos_not_stored", "Call for help by phone"
