"""Why an appointment cannot be had with an escort, as problems a caller can act on."""

from app.core.problems import Conflict


class NotInPerson(Conflict):
    """Nobody goes anywhere for it: it is by video or phone, or at the resident's home."""

    code, title = "not_in_person", "This appointment is not at the clinic"


class NotAnEscort(Conflict):
    """The offer is of another kind than bringing somebody somewhere."""

    code, title = "not_an_escort", "This offer is not for an escort"


class EscortTooShort(Conflict):
    """The offer does not last for the ways and the appointment: ``needed`` says how long it takes (ISO 8601)."""

    code, title = "escort_too_short", "This escort does not last until the resident is home again"
