"""What can go wrong with prescriptions, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class ForPrescribers(Forbidden):
    """Only a clinician of the clinic that prescribes does this, in person."""

    code, title = "for_prescribers", "This is for a clinician of the clinic that prescribes"


class ForPatients(Forbidden):
    """Whose prescription it is asks for it again, or who speaks for them."""

    code, title = "for_patients", "This is for the resident, and for who speaks for them"


class LicenceNotValid(Conflict):
    """The clinic does not know the signer as one who may practise today."""

    code, title = "licence_not_valid", "There is no valid licence to sign with"


class NotNow(Conflict):
    """The prescription's status does not allow this; ``prescription_status`` says which it is."""

    code, title = "prescription_status", "The prescription cannot be changed so"


class WarningsOpen(Conflict):
    """There are warnings that were not acknowledged; ``warnings`` are they."""

    code, title = "warnings_open", "Not all warnings have been acknowledged"


class TooManyActive(Conflict):
    """The resident has as many prescriptions in force as can be checked against each other."""

    code, title = "too_many_prescriptions", "Too many prescriptions are in force"


class CannotReplace(Conflict):
    """What is replaced is a prescription of the same clinic and resident that is in force, or was dispensed."""

    code, title = "cannot_replace", "This cannot be replaced"


class RenewalOpen(Conflict):
    """It was asked for already, and is not answered yet."""

    code, title = "renewal_open", "The prescription has been asked for already"


class RenewalAnswered(Conflict):
    """The request was answered already."""

    code, title = "renewal_answered", "The request has been answered"


class NotSeenLately(Conflict):
    """The clinic has not seen the resident for a year, or serves them no more: they are to be seen there first."""

    code, title = "not_seen_lately", "The clinic is to see the resident first"


class PrescriptionExpired(Conflict):
    """The last day on which it can be dispensed lies behind."""

    code, title = "prescription_expired", "The prescription is valid no more"
