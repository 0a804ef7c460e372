"""What can go wrong with clinics and their hours, as problems a caller can act on."""

from app.core.problems import Conflict


class NotAClinic(Conflict):
    """The organization is of another kind, or has not said yet in which zone its clocks are."""

    code, title = "not_a_clinic", "This organization is not set up as a clinic"


class NotAClinician(Conflict):
    """The account does not work for the clinic as a clinician."""

    code, title = "not_a_clinician", "This person does not work here as a clinician"


class PractitionerExists(Conflict):
    """The person is a practitioner of the clinic already."""

    code, title = "practitioner_exists", "This person is a practitioner of this clinic already"


class NotOffered(Conflict):
    """The wanted time is no slot; ``reason`` says why, ``alternatives`` what is free near it."""

    code, title = "not_offered", "This time cannot be booked"
