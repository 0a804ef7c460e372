"""What can go wrong with complaints, as problems a caller can act on."""

from app.core.problems import Conflict


class NothingToComplainOf(Conflict):
    """Only of work that is done, or of a fee, within thirty days of the end."""

    code, title = "nothing_to_complain_of", "The order gives no cause for a complaint at present"


class ComplaintExists(Conflict):
    """There is a complaint of this order already."""

    code, title = "complaint_exists", "There is a complaint of this order already"


class ComplaintNotOpen(Conflict):
    """The complaint's state does not allow this; ``complaint_state`` says which it is."""

    code, title = "complaint_not_open", "The complaint's state does not allow this"


class EvidenceClosed(Conflict):
    """Nothing can be added any more; ``evidence_by`` says until when it could."""

    code, title = "evidence_closed", "Nothing can be added to the complaint any more"
