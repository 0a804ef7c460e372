"""What can go wrong with referrals and questions, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class NotYourPart(Forbidden):
    """This is for another side: who refers, who is asked, or whose referral it is."""

    code, title = "not_your_part", "This is for another side of the referral"


class ForReferrers(Forbidden):
    """Only a clinic that treats the resident refers them, and asks about them."""

    code, title = "for_referrers", "This is for a clinic that treats the resident"


class ReferralStands(Conflict):
    """The referral's state does not allow this; ``referral_state`` says which it is, ``decided_by`` who made it so."""

    code, title = "referral_state", "The referral stands otherwise by now"


class QuestionStands(Conflict):
    """The question's state does not allow this; ``question_state`` says which it is."""

    code, title = "question_state", "The question stands otherwise by now"


class AskedAlready(Conflict):
    """A referral is not passed on to a clinic that was asked before."""

    code, title = "asked_already", "That clinic was asked already"


class NotAmongOffers(Conflict):
    """The clinic offers times of its own choice; ``offers`` are they."""

    code, title = "not_among_offers", "This is none of the times that were offered"


class NothingClimbs(Conflict):
    """There is nothing to take up: no deadline has passed, or somebody has taken it up."""

    code, title = "nothing_climbs", "There is nothing to take up"
