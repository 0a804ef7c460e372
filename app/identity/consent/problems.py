"""Why a grant cannot be given or changed."""

from app.core.problems import Conflict, Forbidden


class GrantExists(Conflict):
    """This person already has a grant of this kind: change that one."""

    code, title = "grant_exists", "There is a grant for this person already"


class GrantEnded(Conflict):
    """The grant was revoked or has expired; a new one can be given."""

    code, title = "grant_ended", "The grant has ended"


class ProxyNeedsDocument(Forbidden):
    """Who acts for a resident is proposed as a proxy, with the document it rests on, and checked by the operator.

    What a proxy may do can be cut down or ended at once; more, or for longer, takes another proposal.
    """

    code, title = "proxy_needs_document", "A proxy is proposed with the document it rests on"


class GrantOfAnAlarm(Conflict):
    """Emergency access is opened and closed by its alarm."""

    code, title = "grant_of_an_alarm", "Emergency access ends with its alarm"
