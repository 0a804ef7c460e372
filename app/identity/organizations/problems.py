"""Why something about an organization or its staff cannot be done."""

from app.core.problems import Conflict


class AlreadyMember(Conflict):
    """The person holds this role already."""

    code, title = "already_member", "This person has that role already"


class LastOperator(Conflict):
    """A community is never left without somebody who can let others in."""

    code, title = "last_operator", "The community would be left without an operator"


class NotDeactivable(Conflict):
    """One's own account, or a resident's: the one would lock oneself out, the other ends with the residence."""

    code, title = "not_deactivable", "This account cannot be deactivated here"


class InvitationEnded(Conflict):
    """The invitation was accepted, revoked, or has expired."""

    code, title = "invitation_ended", "The invitation is no longer open"


class AgreementEnded(Conflict):
    """The agreement has ended; a new one can be made."""

    code, title = "agreement_ended", "The agreement has ended"
