"""What speaks against sending somebody, as a problem a caller can act on."""

from app.core.problems import Conflict


class CarerAbsent(Conflict):
    """Carers cannot come at that time; ``absences`` says who, from when and until when."""

    code, title = "carer_absent", "The carer cannot come at this time"
