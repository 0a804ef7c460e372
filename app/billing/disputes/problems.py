"""What can go wrong with disputes, as problems a caller can act on."""

from app.core.problems import Conflict


class EvidenceTooLate(Conflict):
    """The bank takes nothing any more; ``state`` says how the dispute stands."""

    code, title = "evidence_too_late", "The bank takes no evidence any more"


class EvidenceGiven(Conflict):
    """Evidence is given once: the bank has it, or is about to."""

    code, title = "evidence_given", "Evidence has been given already"
