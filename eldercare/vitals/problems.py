"""What can go wrong with vital signs, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden, Malformed


class ReadingsRefused(Malformed):
    """A batch that was to be kept whole has readings that cannot be taken; none was kept."""

    code, title = "readings_refused", "Some readings cannot be taken, so none was kept"


class ReadingsContradict(Conflict):
    """A batch that was to be kept whole says other values of readings that are kept; none was kept."""

    code, title = "readings_contradict", "Some readings are known with other values, so none was kept"


class AlreadyCorrected(Conflict):
    """The reading is marked as entered in error already."""

    code, title = "already_corrected", "This reading is marked as entered in error already"


class ForClinicians(Forbidden):
    """Only a clinician of a clinic that serves the resident does this; nobody does it for themselves."""

    code, title = "for_clinicians", "This is for a clinician who looks after the resident"


class NotAClinician(Conflict):
    """Only an active clinician of a clinic of the community can be responsible for its alerts."""

    code, title = "not_a_clinician", "This person is not a clinician of that clinic"
